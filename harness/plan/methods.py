"""A study's methods and tunings with their settings in full: merged once with the study's own, then only read."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, TypeVar

from harness.errors import BadInput
from harness.plan.range_ends import typed
from harness.study.model import Model
from harness.study.schema import Method, Recipe, Study, Tuning
from harness.study.search import Search
from harness.study.validation import validated

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class MethodSettings:
    """`search_recipe` trains the weights during the search, `recipe` the networks that it finds."""

    method: Method
    search: Search
    search_recipe: Recipe
    recipe: Recipe

    @property
    def name(self) -> str:
        return self.method.name


@dataclass(frozen=True)
class TuningSettings:
    """`recipe` is what every trial starts from."""

    tuning: Tuning
    recipe: Recipe

    def tried(self, field: str) -> list[Any]:
        """What trials have in a field of the recipe, by its dotted name: every choice, or the ends of the range."""
        span = self.tuning.ranges.get(field)
        return [typed(field, value, field) for value in span.ends] if span else [attrgetter(field)(self.recipe)]


@dataclass(frozen=True)
class StudySettings:
    """`search_recipe`: of the study's own search."""

    study: Study
    search_recipe: Recipe
    methods: tuple[MethodSettings, ...]
    tunings: tuple[TuningSettings, ...]

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """All that anything of the study is trained with."""
        trained = (recipe for one in self.methods for recipe in (one.recipe, one.search_recipe))
        return (*trained, *(one.recipe for one in self.tunings))

    def tuning_of(self, own: MethodSettings) -> Tuning | None:
        """Whose findings the method's networks are trained by."""
        return next((one.tuning for one in self.tunings if one.tuning.name == own.recipe.tuned), None)


SEARCHLESS = ("random", "baseline", "given")  # strategies that search nothing
UNSCORING = ("darts", *SEARCHLESS)  # those without candidates


def strategy_of(own: MethodSettings) -> str:
    """What gives the method's architectures."""
    if own.name == "baseline":
        return "baseline"
    return "given" if own.method.architecture else own.search.strategy


def scores_of_trained(settings: StudySettings) -> tuple[str, ...]:
    """The zero-cost scores that every trained network gets: as the study says, else those that its searches use."""
    named = settings.study.scores.of_trained
    used = (own.search.zero_cost for own in settings.methods if strategy_of(own) not in UNSCORING)
    return tuple(dict.fromkeys(filter(None, used) if named is None else named))


def needs_images(settings: StudySettings) -> bool:
    """Whether anything is trained or scored here: with a table only supernets are trained."""
    if settings.study.table is None or scores_of_trained(settings):
        return True
    searching = [own for own in settings.methods if strategy_of(own) not in SEARCHLESS]
    return any(own.search.strategy == "darts" or own.search.score != "train" for own in searching)


def merged(study: Study) -> StudySettings:
    """Raises BadInput naming the field where a change is no recipe or search, or a range is of no field of a recipe."""
    own = _changed(study.recipe, study.search.recipe, "search.recipe")
    methods = tuple(_method(study, method) for method in study.method)
    return StudySettings(study, own, methods, tuple(_tuning(study, tuning) for tuning in study.tuning))


def with_precision(settings: StudySettings, network: str, supernet: str) -> StudySettings:
    """With `auto` resolved: to `network` where networks are trained, to `supernet` where supernets are."""
    methods = tuple(
        replace(one, recipe=_resolved(one.recipe, network), search_recipe=_resolved(one.search_recipe, supernet))
        for one in settings.methods
    )
    tunings = tuple(replace(one, recipe=_resolved(one.recipe, network)) for one in settings.tunings)
    study = settings.study.model_copy(update=_as_resolved(settings.study, network, supernet))
    return StudySettings(study, _resolved(settings.search_recipe, supernet), methods, tunings)


def leaves_precision_open(settings: StudySettings) -> bool:
    """Whether any recipe says `auto`."""
    networks = [*(one.recipe for one in settings.methods), *(one.recipe for one in settings.tunings)]
    supernets = [settings.search_recipe, *(one.search_recipe for one in settings.methods)]
    return any(recipe.precision == "auto" for recipe in (settings.study.recipe, *networks, *supernets))


def _method(study: Study, method: Method) -> MethodSettings:
    named = {"strategy": method.strategy} if method.strategy else {}
    search = _changed(study.search, {**named, **method.search}, f"method '{method.name}'.search")
    recipe = _changed(study.recipe, method.recipe, f"method '{method.name}'.recipe")
    where = f"method '{method.name}'.search.recipe" if "recipe" in method.search else "search.recipe"
    return MethodSettings(method, search, _changed(study.recipe, search.recipe, where), recipe)


def _tuning(study: Study, tuning: Tuning) -> TuningSettings:
    where = f"tuning '{tuning.name}'"
    base = _changed(study.recipe, tuning.recipe, f"{where}.recipe")
    for name, span in tuning.ranges.items():
        for value in span.ends:
            typed(name, value, f"{where}.ranges")
            if (name, value) == ("precision", "auto"):
                raise BadInput(f"{where}.ranges.precision: 'auto' is no precision of its own; choose fp32 or bf16")
    return TuningSettings(tuning, base)


def _changed(base: M, changes: Mapping[str, Any], where: str) -> M:
    """`base` with `changes`, which reach one table deep."""
    values = base.model_dump()
    for name, value in changes.items():
        old = values.get(name)
        values[name] = {**old, **value} if isinstance(old, dict) and isinstance(value, dict) else value
    return validated(type(base), values, where)


def _resolved(recipe: Recipe, precision: str) -> Recipe:
    return recipe.model_copy(update={"precision": precision}) if recipe.precision == "auto" else recipe


def _as_resolved(study: Study, network: str, supernet: str) -> dict[str, Any]:
    """The study's own fields as study.json shows them: with the precisions that its jobs have."""
    search = _part({"precision": study.recipe.precision, **study.search.recipe}, supernet)
    return {
        "recipe": _resolved(study.recipe, network),
        "search": study.search.model_copy(update={"recipe": search}),
        "method": tuple(
            one.model_copy(update={"recipe": _part(one.recipe, network), "search": _searching(one.search, supernet)})
            for one in study.method
        ),
        "tuning": tuple(one.model_copy(update={"recipe": _part(one.recipe, network)}) for one in study.tuning),
    }


def _part(recipe: Mapping[str, Any], precision: str) -> dict[str, Any]:
    """A part of a recipe, with `auto` resolved."""
    return {**recipe, "precision": precision} if recipe.get("precision") == "auto" else dict(recipe)


def _searching(search: Mapping[str, Any], precision: str) -> dict[str, Any]:
    return {**search, "recipe": _part(search["recipe"], precision)} if "recipe" in search else dict(search)
