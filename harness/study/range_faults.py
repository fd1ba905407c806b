"""What is wrong with the ranges of a tuning: found when the study is read, before any trial asks for a value."""

import math
from collections.abc import Iterator, Mapping
from graphlib import CycleError
from typing import Any

from harness.study.ranges import Range, Ranges, continuous, count, grid, in_order, on_step

MOST_POINTS = 100_000  # of a grid
KINDS = (str, bool, int, float, type(None))  # of a choice
EXAMPLE = "as in lr = { low = 0.001, high = 0.1 }"
WHENCE = "says where a recipe comes from, and is not tuned"
UNTUNED = {  # fields of a recipe → why they have no range
    "tuned": WHENCE,
    "pretrained_sha256": WHENCE,
    "pretrained": "says which weights trainings start from, and is not tuned; write it in a recipe",
}


def alone(span: Range) -> str:
    """Of one range; '' where nothing is."""
    low, high, step, choices = span["low"], span["high"], span["step"], span["choices"]
    if bool(choices) == (low is not None and high is not None):
        return f"give either low and high or choices, {EXAMPLE}"
    if low is not None and high is not None and not low < high:
        return f"low = {low:g} is not below high = {high:g}"
    if span["log"] and (step is not None or (low or 0) <= 0):
        return "log needs low above 0 and no step"
    if odd := next((choice for choice in choices if not isinstance(choice, KINDS)), None):
        return (
            f"choices are texts, numbers or true and false, not {str(odd)[:40]}; name a field inside a table by a dot"
        )
    if twice := next((one for place, one in enumerate(choices) if one in choices[:place]), None):
        return f"choices: {twice!r} appears twice"
    return _not_whole(span) if span["integer"] else ""


def typed(spans: Mapping[str, Any], model: Any) -> dict[str, Any]:
    """Ranges of a model's whole-number fields as whole ones. Raises ValueError where their ends or steps are not."""
    found = {name: span.model_copy(update={"integer": True}) if not span.choices and whole(model, name) else span
             for name, span in spans.items()}  # fmt: skip
    for name, span in found.items():
        if fault := alone(span.model_dump()):
            raise ValueError(f"{name}: {fault}")
    return found


def whole(model: Any, field: str) -> bool:
    """Whether a field of a pydantic model, or of one inside it by its dotted name, takes whole numbers."""
    first, _, rest = field.partition(".")
    found = model.model_fields.get(first)
    if found is None:
        return False
    return (
        whole(found.annotation, rest) if rest and hasattr(found.annotation, "model_fields") else found.annotation is int
    )


def together(spec: Mapping[str, Any]) -> str:
    """Of a tuning's ranges among each other; '' where nothing is."""
    ranges: Ranges = spec["ranges"]
    if not ranges:
        return f"ranges: name a field to tune, {EXAMPLE}"
    if fault := next(_conditions(ranges), ""):
        return fault
    if untuned := next((name for name in ranges if name in UNTUNED), ""):
        return f"ranges.{untuned}: {UNTUNED[untuned]}"
    try:
        in_order(ranges)
        points = _points(ranges) if spec["sampler"] == "grid" else math.inf
    except CycleError:
        return "ranges: conditions go round in a circle"
    except ValueError as error:
        return str(error)
    return f"trials: the grid has only {points} points" if spec["trials"] > points else ""


def _not_whole(span: Range) -> str:
    given = {name: span[name] for name in ("low", "high", "step") if span[name] is not None}
    odd = next((name for name, value in given.items() if value % 1), "")
    return f"the field takes whole numbers, but {odd} = {given[odd]:g}" if odd else ""


def _conditions(ranges: Ranges) -> Iterator[str]:
    for name, span in ranges.items():
        for parent, allowed in span["when"].items():
            if parent not in ranges:
                yield f"ranges.{name}.when: '{parent}' is no range of this tuning"
                continue
            values = allowed if isinstance(allowed, list | tuple) else [allowed]
            if values and continuous(ranges[parent]):
                yield (f"ranges.{name}.when: {parent} is continuous, so that hardly a trial has exactly {values[0]!r}; "
                       f"give {parent} choices or a step")  # fmt: skip
            if never := [value for value in values if not _can_be(value, ranges[parent])]:
                yield f"ranges.{name}.when: {parent} is never {never[0]!r}"
            if not values:
                yield f"ranges.{name}.when: no value of {parent} is named"


def _can_be(value: Any, span: Range) -> bool:
    if span["choices"]:
        return value in span["choices"]
    return type(value) in (int, float) and span["low"] <= value <= span["high"] and on_step(value, span)


def _points(ranges: Ranges) -> int:
    """Raises ValueError where there are too many to list."""
    if math.prod(count(name, span) for name, span in ranges.items()) > MOST_POINTS:
        raise ValueError(f"ranges: the grid has more than {MOST_POINTS:,} points; set a larger step, or sample")
    return len(grid(ranges, 0))
