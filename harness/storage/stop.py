"""The file by which a driver asks its trials, on whatever machine, to end after the epoch that runs.

It always exists, and its content says it: a network file system may hide a new file for half a minute, but not what
is read from an old one.
"""

import os
from contextlib import suppress
from pathlib import Path

from harness.storage.files import opened


def stop_file(folder: Path) -> Path:
    return folder / ".stop"


def clear(folder: Path) -> None:
    """At the start of a run. Raises OSError where it cannot be written, BadInput where it is a link."""
    os.close(opened(stop_file(folder), os.O_WRONLY | os.O_CREAT | os.O_TRUNC))


def ask(folder: Path, reason: str) -> None:
    """In one write, for signal handlers; without effect where the folder is gone or full."""
    with suppress(OSError):
        file = opened(stop_file(folder), os.O_WRONLY | os.O_CREAT)
        try:
            os.write(file, reason.encode())
        finally:
            os.close(file)


def asked(folder: Path) -> bool:
    try:
        return bool(stop_file(folder).read_bytes())
    except OSError:  # as where trials run without a driver
        return False
