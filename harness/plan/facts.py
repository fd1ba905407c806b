"""What a row says of an architecture, which a space from outside may have made."""

from typing import Any

from harness.vocabulary.rows import Outcome
from spaces.counts import count
from spaces.space import Architecture

MOST = 2**53  # that a JSON number holds without rounding


def facts(architecture: Architecture) -> Outcome:
    """Raises ValueError where it is no architecture, or counts what no row can hold."""
    if not hasattr(architecture, "shortcuts"):
        raise ValueError(f"a {type(architecture).__name__} is no architecture: it has no number of shortcuts")
    long = getattr(architecture, "long_shortcuts", None)
    return {"architecture": str(architecture), "shortcuts": _count("shortcuts", architecture.shortcuts),
            "long_shortcuts": None if long is None else _count("long_shortcuts", long)}  # fmt: skip


def _count(name: str, value: Any) -> int:
    if (number := count(value)) is None or number >= MOST:
        raise ValueError(f"{name} of the architecture is {value!r}; it must be a whole number from 0 on")
    return number
