"""Where a command meets its terminal and its user's signals: output that cannot be written, and signals to end."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from harness.errors import NO_ROOM, BadInput, Ended, Stopped, visible

ENDING = ("SIGTERM", "SIGHUP", "SIGUSR1")


@contextmanager
def signals() -> Iterator[list[str]]:
    """Raises Ended in the main thread at signals of ENDING, whose names come into the list: Ray may raise another
    KeyboardInterrupt in its place. What is ignored from outside, as by nohup, stays so."""
    before: dict[int, Any] = {}
    heard: list[str] = []

    def end(number: int, _: object) -> None:
        heard.append(signal.Signals(number).name)
        raise Ended(heard[-1])

    for name in ENDING:
        number = getattr(signal, name)
        if signal.getsignal(number) != signal.SIG_IGN:
            with suppress(ValueError):  # only the main thread hears signals
                before[number] = signal.signal(number, end)
    try:
        yield heard
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def open_streams() -> None:
    """Gives every command three open streams, so that no file of rows is taken for one; what cannot be encoded is
    written as escapes."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = sys.stdout or open(os.devnull, "w")
    sys.stderr = sys.stderr or open(os.devnull, "w")
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")


def check_here() -> None:
    """Raises BadInput where somebody removed the folder that relative paths start from."""
    try:
        os.getcwd()
    except OSError as error:
        raise BadInput(f"the current folder cannot be read: {error.strerror}; change into another one") from None


class Visible:
    """A stream that escapes what a terminal would obey: names and errors may come from somebody else's folder."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return int(self._stream.write(visible(text)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def close_unread() -> None:
    """From now on nothing is written to a pipe that nobody reads, nor by Python when it exits."""
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):
                os.dup2(null, stream.fileno())


@contextmanager
def named_paths(options: Any) -> Iterator[None]:
    """Raises BadInput in place of an OSError of a path that the command line names, Stopped where a disk is full."""
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:
            raise Stopped(f"{error.filename or 'output'}: no space left on the disk") from None
        if not _of_named_path(error, options):
            raise
        name = os.fsdecode(error.filename)
        raise BadInput(f"{name}: {error.strerror}; name a path that can be read and written") from None


def _of_named_path(error: OSError, options: Any) -> bool:
    """Or of a path below one that is named."""
    if not isinstance(error.filename, str | bytes | os.PathLike):
        return False
    path = Path(os.path.abspath(os.fsdecode(error.filename)))
    return any(path.is_relative_to(os.path.abspath(word)) for word in _words(vars(options).values()))


def _words(values: Any) -> Iterator[str]:
    for value in values:
        if isinstance(value, str) and value:
            yield value
        elif isinstance(value, list):
            yield from _words(value)
