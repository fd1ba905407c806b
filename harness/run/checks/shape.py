"""Numbers of a step schedule in a recipe that has none: found before anything starts."""

from collections.abc import Iterator, Mapping, Set
from typing import Any

from harness.plan.methods import StudySettings
from harness.study.schema import Scheduler

Place = tuple[str, Mapping[str, Any], Set[str]]  # where, what is written there of a schedule, the kinds that read it


def shape_fault(settings: StudySettings) -> str:
    """'' where each `gamma` and `step` is read by something, or stands beside the kind that leaves it unread."""
    for where, written, kinds in _places(settings):
        found = next((name for name in ("gamma", "step") if name in written), None)
        if found and "kind" not in written and "step" not in kinds:
            return f"{where}.scheduler.{found} is of kind = 'step', and would be ignored; set kind, or leave it out"
    return ""


def _places(settings: StudySettings) -> Iterator[Place]:
    study, tuned = settings.study, {one.tuning.name: set(one.tried("scheduler.kind")) for one in settings.tunings}
    trained = {own.name: {own.recipe.scheduler.kind, *tuned.get(own.recipe.tuned or "", ())}
               for own in settings.methods}  # fmt: skip
    searched = {own.name: {own.search_recipe.scheduler.kind} for own in settings.methods}
    supernets = {settings.search_recipe.scheduler.kind}.union(*searched.values())
    yield (
        "recipe",
        _own(study.recipe.scheduler),
        supernets.union({study.recipe.scheduler.kind}, *trained.values(), *tuned.values()),
    )
    yield "search.recipe", _part(study.search.recipe), supernets
    for own in settings.methods:
        yield f"method '{own.name}'.recipe", _part(own.method.recipe), trained[own.name]
        yield f"method '{own.name}'.search.recipe", _part(own.method.search.get("recipe", {})), searched[own.name]
    for one in settings.tunings:
        yield f"tuning '{one.tuning.name}'.recipe", _part(one.tuning.recipe), tuned[one.tuning.name]


def _own(scheduler: Scheduler) -> Mapping[str, Any]:
    return {name: getattr(scheduler, name) for name in scheduler.model_fields_set}


def _part(recipe: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = recipe.get("scheduler", {})
    return found
