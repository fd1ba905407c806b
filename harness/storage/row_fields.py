"""Whether the fields of a row hold what docs/rows.md says. Standard library only."""

from collections.abc import Callable, Iterator, Mapping
from math import isfinite
from typing import Any

from harness.storage.folder import SCHEMAS
from harness.vocabulary.rows import Status

Check = tuple[str, Callable[[Any], bool]]  # what the value must be; whether it is


def faults(row: Mapping[str, Any]) -> Iterator[str]:
    """What does not hold, a text each. A field that an older version did not write is no fault, nor is null."""
    for name, (what, holds) in FIELDS.items():
        if (value := row.get(name)) is not None and not holds(value):
            yield f"{name} is {_short(value)}, which is no {what}"
    if isinstance(settings := row.get("settings"), dict) and settings.get("schema") != row.get("schema"):
        yield f"schema is {_short(row.get('schema'))}, but {_short(settings.get('schema'))} in its settings"


NEEDED = ("key", "kind", "method", "status", "seed", "needs", "settings", "seconds", "device_seconds")
INSIDE = ("key", "kind", "method", "seed", "needs", "settings", "seconds", "device_seconds", "methods", "curve",
          "snapshots", "warnings", "recipe", "versions", "role", "error", "architecture")  # fmt: skip


def unreadable(row: Mapping[str, Any]) -> str:
    """Why nothing can be made of it as a row, whatever its numbers say; '' where something can."""
    if missing := [name for name in NEEDED if row.get(name) is None]:
        return f"lacks {missing[0]}"
    for name in INSIDE:
        what, holds = FIELDS[name]
        if (value := row.get(name)) is not None and not holds(value):
            return f"has {name} = {_short(value)}, which is no {what}"
    return "" if isinstance(row["status"], str) else f"has status = {_short(row['status'])}"


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _count(value: Any) -> bool:
    return _number(value) and value == int(value) >= 0


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def _snapshots(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(one, dict) and at.isdigit() for at, one in value.items())


PERCENTAGE: Check = ("percentage", lambda value: _number(value) and 0 <= value <= 100)
NUMBER: Check = ("number", _number)
DURATION: Check = ("number from 0 on", lambda value: _number(value) and value >= 0)
COUNT: Check = ("whole number from 0 on", _count)
TEXT: Check = ("text", lambda value: isinstance(value, str))
TEXTS: Check = ("list of texts", _texts)
OBJECT: Check = ("object", lambda value: isinstance(value, dict))
FIELDS: Mapping[str, Check] = {
    "schema": (f"schema of {', '.join(map(str, SCHEMAS))}", lambda value: _count(value) and value in SCHEMAS),
    "status": (f"status of {', '.join(Status)}", lambda value: isinstance(value, str) and value in list(Status)),
    "test_accuracy": PERCENTAGE,
    "val_accuracy": PERCENTAGE,
    "curve": ("list of objects", _objects),
    "snapshots": ("object of objects by epoch", _snapshots),
    **dict.fromkeys(("train_loss", "test_loss"), NUMBER),
    **dict.fromkeys(("seconds", "device_seconds"), DURATION),
    **dict.fromkeys(("seed", "train_seed", "twin", "parameters", "macs", "shortcuts", "long_shortcuts", "epochs",
                     "threads", "peak_memory_bytes"), COUNT),
    **dict.fromkeys(("key", "kind", "method", "role", "twin_of", "pair", "architecture", "split", "error", "device",
                     "hardware", "path", "precision", "host", "started", "finished", "commit", "protocol"), TEXT),
    **dict.fromkeys(("methods", "needs", "warnings"), TEXTS),
    **dict.fromkeys(("settings", "recipe", "versions"), OBJECT),
}  # fmt: skip


def _short(value: Any) -> str:
    text = f"'{value}'" if isinstance(value, str) else str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
