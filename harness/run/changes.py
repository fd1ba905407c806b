"""How a study differs from the one that its folder holds, and which rows its plan would leave out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.run.prepare import Prepared
from harness.storage import protocol
from harness.storage.folder import claim
from harness.storage.rows import latest_rows

SHOWN = 6  # fields that a message names
MADE = ("schema", "rows", "alpha", "alpha_labels", "command", "plan", "paths", "sequential", "method",
        "notes", "auto_precision")  # not its own  # fmt: skip
GIVEN = ("space_options", "methods", "tuning")  # a field that was not there before is new, not of a newer version
Texts = tuple[str, ...]


@dataclass(frozen=True)
class Changes:
    """`fields`: what differs, a text each; `left_out` of the folder's `rows` are of no job any more."""

    fields: Texts
    left_out: int
    rows: int

    def __str__(self) -> str:
        more = (f"{len(self.fields) - SHOWN} more",) * (len(self.fields) > SHOWN)
        said = ", ".join((*self.fields[:SHOWN], *more))
        rows = f"leaves out {self.left_out} of its {self.rows} rows" if self.left_out else "leaves out no row"
        return f"{said}; {rows}" if said else rows


def changes(prepared: Prepared) -> Changes:
    """None where the folder holds nothing. Where its study.json is damaged, all its rows count as planned."""
    before = claim(prepared.folder, prepared.study.name)
    rows = latest_rows(prepared.folder)
    mine = rows.keys() & ({job["key"] for job in before["plan"]} if before else set(rows))
    fields = _fields(before, prepared.as_json("")) if before else ()
    return Changes(fields, len(mine - prepared.plan.jobs.keys()), len(mine))


def _fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> Texts:
    old, new = (dict(_flat("", {name: values[name] for name in values if name not in MADE}))
                for values in (before, after))  # fmt: skip
    found = protocol.differences(old, new)
    whole = {name: "added" if new.get(name) else "removed" for name, change in found.items() if NAMED in change}
    parts = {name: f"{_short(before)} → {_short(after)}" for name, (before, after) in found.items()
             if (name in old or name.partition(".")[0] in GIVEN)
             and not any(name == one or name.startswith(f"{one}.") for one in whole)}  # fmt: skip
    return tuple(f"{name} {text}" for name, text in sorted((whole | parts).items()))


NAMED = "there"  # stands for a method or a tuning as a whole


def _flat(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Leaves by dotted name; what lists have names for by these."""
    if isinstance(value, list | tuple) and value and all(isinstance(one, dict) and "name" in one for one in value):
        for one in value:
            yield f"{path}.{one['name']}", NAMED
            yield from _flat(f"{path}.{one['name']}", {name: one[name] for name in one if name != "name"})
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _flat(f"{path}.{name}" if path else name, inner)
    else:
        yield path, value


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
