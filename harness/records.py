"""The rows of a study: appended by the driver alone, read by anyone. Standard library only."""

import fcntl
import json
import os
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import Any

from harness.errors import BadInput

Row = dict[str, Any]
FINAL = ("done", "diverged", "disconnected", "pruned")  # `failed` is run again by the next command


def rows_file(folder: Path) -> Path:
    return folder / "trials.jsonl"


def read(folder: Path) -> list[Row]:
    """Every whole row, in file order; a torn last line is left out."""
    path = rows_file(folder)
    return list(_whole(path.read_bytes(), path)) if path.exists() else []


def latest(folder: Path) -> dict[str, Row]:
    """The row that counts for each key: the last final one, else the last."""
    found: dict[str, Row] = {}
    for row in read(folder):
        if row["status"] in FINAL or found.get(row["key"], row)["status"] not in FINAL:
            found[row["key"]] = row
    return found


class Records:
    """Appending to a study's rows; only one driver at a time may hold them.

    Raises BadInput where another one does.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = open(folder / ".lock", "w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise BadInput(f"{folder}: another nas-harness is running this study; wait for it, or end it") from None
        self._file = open(rows_file(folder), "ab", buffering=0)
        _cut_torn_tail(rows_file(folder), self._file)

    def append(self, row: Row) -> None:
        """Durable when it returns. A write that fails (disk full) leaves no torn row behind."""
        start = self._file.tell()
        try:
            line = json.dumps(row, sort_keys=True, allow_nan=False).encode() + b"\n"
            while line:
                line = line[self._file.write(line) :]
            os.fsync(self._file.fileno())
        except OSError:
            os.truncate(self._file.name, start)
            raise

    def close(self) -> None:
        self._file.close()
        self._lock.close()

    def __enter__(self) -> "Records":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _whole(content: bytes, path: Path) -> Iterator[Row]:
    *lines, _torn = content.split(b"\n")
    for number, line in enumerate(lines, 1):
        try:
            yield json.loads(line)
        except ValueError:
            raise BadInput(f"{path}, line {number} is no JSON; mend or remove that line") from None


def _cut_torn_tail(path: Path, file: FileIO) -> None:
    content = path.read_bytes()
    if content and not content.endswith(b"\n"):
        os.truncate(path, content.rfind(b"\n") + 1)
        file.seek(0, os.SEEK_END)
