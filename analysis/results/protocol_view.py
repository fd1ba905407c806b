"""protocol.jsonl as a report needs it: what was fixed before the first row, and what was changed or looked at since."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from analysis.numbers import visible

FIRST_COUNTS = ("primary", "alpha", "smallest_effect", "equivalence_margin")  # of the study: as fixed first
Entry = Mapping[str, Any]


def _of_more(changed: set[str]) -> bool:
    """Whether such changes give comparisons more or fewer trainings: seeds, looks at some of them, or twins. The folder
    of an older version has its twins written down later, but then its settings are what they were."""
    return bool(changed & {"seeds", "looks"}) or {"twins", "settings"} <= changed


class Damaged(ValueError):
    """A file of a results folder that cannot be read on; says which."""


class Deviation(NamedTuple):
    at: str
    text: str
    rows: str  # "9 of 12"
    hash: str


@dataclass(frozen=True)
class Protocol:
    """The entries of one study's protocol; none: the study is not preregistered. `named`: the hashes of those that rows
    name, each as the last one when it was made."""

    entries: tuple[Entry, ...] = ()
    named: frozenset[str] = frozenset()

    @cached_property
    def _before(self) -> int:
        """How many entries are from before the first row, whatever later ones say of how many rows they found."""
        last = len(self.entries)
        found = next((number for number, entry in enumerate(self.entries) if entry["rows"]), last)
        ran = next((number for number, entry in enumerate(self.entries, 1) if entry["hash"] in self.named), last)
        return min(found, ran)

    @property
    def _changes(self) -> list[Entry]:
        """What was changed after rows were there."""
        return [entry for entry in self.entries[self._before :] if entry["event"] == "changed"]

    @cached_property
    def first(self) -> dict[str, Any]:
        """What was fixed when the first row was made: later changes are deviations."""
        return {name: value for name, (value, _) in self.first_entries.items()}

    @cached_property
    def first_entries(self) -> dict[str, tuple[Any, Entry]]:
        """The same, each value with the entry that fixed it."""
        found: dict[str, tuple[Any, Entry]] = {}
        for entry in self.entries[: self._before]:
            if entry["event"] == "fixed":
                found |= {name: (value, entry) for name, value in entry["content"].items()}
            elif entry["event"] == "changed":
                found |= {name: (after, entry) for name, (_, after) in entry["content"].items()}
        return found

    @property
    def preregistered(self) -> bool:
        return self._before > 0 and self.entries[0]["event"] == "fixed"

    @property
    def first_rows(self) -> frozenset[str] | None:
        """The table rows that were fixed first; None where none were."""
        rows = self.first.get("rows")
        return frozenset(row["method"] for row in rows) if rows else None

    @property
    def rows(self) -> list[Mapping[str, Any]]:
        """Every table row that stood in it once rows could be seen: none leaves the family by a change."""
        changed = [entry["content"]["rows"] for entry in self._changes if "rows" in entry["content"]]
        stands = [self.first.get("rows") or [], *(after or [] for _, after in changed)]
        return [row for rows in stands for row in rows]

    @property
    def unplanned_looks(self) -> int:
        """At how many states of the study somebody looked while rows were missing, or had more or fewer trainings
        planned: the same number of rows is another state once these or settings were changed."""
        states: set[tuple[int, int]] = set()
        plan = 0
        for number, entry in enumerate(self.entries):
            changed = {*entry["content"]} if entry["event"] == "changed" else set()
            if number >= self._before and (entry["event"] == "reported" or _of_more(changed)):
                states.add((plan, entry["rows"]))
            plan += bool(changed & {"seeds", "settings", "looks"})
        return len(states)

    @property
    def looked(self) -> bool:
        """Whether planned looks were taken."""
        return any(entry["event"] == "looked" for entry in self.entries)

    @cached_property
    def reused_keys(self) -> frozenset[str] | None:
        """Of the rows that were taken over from other studies; None where an entry does not say which."""
        named = [entry["content"].get("keys") for entry in self.entries if entry["event"] == "reused"]
        return None if None in named else frozenset(key for keys in named for key in keys)

    @property
    def changed(self) -> list[str]:
        """The fields of which a report uses what was fixed first, each with what was wanted later."""
        return [
            f"{name} ({before} → {after})"
            for entry in self._changes
            for name, (before, after) in entry["content"].items()
            if name in FIRST_COUNTS
        ]

    @property
    def deviations(self) -> list[Deviation]:
        return [
            Deviation(entry["at"], text, f"{entry['rows']} of {entry['planned']}", entry["hash"])
            for number, entry in enumerate(self.entries)
            for text in _said(entry, late=number >= self._before)
        ]


def read(folder: Path, named: Iterable[Any] = ()) -> Protocol:
    """`named`: the entries that its rows name. Raises Damaged where a whole line is no entry; a torn last line is left
    out."""
    path = folder / "protocol.jsonl"
    if not path.exists():
        return Protocol()
    lines = [line for line in path.read_bytes().splitlines(keepends=True) if _whole(line)]
    entries = tuple(_entry(line, f"{path}, line {number}") for number, line in enumerate(lines, 1))
    if anew := [number for number, entry in enumerate(entries, 1) if number > 1 and entry["event"] == "fixed"]:
        raise Damaged(
            f"{path}, line {anew[0]} fixes the protocol anew, which no run does; restore the file from a copy"
        )
    return Protocol(entries, frozenset(name for name in named if isinstance(name, str)))


def _whole(line: bytes) -> bool:
    """Whether it holds all of its object, though an editor may have taken the newline."""
    with suppress(ValueError, RecursionError):
        return line.endswith(b"\n") or isinstance(json.loads(line), dict)
    return False


def as_fixed(study: Mapping[str, Any], protocol: Protocol) -> dict[str, Any]:
    """The study with what its protocol fixed first in place of what was changed since; of two plans of looks the one
    that has more."""
    first = protocol.first
    looks = max((first.get("looks") or [], study.get("looks") or []), key=len)
    return {**study, **{name: first[name] for name in FIRST_COUNTS if name in first}, "looks": looks}


def reused(protocols: Sequence[Protocol]) -> list[str]:
    """What was taken over from other studies, a sentence each."""
    return [_reused(e["content"]) for protocol in protocols for e in protocol.entries if e["event"] == "reused"]


def _reused(content: Mapping[str, Any]) -> str:
    others = ", ".join(map(str, content.get("from") or ["another study"]))
    return f"{content.get('rows', '?')} rows were taken over from {others}"


def _said(entry: Entry, late: bool) -> Iterator[str]:
    """`late`: after rows were there."""
    content = entry["content"]
    match entry["event"]:
        case "changed" if late:
            yield from (f"{name}: {_short(before)} → {_short(after)}" for name, (before, after) in content.items())
        case "reported":
            yield "a report was made while rows were missing"
        case "looked":
            yield f"planned looks taken: {content.get('looks', '?')}"
        case "reused":
            yield _reused(content)


def _short(value: Any) -> str:
    """Rows by their number: their names stand in the table."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return f"{len(value)} rows"
    return "none" if value is None else str(value) if isinstance(value, str) else json.dumps(value)


def _entry(line: bytes, where: str) -> Entry:
    try:
        found = visible(json.loads(line))
        return {name: found[name] for name in ("at", "event", "content", "rows", "planned", "hash")}
    except (ValueError, KeyError, TypeError):
        raise Damaged(f"{where} is no entry of a protocol; restore the file from a copy") from None


def shown(value: Any) -> str:
    """A fixed value as a cell of a table."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {shown(part)}" for name, part in value.items())
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return ", ".join(str(row.get("method")) for row in value)
    return _short(value)
