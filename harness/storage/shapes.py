"""What a study.json holds, so that whatever else stands in a folder that somebody sends is refused by name.

Fields of older versions may be absent; what is there has its type. Standard library only.
"""

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

Types = tuple[type, ...]
NOTHING = type(None)
MAYBE_TEXT: Types = (str, NOTHING)

NEEDED = ("name", "space", "space_options", "plan")
STUDY: Mapping[str, Types] = {
    **dict.fromkeys(("name", "space", "command", "task"), (str,)),
    **dict.fromkeys(("space_options", "seeds", "search", "recipe", "alpha_labels", "paths", "scale"), (dict,)),
    "data": (dict, list),
    "table": (dict, NOTHING),
    **dict.fromkeys(("plan", "rows", "methods", "method", "tuning", "looks", "notes"), (list,)),
    **dict.fromkeys(("smallest_effect", "alpha", "equivalence_margin", "chance"), (int, float, NOTHING)),
    "schema": (int,),
    "primary": (dict, NOTHING),
}
JOB: Mapping[str, Types] = {**dict.fromkeys(("key", "kind", "method", "role"), (str,)), "seed": (int,),
                            **dict.fromkeys(("needs", "methods"), (list,))}  # fmt: skip
TABLE_ROW: Mapping[str, Types] = {"method": (str,), **dict.fromkeys(("role", "rule", "twin"), MAYBE_TEXT),
                                  "search_epochs": (int, NOTHING)}  # fmt: skip
LISTS: Mapping[str, tuple[Mapping[str, Types], tuple[str, ...]]] = {
    "plan": (JOB, ("key", "kind", "method", "seed", "needs")),
    "rows": (TABLE_ROW, ("method",)),
    "methods": ({"name": (str,), "rule": MAYBE_TEXT, "strategy": MAYBE_TEXT}, ("name",)),
}


def fault(study: Any) -> str:
    """Why it is no content of a study.json; '' where it is."""
    return next(_faults(study, STUDY, NEEDED), "") or next(_inside(study), "")


def _inside(study: Mapping[str, Any]) -> Iterator[str]:
    for part, (shape, needed) in LISTS.items():
        for item in study.get(part, []):
            yield from (f"{part}: an entry {fault}" for fault in _faults(item, shape, needed))
            for name in ("needs", "methods"):
                if part == "plan" and not all(isinstance(text, str) for text in item.get(name, [])):
                    yield f"{part}: an entry's {name} holds more than texts"
    if isinstance(study.get("data"), list) and not all(isinstance(data, dict) for data in study["data"]):
        yield "data holds more than objects"
    if not all(isinstance(note, str) for note in study.get("notes", [])):
        yield "notes holds more than texts"
    if not all(type(look) is int for look in study.get("looks", [])):
        yield "looks holds more than whole numbers"


def _faults(found: Any, shape: Mapping[str, Types], needed: tuple[str, ...]) -> Iterator[str]:
    if not isinstance(found, dict):
        yield f"is {_said(found)}, no object"
        return
    yield from (f"lacks {name}" for name in needed if name not in found)
    yield from (f"has {name} = {_said(found[name])}" for name, types in shape.items()
                if name in found and not _is(found[name], types))  # fmt: skip


def _is(value: Any, types: Types) -> bool:
    finite = not isinstance(value, float) or isfinite(value)
    return isinstance(value, types) and not isinstance(value, bool) and finite


def _said(value: Any) -> str:
    kinds: Mapping[type, str] = {dict: "an object", list: "a list", str: "a text", NOTHING: "null"}
    return kinds.get(type(value)) or str(value)[:40]
