"""The rows of a study: appended by the driver alone, read by anyone. Standard library only.

A folder's rows are those of compressed files, where finished studies are kept, followed by those of `trials.jsonl`.
"""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from io import FileIO
from pathlib import Path
from typing import cast

from harness.errors import BadInput, Stopped, say
from harness.storage.checks import is_whole
from harness.storage.files import opened, write_atomically
from harness.storage.folder import rows_file
from harness.storage.kept import kept_lines
from harness.storage.replaced import content, identity, lacking
from harness.storage.row_fields import unreadable
from harness.vocabulary.rows import FINAL, Row

PATIENCE = 1.0  # seconds for which a driver waits for the lock, which `status` takes for a moment
MOST_UNSYNCED = 1000  # rows
KNOWN, NAMELESS = ("key", "status"), "it has no key and status"
BLOCK = 1 << 16  # bytes read at a time from the end of the file


def read_rows(folder: Path) -> list[Row]:
    """Every whole row, in file order, compressed ones first; a torn last line is left out.

    Raises BadInput where another line is no row, or the compressed file is damaged.
    """
    return _rows(folder, lambda row: "" if all(isinstance(row.get(name), str) for name in KNOWN) else NAMELESS)


def complete_rows(folder: Path) -> list[Row]:
    """As `read_rows`. Raises BadInput also where a row lacks what every run writes, or holds it as something else."""
    return _rows(folder, unreadable)


def read_objects(folder: Path) -> list[tuple[str, Row]]:
    """As `read_rows`, whatever the objects hold, each with its file and line."""
    out: list[tuple[str, Row]] = []
    for kept, lines in kept_lines(folder):
        out += _whole(lines, kept)
    if (path := rows_file(folder)).exists():
        with open(path, "rb") as file:
            out += _whole(file, path)
    return out


def _rows(folder: Path, fault: Callable[[Row], str]) -> list[Row]:
    """Raises BadInput where a row has a fault."""
    rows = read_objects(folder)
    for place, row in rows:
        if why := fault(row):
            raise BadInput(f"{place} is no row: {why}; mend or remove that line")
    return [row for _, row in rows]


def latest_rows(folder: Path) -> dict[str, Row]:
    """The row that counts for each key."""
    return counting(read_rows(folder))


def final_rows(folder: Path) -> dict[str, Row]:
    """The final row of each key that has one."""
    return {key: row for key, row in latest_rows(folder).items() if row["status"] in FINAL}


def counting(rows: Iterable[Row]) -> dict[str, Row]:
    """Of each key the last final row, else the last."""
    found: dict[str, Row] = {}
    for row in rows:
        if row["status"] in FINAL or found.get(row["key"], row)["status"] not in FINAL:
            found[row["key"]] = row
    return found


class Records:
    """Appending to a study's rows; only one driver at a time may hold them.

    Raises BadInput where another one does, OSError where the disk does not take them, and Stopped where the folder is
    no longer where it was. A file of rows that somebody removes or replaces meanwhile keeps every row.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self._home = folder, identity(folder.resolve())
        self._beside: dict[Path, bytes] = {}
        self._unsynced = 0
        self._lock = _held(folder)
        try:
            self._file = _open_rows(folder)
            _cut_torn_tail(self._file.fileno())
        except BaseException:
            self._lock.close()
            raise

    def append(self, row: Row, durable: bool = True) -> None:
        """A write that fails (disk full) leaves no torn row behind. What is not `durable` is so after `sync`."""
        line = json.dumps(row, sort_keys=True, allow_nan=False).encode() + b"\n"
        self.check(line)
        durable = durable or self._unsynced >= MOST_UNSYNCED
        _write(self._file, line, durable)
        self._unsynced = 0 if durable else self._unsynced + 1
        if identity(_lock_file(self.folder)) != identity(self._lock.fileno()):
            self._lock.close()
            self._lock = _held(self.folder)

    def sync(self) -> None:
        """Makes every row so far durable."""
        if self._unsynced:
            os.fsync(self._file.fileno())
            self._unsynced = 0

    def guard(self, *paths: Path) -> None:
        """What stands in these files now is written again, too, where somebody removes the folder."""
        self._beside = {path: path.read_bytes() for path in paths if path.exists()}

    def check(self, more: bytes = b"") -> None:
        """Goes on in the file of rows that is there now, if it is another, with every row of the one before.

        Raises Stopped where the folder was moved or removed; `more` is then written to where the rows are.
        """
        path = rows_file(self.folder)
        if (now := identity(path)) == identity(self._file.fileno()):
            return
        if identity(self.folder.resolve()) != self._home:  # what lies there now is somebody else's
            raise Stopped(self._saved(more))
        with self._file as old:
            self._file = _open_rows(self.folder)
            again = lacking(content(old.fileno()), content(self._file.fileno()))
        _write(self._file, b"".join(again))
        say(
            f"{path} was {'replaced' if now else 'removed'} during the run; "
            f"{len(again)} rows that it lacked were written into it again"
        )

    def _saved(self, more: bytes) -> str:
        """Writes `more` to where the rows are, and says where that is."""
        if os.fstat(self._file.fileno()).st_nlink:
            _write(self._file, more)
            return (f"{self.folder} was moved during the run; its rows are complete where it is now: "
                    "move it back, then the same command carries on")  # fmt: skip
        self.folder.mkdir(parents=True, exist_ok=True)
        with _open_rows(self.folder) as file:
            rows = content(self._file.fileno()) + more
            _write(file, b"".join(lacking(rows, content(file.fileno()))))
        for path, written in self._beside.items():
            if not path.exists():
                write_atomically(path, written)
        return (f"{self.folder} was removed during the run; its rows were written into it again: "
                "the same command carries on, or remove it now")  # fmt: skip

    def close(self) -> None:
        self._file.close()
        self._lock.close()

    def __enter__(self) -> "Records":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                self.check()
        finally:
            self.close()


def _lock_file(folder: Path) -> Path:
    return folder / ".lock"


def _held(folder: Path) -> FileIO:
    """The lock, which nobody else has while it is open. Raises BadInput."""
    file = FileIO(opened(_lock_file(folder), os.O_RDWR | os.O_CREAT), "r+")
    try:
        _lock(file.fileno())
    except BlockingIOError:
        file.close()
        raise BadInput(f"{folder}: another nas-harness is running this study; wait for it, or end it") from None
    except OSError as error:
        file.close()
        raise BadInput(f"{folder}: its file system cannot lock files ({error.strerror})") from None
    return file


def _lock(descriptor: int) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def _whole(lines: Iterable[bytes], path: Path) -> Iterator[tuple[str, Row]]:
    for number, line in enumerate(lines, 1):
        if not is_whole(line):
            return
        if line.isspace():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise BadInput(f"{path}, line {number} is no JSON; mend or remove that line") from None
        if not isinstance(row, dict):
            raise BadInput(f"{path}, line {number} is no object, and so no row; mend or remove that line")
        yield f"{path}, line {number}", cast(Row, row)


def _open_rows(folder: Path) -> FileIO:
    return FileIO(opened(rows_file(folder), os.O_RDWR | os.O_APPEND | os.O_CREAT), "ab+")


def _write(file: FileIO, lines: bytes, durable: bool = True) -> None:
    """At the end of the file, after a newline if what somebody else wrote there has none; all of it or nothing."""
    start = os.fstat(file.fileno()).st_size
    if start and os.pread(file.fileno(), 1, start - 1) != b"\n":
        lines = b"\n" + lines
    try:
        while lines:
            lines = lines[file.write(lines) :]
        if durable:
            os.fsync(file.fileno())
    except BaseException as error:
        if lines or isinstance(error, OSError):  # a signal that comes while whole rows are synced takes none away
            os.ftruncate(file.fileno(), start)
        raise


def _cut_torn_tail(descriptor: int) -> None:
    """Takes what follows the last newline away: a row that a killed driver or a power-off left half-written."""
    end = start = os.fstat(descriptor).st_size
    while start:
        start = max(0, start - BLOCK)
        newline = os.pread(descriptor, min(BLOCK, end - start), start).rfind(b"\n")
        if newline >= 0:
            start += newline + 1
            break
    if start < end and not is_whole(os.pread(descriptor, end - start, start)):
        os.ftruncate(descriptor, start)
