"""Rows of a folder that count, read while a driver appends them; only their digests are held. Standard library only."""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from harness.errors import BadInput
from harness.storage.checks import is_whole
from harness.storage.folder import rows_file
from harness.storage.kept import kept_lines
from harness.storage.replaced import Identity, identity
from harness.storage.row_fields import unreadable
from harness.vocabulary.rows import FINAL, Row


class NewRows:
    """Starts with all rows that are there; where the file is replaced or cut, with all rows again."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._path = folder, rows_file(folder)
        self._start: int | None = None  # None: with the compressed files
        self._file: Identity | None = None
        self._counts: dict[str, tuple[bool, str]] = {}  # key → whether the row that counts is final, its digest

    def mark(self) -> int:
        """How far the rows reach now, in bytes of their file."""
        size = os.stat(self._path).st_size if (now := identity(self._path)) else 0
        if self._file != now or size < (self._start or 0):
            self._start, self._file = None, now
            self._counts.clear()
        return size

    def up_to(self, end: int) -> Iterator[tuple[str, Row]]:
        """(digest, row) of each that counts, from where the last call ended to `end`, a mark.

        Where the caller stops before the last one, the next call gives all of them again. Raises BadInput where a line
        is no row.
        """
        if self._start == end:
            return
        reached = self._start or 0
        for reached, row in self._rows(end):  # noqa: B007
            final = row["status"] in FINAL
            if final or not self._counts.get(row["key"], (False,))[0]:
                self._counts[row["key"]] = final, digest(row)
        for _, row in self._rows(end):
            if self._counts[row["key"]][1] == (found := digest(row)):
                yield found, row
        self._start = reached

    def _rows(self, end: int) -> Iterator[tuple[int, Row]]:
        """Each with where it ends; a torn last line is left out."""
        start = self._start
        for path, lines in kept_lines(self._folder) if start is None else ():
            yield from ((0, _row(line, path)) for line in lines if is_whole(line))
        if end == 0:
            return
        with open(self._path, "rb") as file:
            file.seek(start or 0)
            while (here := file.tell()) < end and is_whole(line := file.readline(end - here)):
                if line.strip():
                    yield file.tell(), _row(line, self._path)


def digest(row: Row) -> str:
    """Equal for rows of equal content."""
    return hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()[:16]


def _row(line: bytes, path: Path) -> Row:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        raise BadInput(f"{path} holds a line that is no JSON; mend or remove it") from None
    why = unreadable(cast(Row, row)) if isinstance(row, dict) else "it is no object"
    if why:
        raise BadInput(f"{path} holds a line that is no row: {why}; mend or remove it")
    return cast(Row, row)
