"""What a tuning's ranges may make of a recipe at their ends: where recipes fit there, they fit everywhere between."""

from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from harness.errors import BadInput
from harness.study import ranges
from harness.study.ranges import Ranges, Settings
from harness.study.schema import Range, Recipe, Tuning
from harness.study.validation import validated

Fields = tuple[str, ...]
MOMENTA = ("nesterov", "momentum")
RATES = ("scheduler.kind", "scheduler.min_lr", "lr")
LENGTHS = ("scheduler.warmup_epochs", "epochs")


@dataclass(frozen=True)
class Extremes:
    """Recipes with the ends of the ranges over fields that must fit each other, for each such group of fields."""

    momenta: list[Recipe]
    rates: list[Recipe]
    lengths: list[Recipe]


def extremes(recipe: Recipe, tuning: Tuning | None, where: str) -> Extremes:
    """What `recipe` may become. Raises BadInput where that is no recipe."""
    found = ([_changed(recipe, corner, where) for corner in (_corners(tuning, fields) if tuning else [{}])]
             for fields in (MOMENTA, RATES, LENGTHS))  # fmt: skip
    return Extremes(*found)


def typed(field: str, value: Any, where: str) -> Any:
    """A field's value as a recipe has it, by its dotted name. Raises BadInput where no recipe has it."""
    return attrgetter(field)(validated(Recipe, ranges.apply({}, {field: value}), where))


def _changed(recipe: Recipe, corner: Settings, where: str) -> Recipe:
    said = " and ".join(f"{field} = {value:g}" if isinstance(value, float) else f"{field} = {value}"
                        for field, value in corner.items())  # fmt: skip
    try:
        return validated(Recipe, ranges.apply(recipe.model_dump(), corner), f"{where}: a trial may have {said}")
    except BadInput as error:
        raise BadInput(f"{error}; narrow a range, limit it by when, or change the recipe") from None


def _corners(tuning: Tuning, fields: Fields) -> list[Settings]:
    """Dotted field → value; of a choice that decides whether a range is there, every value."""
    spans: Ranges = tuning.model_dump()["ranges"]
    asked = {parent for span in spans.values() for parent in span["when"]}
    needed = {name: spans[name] for name in _with_conditions(spans, fields)}
    return ranges.points(needed, lambda name: _ends(name, tuning.ranges[name], spans, name in asked))


def _with_conditions(spans: Ranges, fields: Fields) -> set[str]:
    """Those of `fields` that are ranged over, and what decides whether they are."""
    found: set[str] = set()
    new = {name for name in fields if name in spans}
    while new:
        found |= new
        new = {parent for name in new for parent in spans[name]["when"]} - found
    return found


def _ends(field: str, span: Range, spans: Ranges, asked: bool) -> list[Any]:
    named = [value for other in spans.values() for value in _listed(other["when"].get(field, ()))]
    values = list(dict.fromkeys([*span.ends, *named]))
    found = {value: typed(field, value, field) for value in values}
    if asked or not all(type(value) in (int, float) for value in found.values()):
        return values
    return sorted(values, key=found.__getitem__)[:: max(1, len(values) - 1)]


def _listed(allowed: Any) -> list[Any]:
    return list(allowed) if isinstance(allowed, list | tuple) else [allowed]
