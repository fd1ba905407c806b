"""protocol.jsonl: what a study fixed before its first row, and all that was changed or looked at since.

Entries are only ever appended, and each holds the hash of the one before: an entry that was edited, removed or moved
breaks the chain. Each row names the entry under which it ran.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

from harness.errors import BadInput
from harness.storage import provenance
from harness.storage.checks import is_whole
from harness.storage.files import opened
from harness.storage.shapes import entry_fault

LATER = ("classes",)  # fields that older versions did not fix: no change of what they began
START = "0" * 64  # what the first entry holds in place of a hash before it
Fixed = Mapping[str, Any]  # field of the protocol → value


class Event(StrEnum):
    FIXED = "fixed"  # before the first row
    CHANGED = "changed"  # fields that differ since: [before, after]
    LOOKED = "looked"  # a planned interim analysis
    REUSED = "reused"  # rows of another study were taken over
    REPORTED = "reported"  # a report made while rows were missing


@dataclass(frozen=True)
class Entry:
    """`rows`: how many final rows there were then, of how many planned ones."""

    at: str  # UTC
    event: str
    content: dict[str, Any]
    rows: int
    planned: int
    before: str
    hash: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 of everything but `hash`."""
        values = {name: value for name, value in asdict(self).items() if name != "hash"}
        return hashlib.sha256(json.dumps(values, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def protocol_file(folder: Path) -> Path:
    return folder / "protocol.jsonl"


def read(folder: Path) -> list[Entry]:
    """Every whole entry; none where the study has no protocol. Raises BadInput where a line is no entry."""
    path = protocol_file(folder)
    try:
        return list(_entries(path.read_bytes(), path))
    except FileNotFoundError:
        return []


def fixed(entries: Sequence[Entry]) -> dict[str, Any]:
    """The protocol as it stands after all changes; {} where nothing was fixed."""
    found: dict[str, Any] = {}
    for entry in entries:
        if entry.event == Event.FIXED:
            found = dict(entry.content)
        elif entry.event == Event.CHANGED:
            found |= {name: after for name, (_, after) in entry.content.items()}
    return found


def settle(folder: Path, wanted: Fixed, rows: int, planned: int) -> str | None:
    """Fixes the protocol where nothing has run yet, or records how it differs now; gives the hash that rows name: of
    the last entry, so that none before it can be taken away.

    None where rows were there before any protocol: such a study is not preregistered, and stays so.
    """
    entries = read(folder)
    if not entries:
        if rows:
            return None
        append(folder, Event.FIXED, dict(wanted), 0, planned)
    else:
        before = fixed(entries)
        later = {name: value for name, value in wanted.items() if name in before or name not in LATER}
        if changes := differences(before, later):
            append(folder, Event.CHANGED, changes, rows, planned)
    return last_hash(folder)


def last_hash(folder: Path) -> str | None:
    """Of the entry under which a row is made now; None where there is none."""
    return next((entry.hash for entry in reversed(read(folder))), None)


def differences(before: Fixed, after: Fixed) -> dict[str, list[Any]]:
    """Field → [before, after], as JSON has them, where the two differ."""
    old, new = json.loads(json.dumps(before)), json.loads(json.dumps(after))
    return {name: [old.get(name), new.get(name)] for name in sorted(old | new) if old.get(name) != new.get(name)}


def append(folder: Path, event: Event, content: dict[str, Any], rows: int, planned: int) -> None:
    """Durable when it returns. Raises OSError where the folder does not take it."""
    with open(opened(protocol_file(folder), os.O_RDWR | os.O_APPEND | os.O_CREAT), "a+b") as file:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX)
        missing = _cut_torn_tail(file.fileno())
        entries = read(folder)
        now = provenance.now()
        entry = Entry(now, event, content, rows, planned, entries[-1].hash if entries else START)
        line = json.dumps({**asdict(entry), "hash": entry.digest}, sort_keys=True)
        file.write(missing + line.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def note(folder: Path, event: Event, content: dict[str, Any], rows: int, planned: int) -> None:
    """As `append`, where the study has a protocol; nothing where it is not preregistered."""
    if read(folder):
        append(folder, event, content, rows, planned)


def faults(entries: Sequence[Entry], named: Sequence[str | None]) -> Iterator[str]:
    """What does not hold of the chain, or of the entries that the rows name (`named`, in the order of the rows)."""
    before, ran = START, False
    for number, entry in enumerate(entries, 1):
        if ran and entry.event == Event.CHANGED and not entry.rows:
            yield f"protocol.jsonl, entry {number}: says that there was no row yet, but rows name an entry before it"
        ran = ran or entry.hash in named
        if entry.event == Event.FIXED and number > 1:
            yield f"protocol.jsonl, entry {number}: fixes the protocol anew, which no run does"
        if entry.hash != entry.digest:
            yield f"protocol.jsonl, entry {number}: was edited (its hash is not that of its content)"
        if entry.before != before:
            yield f"protocol.jsonl, entry {number}: an entry before it is missing, or their order was changed"
        before = entry.hash
    known = {entry.hash for entry in entries}
    if strange := sorted({str(name) for name in named if name not in known} if entries else set(filter(None, named))):
        yield f"protocol.jsonl: rows name an entry that is not there ({strange[0][:16]})"


@lru_cache(maxsize=4)  # every row asks for the last one
def _entries(content: bytes, path: Path) -> tuple[Entry, ...]:
    lines = enumerate(content.splitlines(keepends=True), 1)
    return tuple(_entry(line, f"{path}, line {number}") for number, line in lines if is_whole(line))


def _entry(line: bytes, where: str) -> Entry:
    try:
        found = json.loads(line)
        if not (fault := entry_fault(found)):
            return Entry(**found)
    except (ValueError, TypeError, RecursionError):
        fault = ""
    why = f" ({fault})" if fault else ""
    raise BadInput(f"{where} is no entry of a protocol{why}; restore the file from a copy")


def _cut_torn_tail(descriptor: int) -> bytes:
    """What a writer that was killed left half-written; gives the newline that a whole last entry lacks."""
    size = os.fstat(descriptor).st_size
    content = os.pread(descriptor, size, 0)
    whole = content.rfind(b"\n") + 1
    if whole < size and is_whole(content[whole:]):
        return b"\n"
    if whole < size:
        os.ftruncate(descriptor, whole)
    return b""
