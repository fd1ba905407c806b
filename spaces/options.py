"""The options of the spaces that come with the package: what each takes, said before a space is made of them."""

from collections.abc import Callable, Mapping
from typing import Any

Kind = tuple[Callable[[Any], bool], str]


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _list(of: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list | tuple) and all(map(of, value))


def _text(value: Any) -> bool:
    return isinstance(value, str)


COUNT: Kind = (_whole, "an integer, as in {} = 4")
NUMBER: Kind = (_number, "a number, as in {} = 0.2")
TEXTS: Kind = (_list(_text), 'a list of texts, as in {} = ["conv_3x3", "none"]')
CELLS: Mapping[str, Kind] = {
    **dict.fromkeys(("nodes", "inputs", "cells", "channels", "stem"), COUNT),
    **dict.fromkeys(("train_cells", "train_channels"), (lambda value: value is None or _whole(value), COUNT[1])),
    "concat": (
        lambda value: _whole(value) or _list(_whole)(value),
        "an integer or a list of them, as in {} = [3, 4]",
    ),
    "reduction": (lambda value: isinstance(value, bool), "true or false, as in {} = true"),
    "operations": TEXTS,
    "rules": (TEXTS[0], 'a list of texts, as in {} = ["edge-wise", "node-wise"]'),
    "auxiliary": (lambda value: isinstance(value, bool) or _number(value), "a number or true, as in {} = 0.4"),
    "drop_path": NUMBER,
}
BENCH: Mapping[str, Kind] = dict.fromkeys(("cells", "channels", "train_cells", "train_channels"), COUNT)
SHORTCUTS: Mapping[str, Kind] = {"width": (_number, "a number, as in {} = 0.125")}


def fault(options: Mapping[str, Any], known: Mapping[str, Kind]) -> str:
    """Which option is unknown or of another type; '' where none is."""
    for name, value in options.items():
        if name not in known:
            return f"space_options.{name} is unknown; there are {', '.join(known)}"
        fits, takes = known[name]
        if not fits(value):
            return f"space_options.{name} must be {takes.format(name)} (given: {str(value)[:40]})"
    return ""
