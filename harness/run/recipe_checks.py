"""What may be wrong with recipes, and with the best of several searches: found before anything starts."""

from collections.abc import Sequence

from harness.plan.extremes import extremes
from harness.plan.methods import MethodSettings, TuningSettings, strategy_of
from harness.study.schema import Recipe, Study

UNSEARCHED = ("baseline", "given", "random")


def recipe_fault(own: MethodSettings) -> str:
    """Of a method's trainings and of its search; '' where nothing is wrong."""
    trained = "" if own.recipe.tuned else _fault("recipe", own.recipe, own.recipe.epochs)
    return trained or ("" if strategy_of(own) in UNSEARCHED else _of_the_search(own))


def _of_the_search(own: MethodSettings) -> str:
    search, supernet = own.search, own.search.strategy == "darts" or own.search.score == "supernet"
    if search.zero_cost and not supernet:
        return ""  # nothing is trained
    epochs = search.warmup_epochs + search.epochs if supernet else search.score_epochs
    return _fault("search.recipe", own.search_recipe, epochs)


def tuning_fault(own: TuningSettings) -> str:
    """Where a trial might end before its learning rate has warmed up. Raises BadInput where it may have no recipe."""
    return _never_warm("scheduler", extremes(own.recipe, own.tuning, f"tuning '{own.tuning.name}'"))


def best_of_fault(own: MethodSettings, study: Study) -> str:
    spec = own.method.best_of
    if spec.searches > study.seeds.search:
        return (f"best_of = {spec.searches} chooses among as many searches; set seeds.search = {spec.searches} or a "
                "multiple of it, or leave best_of out")  # fmt: skip
    if spec.searches and study.looks:
        return "best_of takes whole groups of searches, while looks add seed after seed; leave one of them out"
    epochs = spec.epochs or own.recipe.epochs
    return _too_long("recipe.scheduler", own.recipe.scheduler.warmup_epochs, epochs) if spec.searches else ""


def _fault(where: str, recipe: Recipe, epochs: int) -> str:
    scheduler = recipe.scheduler
    if scheduler.min_lr and scheduler.kind != "cosine":
        return (f"{where}.scheduler.min_lr is where the cosine ends, but kind = '{scheduler.kind}'; "
                "take the cosine, or leave min_lr out")  # fmt: skip
    return _too_long(f"{where}.scheduler", scheduler.warmup_epochs, epochs)


def _never_warm(where: str, recipes: Sequence[Recipe]) -> str:
    found = (_too_long(where, one.scheduler.warmup_epochs, one.epochs) for one in recipes)
    return next(filter(None, found), "")


def _too_long(where: str, warm: float, epochs: float) -> str:
    if warm < epochs or not warm:
        return ""
    return f"{where}.warmup_epochs = {warm:g} leaves none of {epochs:g} epochs to the schedule; take fewer"
