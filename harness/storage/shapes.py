"""What a row and a study.json hold, so that whatever else stands in a file that somebody sends is refused by name.

Fields of older versions may be absent; what is there has its type. Standard library only.
"""

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

Types = tuple[type, ...]
NOTHING = type(None)
TEXT: Types = (str,)
NUMBER: Types = (int, float, NOTHING)
LIST: Types = (list,)
OBJECT: Types = (dict,)
MAYBE_TEXT: Types = (str, NOTHING)
LARGEST = 2**63

ROW_NEEDS = ("key", "kind", "method", "status", "seed", "needs", "settings", "seconds", "device_seconds")
ROW: Mapping[str, Types] = {
    **dict.fromkeys(("key", "kind", "method", "role", "status"), TEXT),
    **dict.fromkeys(("error", "architecture", "split", "twin_of", "pair", "device", "hardware", "path", "precision",
                     "host", "started", "finished", "commit", "protocol"), MAYBE_TEXT),
    **dict.fromkeys(("seconds", "device_seconds"), (int, float)),
    **dict.fromkeys(("seed", "schema"), (int,)),
    **dict.fromkeys(("val_accuracy", "test_accuracy", "train_loss", "test_loss", "parameters", "macs", "shortcuts",
                     "long_shortcuts", "epochs", "threads", "train_seed", "twin", "peak_memory_bytes", "stopped_at",
                     "returned_to"), NUMBER),
    **dict.fromkeys(("needs", "methods", "curve", "warnings"), LIST),
    **dict.fromkeys(("settings", "versions"), OBJECT),
    **dict.fromkeys(("recipe", "snapshots"), (dict, NOTHING)),
}  # fmt: skip
TEXTS_INSIDE = ("needs", "methods", "warnings")  # lists of texts

STUDY_NEEDS = ("name", "space", "space_options", "plan")
STUDY: Mapping[str, Types] = {
    **dict.fromkeys(("name", "space", "command", "task"), TEXT),
    **dict.fromkeys(("space_options", "data", "seeds", "search", "recipe", "alpha_labels", "paths"), OBJECT),
    **dict.fromkeys(("plan", "rows", "methods", "method", "tuning", "looks"), LIST),
    **dict.fromkeys(("smallest_effect", "alpha", "equivalence_margin", "chance"), NUMBER),
    "schema": (int,),
    "primary": (dict, NOTHING),
}
JOB_NEEDS = ("key", "kind", "method", "seed", "needs")
TABLE_ROW: Mapping[str, Types] = {"method": TEXT, **dict.fromkeys(("role", "rule", "twin"), MAYBE_TEXT),
                                  "search_epochs": (int, NOTHING)}  # fmt: skip


def row_fault(found: Any) -> str:
    """Why a line's value is no row; '' where it is one."""
    return next(_row_faults(found), "")


def study_fault(found: Any) -> str:
    """Why it is no content of a study.json; '' where it is."""
    return next(_study_faults(found), "")


def _row_faults(found: Any) -> Iterator[str]:
    yield from _faults(found, ROW, ROW_NEEDS)
    yield from (f"{name} holds more than texts" for name in TEXTS_INSIDE if not _all(found.get(name, []), str))
    if not _all(found.get("curve", []), dict):
        yield "curve holds more than objects"


def _study_faults(found: Any) -> Iterator[str]:
    yield from _faults(found, STUDY, STUDY_NEEDS)
    for job in found["plan"]:
        yield from (f"plan: {fault}" for fault in _faults(job, ROW, JOB_NEEDS))
        yield from ("plan: needs holds more than texts" for _ in [0] if not _all(job["needs"], str))
    for row in found.get("rows", []):
        yield from (f"rows: {fault}" for fault in _faults(row, TABLE_ROW, ("method",)))


def _faults(found: Any, shape: Mapping[str, Types], needs: tuple[str, ...]) -> Iterator[str]:
    if not isinstance(found, dict):
        yield f"is {_said(found)}, no object"
        return
    yield from (f"lacks {name}" for name in needs if name not in found)
    for name, types in shape.items():
        if name in found and not _is(found[name], types):
            yield f"{name} is {_said(found[name])}"


def _is(value: Any, types: Types) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, int | float) and not (isfinite(value) and abs(value) < LARGEST):
        return False
    return isinstance(value, types)


def _all(values: list[Any], kind: type) -> bool:
    return all(isinstance(value, kind) for value in values)


def _said(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "a text", NOTHING: "null"}
    return kinds.get(type(value)) or str(value)[:40]
