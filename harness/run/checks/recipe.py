"""What may be wrong with recipes, and with the best of several searches: found before anything starts."""

from collections.abc import Iterable, Iterator

from harness.plan.methods import MethodSettings, TuningSettings, strategy_of
from harness.plan.range_ends import Extremes, extremes
from harness.study.schema import Study, Tuning

PRUNING = {"pruner_warmup_epochs": 1, "pruner_reduction": 3}  # fields that a pruner reads, and their defaults
UNSEARCHED = ("baseline", "given", "random")


def recipe_fault(own: MethodSettings, tuning: Tuning | None) -> str:
    """Of a method's trainings and of its search; '' where nothing is wrong. Raises BadInput, as `_trained_by` does."""
    trained = _fault("recipe", _trained_by(own, tuning))
    return trained or ("" if strategy_of(own) in UNSEARCHED else _of_the_search(own))


def _trained_by(own: MethodSettings, tuning: Tuning | None) -> Extremes:
    """The method's recipe, with what its tuning may find. Raises BadInput where that may make no recipe."""
    return extremes(own.recipe, tuning, f"method '{own.name}', recipe.tuned = '{own.recipe.tuned}'")


def _of_the_search(own: MethodSettings) -> str:
    search, supernet = own.search, own.search.strategy == "darts" or own.search.score == "supernet"
    if search.zero_cost and not supernet:
        return ""  # nothing is trained
    epochs = search.warmup_epochs + search.epochs if supernet else search.score_epochs
    return _fault("search.recipe", extremes(own.search_recipe, None, ""), epochs)


def tuning_fault(own: TuningSettings) -> str:
    """Where a trial might end before its learning rate has warmed up. Raises BadInput where it may have no recipe."""
    return _never_warm("scheduler", extremes(own.recipe, own.tuning, f"tuning '{own.tuning.name}'"))


def pruning_notes(tunings: Iterable[TuningSettings]) -> Iterator[str]:
    """Of each tuning that says how trials are ended early, though none can be."""
    for one in tunings:
        tuning, most = one.tuning, max(one.tried("epochs"))
        said = [name for name, default in PRUNING.items() if getattr(tuning, name) != default]
        if tuning.pruner == "none" and said:
            yield f"tuning '{tuning.name}' ends no trial early: {said[0]} is of a pruner, and pruner is none"
        if tuning.pruner != "none" and tuning.pruner_warmup_epochs >= most:
            yield (f"tuning '{tuning.name}' ends no trial early: pruner_warmup_epochs = {tuning.pruner_warmup_epochs}, "
                   f"and trials have at most {most} epochs")  # fmt: skip


def best_of_fault(own: MethodSettings, study: Study, tuning: Tuning | None) -> str:
    spec = own.method.best_of
    if not spec.searches:
        return ""
    if spec.searches > study.seeds.search:
        return (f"best_of = {spec.searches} chooses among as many searches; set seeds.search = {spec.searches} or a "
                "multiple of it, or leave best_of out")  # fmt: skip
    if study.looks:
        return "best_of takes whole groups of searches, while looks add seed after seed; leave one of them out"
    if tuning and "epochs" in tuning.ranges and not spec.epochs:
        return (f"best_of trains what it compares as long as the recipe says, and tuning '{tuning.name}' ranges over "
                f"epochs; say how long, as in best_of = {{ searches = {spec.searches}, epochs = 9 }}")  # fmt: skip
    return _never_warm("recipe.scheduler", _trained_by(own, tuning), spec.epochs)


def _fault(where: str, found: Extremes, epochs: int | None = None) -> str:
    """Of a training for so many epochs, or for as many as its recipe says."""
    schedules = [one.scheduler for one in found.rates]
    if any(one.min_lr for one in schedules) and all(one.kind != "cosine" for one in schedules):
        return (f"{where}.scheduler.min_lr is where the cosine ends, but kind = '{schedules[0].kind}'; "
                "take the cosine, or leave min_lr out")  # fmt: skip
    return _never_warm(f"{where}.scheduler", found, epochs)


def _never_warm(where: str, found: Extremes, epochs: int | None = None) -> str:
    faults = (_too_long(where, one.scheduler.warmup_epochs, epochs or one.epochs) for one in found.lengths)
    return next(filter(None, faults), "")


def _too_long(where: str, warm: float, epochs: float) -> str:
    if warm < epochs or not warm:
        return ""
    return f"{where}.warmup_epochs = {warm:g} leaves none of {epochs:g} epochs to the schedule; use fewer"
