"""The rows of a study: appended by the driver alone, read by anyone. Standard library only.

A folder's rows are those of `trials.jsonl.gz`, where finished studies are kept, followed by those of `trials.jsonl`.
"""

import fcntl
import gzip
import json
import os
import time
import zlib
from collections.abc import Iterable, Iterator
from io import FileIO
from pathlib import Path

from harness.errors import BadInput
from harness.storage.folder import rows_file
from harness.vocabulary.rows import FINAL, Row

PATIENCE = 1.0  # seconds for which a driver waits for the lock, which `status` takes for a moment
BLOCK = 1 << 16  # bytes read at a time from the end of the file


def kept_file(folder: Path) -> Path:
    """Rows of before, compressed; read alone."""
    return folder / "trials.jsonl.gz"


def read_rows(folder: Path) -> list[Row]:
    """Every whole row, in file order, compressed ones first; a torn last line is left out.

    Raises BadInput where another line, or the compressed file, is damaged.
    """
    out: list[Row] = []
    if (kept := kept_file(folder)).exists():
        try:
            with gzip.open(kept) as file:
                out += _whole(file, kept)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise BadInput(f"{kept} is damaged ({error}); take it from where it was kept") from None
    if (path := rows_file(folder)).exists():
        with open(path, "rb") as file:
            out += _whole(file, path)
    return out


def latest_rows(folder: Path) -> dict[str, Row]:
    """The row that counts for each key."""
    return counting(read_rows(folder))


def counting(rows: Iterable[Row]) -> dict[str, Row]:
    """Of each key the last final row, else the last."""
    found: dict[str, Row] = {}
    for row in rows:
        if row["status"] in FINAL or found.get(row["key"], row)["status"] not in FINAL:
            found[row["key"]] = row
    return found


class Records:
    """Appending to a study's rows; only one driver at a time may hold them.

    Raises BadInput where another one does, OSError where the disk does not take them.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = open(folder / ".lock", "w")
        try:
            _lock(self._lock.fileno())
        except BlockingIOError:
            self._lock.close()
            raise BadInput(f"{folder}: another nas-harness is running this study; wait for it, or end it") from None
        except OSError as error:
            self._lock.close()
            raise BadInput(f"{folder}: its file system cannot lock files ({error.strerror})") from None
        self._file = open(rows_file(folder), "ab", buffering=0)
        _cut_torn_tail(self._file)

    def append(self, row: Row) -> None:
        """Durable when it returns. A write that fails (disk full) leaves no torn row behind."""
        start = self._file.tell()
        line = json.dumps(row, sort_keys=True, allow_nan=False).encode() + b"\n"
        try:
            while line:
                line = line[self._file.write(line) :]
            os.fsync(self._file.fileno())
        except BaseException:
            os.truncate(self._file.name, start)
            raise

    def close(self) -> None:
        self._file.close()
        self._lock.close()

    def __enter__(self) -> "Records":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _lock(descriptor: int) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def _whole(lines: Iterable[bytes], path: Path) -> Iterator[Row]:
    for number, line in enumerate(lines, 1):
        if not line.endswith(b"\n"):
            return
        try:
            yield json.loads(line)
        except ValueError:
            raise BadInput(f"{path}, line {number} is no JSON; mend or remove that line") from None


def _cut_torn_tail(file: FileIO) -> None:
    """Takes what follows the last newline away: a row that a killed driver or a power-off left half-written."""
    with open(file.name, "rb") as rows:
        end = start = rows.seek(0, os.SEEK_END)
        while start:
            start = max(0, start - BLOCK)
            rows.seek(start)
            newline = rows.read(min(BLOCK, end - start)).rfind(b"\n")
            if newline >= 0:
                start += newline + 1
                break
    if start < end:
        os.truncate(file.name, start)
    file.seek(0, os.SEEK_END)
