"""What was removed, replaced or moved while a run had it open. Standard library only."""

import json
import os
from pathlib import Path

Identity = tuple[int, int]  # of a file or a folder, whatever its name


def identity(found: Path | int) -> Identity | None:
    """Of what lies at a path, which may be a link, or of a descriptor; None where nothing lies there."""
    try:
        known = os.stat(found) if isinstance(found, int) else os.lstat(found)
    except FileNotFoundError:
        return None
    return known.st_dev, known.st_ino


def content(descriptor: int) -> bytes:
    """Of an open file, though its name may be gone."""
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0)


def lacking(old: bytes, new: bytes) -> list[bytes]:
    """The rows of `old` of which `new` has none of that key and status: what was changed by hand stays changed."""
    there = set(map(_known, new.splitlines()))
    return [line for line in old.splitlines(keepends=True) if _known(line) not in there]


def _known(line: bytes) -> object:
    try:
        row = json.loads(line)
        return row["key"], row["status"]
    except (ValueError, TypeError, KeyError):
        return line.strip()
