"""How a driver asks its trials, on whatever machine, to end after the epoch that runs: by a file in the results folder,
and in the store that machines without this folder see.

The file in the folder always exists, and its content says it: a network file system may hide a new file for half a
minute, but not what is read from an old one.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

from harness.storage.files import opened
from harness.storage.store import Store

NAME = ".stop"


def stop_file(folder: Path) -> Path:
    return folder / NAME


def clear(folder: Path, store: Store | None = None) -> None:
    """At the start of a run. Raises OSError where it cannot be written, BadInput where it is a link."""
    os.close(opened(stop_file(folder), os.O_WRONLY | os.O_CREAT | os.O_TRUNC))
    if store and store.url:
        store.delete(NAME)


def ask(folder: Path, reason: str) -> None:
    """In one write, for signal handlers; without effect where the folder is gone or full."""
    with suppress(OSError):
        file = opened(stop_file(folder), os.O_WRONLY | os.O_CREAT)
        try:
            os.write(file, reason.encode())
        finally:
            os.close(file)


def asking(store: Store) -> Callable[[str], None]:
    """Does the same in a store, from a thread: a signal handler must not wait for a network."""
    reasons: SimpleQueue[str] = SimpleQueue()

    def put() -> None:
        reason = reasons.get().encode()
        with suppress(OSError):
            store.put(NAME, reason)

    if store.url:
        Thread(target=put, name="asks trials to stop", daemon=True).start()
    return reasons.put


def reason(folder: Path) -> str:
    """What the last run was asked to stop by; '' where it was not, or that cannot be read."""
    with suppress(OSError):
        return stop_file(folder).read_text(errors="replace")
    return ""


def asked(folder: Path, store: Store | None = None) -> bool:
    """False where neither says so, or neither can be read, as where trials run without a driver."""
    if reason(folder):
        return True
    with suppress(OSError):
        return bool(store and store.url and store.get(NAME))
    return False
