"""The fields that a tuning ranges over, as plain values: their order, their conditions, their grid."""

import math
from collections.abc import Callable, Mapping, Sequence
from graphlib import TopologicalSorter
from random import Random
from typing import Any

from harness.seeding import stream

PLACES = 12  # of what steps reach: 0.3 and not 0.30000000000000004
Settings = dict[str, Any]
Range = Mapping[str, Any]  # dump of a `harness.study.schema.Range`
Ranges = Mapping[str, Range]  # by dotted field


def in_order(ranges: Ranges) -> list[str]:
    """Fields after those that they depend on; the order of the study file and of the rows does not matter."""
    return list(TopologicalSorter({name: sorted(ranges[name]["when"]) for name in sorted(ranges)}).static_order())


def exists(span: Range, found: Settings) -> bool:
    """Whether all of a range's conditions hold; each allows one value or a list of values."""
    return all(name in found and found[name] in (allowed if isinstance(allowed, list | tuple) else [allowed])
               for name, allowed in span["when"].items())  # fmt: skip


def grid(ranges: Ranges, seed: int) -> list[Settings]:
    """Every point of the grid once, in an order that `seed` shuffles: fewer trials than points are a uniform sample."""
    found = points(ranges, lambda name: _levels(name, ranges[name]))
    Random(stream(seed, 0, "grid")).shuffle(found)
    return found


def points(ranges: Ranges, levels: Callable[[str], Sequence[Any]]) -> list[Settings]:
    """Every combination of the fields' `levels`; a field is only where its conditions hold."""
    found: list[Settings] = [{}]
    for name in in_order(ranges):
        found = [{**point, **more} for point in found
                 for more in ([{name: level} for level in levels(name)]
                               if exists(ranges[name], point) else [{}])]  # fmt: skip
    return found


def apply(recipe: Settings, found: Settings) -> Settings:
    """`recipe` with the dotted fields of `found` set."""
    out: Settings = {**recipe}
    for name, new in found.items():
        first, dot, rest = name.partition(".")
        inner = out.get(first)
        out[first] = apply(inner if isinstance(inner, dict) else {}, {rest: new}) if dot else new
    return out


def values(recipe: Settings, ranges: Ranges) -> Settings:
    """What `recipe` holds in the fields of `ranges`, without those whose conditions do not hold."""
    found: Settings = {}
    for name in in_order(ranges):
        if exists(ranges[name], found):
            found[name] = value(recipe, name)
    return found


def value(recipe: Settings, name: str) -> Any:
    """What `recipe` holds in a dotted field."""
    here: Any = recipe
    for part in name.split("."):
        here = here[part]
    return here


def count(name: str, span: Range) -> float:
    """How many values a range has on a grid. Raises ValueError where it is continuous."""
    if span["choices"]:
        return len(span["choices"])
    if not (step := _step(span)) or span["log"]:
        raise ValueError(f"ranges.{name}: a grid needs choices, or low, high and step")
    return float((span["high"] - span["low"]) / step + 1)


def continuous(span: Range) -> bool:
    return not span["choices"] and _step(span) is None


def on_step(number: float, span: Range) -> bool:
    """Whether a number between the ends of a range is one that its steps reach."""
    low, step = span["low"], _step(span) or 1
    steps = (number - low) / step
    return math.isfinite(steps) and round(low + round(steps) * step, PLACES) == number


def _step(span: Range) -> float | None:
    step: float | None = span["step"] or (1 if span["integer"] else None)
    return step


def _levels(name: str, span: Range) -> list[Any]:
    """The values of a range on a grid. Raises ValueError where it is continuous."""
    if span["choices"]:
        return list(span["choices"])
    step = _step(span) or 1
    levels = [span["low"] + n * step for n in range(math.floor(count(name, span) + 1e-9))]
    return [int(level) if span["integer"] else round(level, PLACES) for level in levels]
