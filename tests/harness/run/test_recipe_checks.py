"""Recipes that would leave something of themselves unread, or none of the training to their schedule."""

from contextlib import nullcontext
from typing import Any

import pytest

from harness.errors import BadInput
from harness.plan.methods import merged
from harness.run.checks.recipe import pruning_notes
from harness.run.checks.study import check_methods, check_tunings
from spaces.registry import load
from tests.studies import TINY, tiny

SPACE = load("shortcut-vgg11", TINY["space_options"])
COSINE = {"scheduler": {"kind": "cosine"}}
WARM = {"scheduler": {"kind": "cosine", "warmup_epochs": 2}}


def check(recipe: dict[str, Any] | None = None, **changes: Any) -> None:
    settings = merged(tiny(**{"recipe": {**TINY["recipe"], **(recipe or {})}, **changes}))
    check_methods(settings, SPACE)
    check_tunings(settings, SPACE)


@pytest.mark.parametrize(("recipe", "changes", "says"), [
    (WARM, {}, "recipe.scheduler.warmup_epochs = 2 leaves none of 2 epochs to the schedule"),
    ({**WARM, "epochs": 3}, {}, "search.recipe.scheduler.warmup_epochs = 2 leaves none of 2 epochs"),
    ({**WARM, "epochs": 9}, {"search": {"strategy": "random-search", "score_epochs": 2}, "method": [{"name": "a"}]},
     "search.recipe.scheduler.warmup_epochs = 2 leaves none of 2 epochs"),
    ({"scheduler": {"kind": "step", "min_lr": 0.001}}, {},
     "recipe.scheduler.min_lr is where the cosine ends, but kind = 'step'"),
    ({}, {"search": {**TINY["search"], "recipe": {"scheduler": {"min_lr": 0.001}}}},
     "search.recipe.scheduler.min_lr is where the cosine ends, but kind = 'constant'"),
    ({}, {"tuning": [{"name": "warm", "trials": 1, "ranges": {"scheduler.warmup_epochs": {"low": 0, "high": 2}}}]},
     "tuning 'warm': scheduler.warmup_epochs = 2 leaves none of 2 epochs"),
    ({"epochs": 9}, {"tuning": [{"name": "warm", "trials": 1, "recipe": WARM, "ranges": {
        "epochs": {"choices": [11, 2]}}}]},
     "tuning 'warm': scheduler.warmup_epochs = 2 leaves none of 2 epochs"),
    ({"epochs": 9}, {"tuning": [{"name": "warm", "trials": 1, "recipe": WARM, "ranges": {
        "epochs": {"choices": ["11", "2"]}}}]}, "tuning 'warm'.ranges: epochs takes a whole number"),
])  # fmt: skip
def test_a_schedule_that_nothing_would_follow_is_refused(recipe: Any, changes: Any, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        check(recipe, **changes)


def test_other_recipes_pass() -> None:
    search = {**TINY["search"], "warmup_epochs": 1, "recipe": {"scheduler": {"min_lr": 0.001}}}
    check({**WARM, "epochs": 3, "nesterov": True}, search=search)
    ranges = {"nesterov": {"choices": [True, False]}, "label_smoothing": {"low": 0.0, "high": 0.2},
              "scheduler.kind": {"choices": ["cosine", "constant"]}, "scheduler.warmup_epochs": {"low": 0, "high": 1},
              "scheduler.min_lr": {"low": 0.0, "high": 0.01, "when": {"scheduler.kind": "cosine"}}}  # fmt: skip
    check(tuning=[{"name": "all", "trials": 1, "ranges": ranges}])


GAMMA, STEP = {"scheduler": {"gamma": 0.1, "step": 1}}, {"scheduler": {"kind": "step"}}
KINDS = {"scheduler.kind": {"choices": ["constant", "step"]}}


@pytest.mark.parametrize(("recipe", "changes", "says"), [
    (GAMMA, {}, "recipe.scheduler.gamma is of kind = 'step', and would be ignored; set kind"),
    ({"scheduler": {"step": 1}}, {}, "recipe.scheduler.step is of kind = 'step'"),
    (COSINE, {"method": [{"name": "darts-A", "rule": "A", "recipe": GAMMA}]},
     "method 'darts-A'.recipe.scheduler.gamma is of kind = 'step', and would be ignored"),
    ({}, {"search": {**TINY["search"], "recipe": GAMMA}}, "^search.recipe.scheduler.gamma is of kind"),
    (STEP, {"method": [{"name": "m", "rule": "A", "search": {"recipe": {"scheduler": {"kind": "cosine"}}}, "recipe":
                        COSINE}], "search": {**TINY["search"], "recipe": {"scheduler": {"kind": "constant"}}}}, ""),
    (GAMMA, {"method": [{"name": "m", "rule": "A", "recipe": STEP}]}, ""),
    (GAMMA, {"tuning": [{"name": "t", "trials": 1, "ranges": KINDS}]}, ""),
    ({}, {"tuning": [{"name": "t", "trials": 1, "recipe": GAMMA, "ranges": KINDS}]}, ""),
    ({}, {"tuning": [{"name": "t", "trials": 1, "recipe": GAMMA, "ranges": {"lr": {"choices": [0.1, 0.2]}}}]},
     "tuning 't'.recipe.scheduler.gamma is of kind = 'step', and would be ignored; set kind"),
    (STEP, {"method": [{"name": "m", "rule": "A", "recipe": GAMMA, "search": {"recipe": GAMMA}}]}, ""),
    ({"scheduler": {"kind": "cosine", "gamma": 0.5}}, {}, ""),
])  # fmt: skip
def test_a_step_that_no_schedule_takes_is_refused(recipe: Any, changes: Any, says: str) -> None:
    with pytest.raises(BadInput, match=says) if says else nullcontext():
        check(recipe, **changes)


RATES = {"low": 1e-4, "high": 1e-2, "log": True}
LEAST = {"low": 0.0, "high": 1e-3}


def tune(ranges: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"tuning": [{"name": "t", "trials": 1, "ranges": ranges, **more}]}


@pytest.mark.parametrize(("recipe", "changes", "says"), [
    (COSINE, tune({"lr": RATES, "scheduler.min_lr": LEAST}),
     "tuning 't': a trial may have lr = 0.0001 and scheduler.min_lr = 0.001: scheduler.min_lr = 0.001 lies above lr"),
    ({}, tune({"lr": RATES, "scheduler.min_lr": LEAST, "scheduler.kind": {"choices": ["constant", "cosine"]}}),
     "a trial may have lr = 0.0001 and scheduler.kind = cosine and scheduler.min_lr = 0.001"),
    (COSINE, tune({"lr": {"choices": [0.1, 0.01, 0.5]}, "scheduler.min_lr": {"low": 0.0, "high": 0.05}}),
     "a trial may have lr = 0.01 and scheduler.min_lr = 0.05"),
    ({"scheduler": {"kind": "cosine", "min_lr": 0.01}}, tune({"lr": RATES}), "a trial may have lr = 0.0001: .* above"),
    ({}, tune({"nesterov": {"choices": [True, False]}, "momentum": {"low": 0.0, "high": 0.9}}),
     "tuning 't': a trial may have momentum = 0 and nesterov = True: .* set momentum, or leave nesterov out; narrow a"),
    ({}, tune({"batch_size": {"choices": [16, 32, 64]}, "momentum": {"choices": [0.0, 0.5]},
               "nesterov": {"choices": [False, True], "when": {"batch_size": 32}}}),
     "a trial may have batch_size = 32 and momentum = 0 and nesterov = True"),
])  # fmt: skip
def test_ranges_that_contradict_each_other_are_refused(recipe: Any, changes: Any, says: str) -> None:
    with pytest.raises(BadInput, match=says) as error:
        check(recipe, **changes)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(("recipe", "ranges"), [
    ({**COSINE, "lr": 0.01}, {"lr": {"low": 0.1, "high": 1.0}, "scheduler.min_lr": {"low": 0.0, "high": 0.05}}),
    ({}, {"nesterov": {"choices": [True, False]},
          "momentum": {"low": 0.0, "high": 0.9, "when": {"nesterov": False}}}),
    ({}, {"scheduler.kind": {"choices": ["step", "cosine"]}, "lr": RATES,
          "scheduler.min_lr": {**LEAST, "when": {"scheduler.kind": "step"}}}),
    ({}, {"epochs": {"choices": [2, 9]},
          "scheduler.warmup_epochs": {"low": 0, "high": 5, "when": {"epochs": 9}}}),
])  # fmt: skip
def test_ranges_are_judged_by_what_trials_have_at_once(recipe: Any, ranges: Any) -> None:
    check(recipe, **tune(ranges))


def tuned(ranges: dict[str, Any], recipe: dict[str, Any] | None = None, **method: Any) -> dict[str, Any]:
    """A method that takes what a tuning found over its own recipe."""
    own = {"name": "m", "recipe": {"tuned": "t", **(recipe or {})}, **method}
    return {**tune(ranges), "method": [own]}


OF_M = "method 'm', recipe.tuned = 't': a trial may have "


@pytest.mark.parametrize(("changes", "says"), [
    (tuned({"lr": RATES}, {"scheduler": {"kind": "cosine", "warmup_epochs": 9}}),
     "method 'm': recipe.scheduler.warmup_epochs = 9 leaves none of 2 epochs"),
    (tuned({"epochs": {"low": 3, "high": 5}}, WARM | {"scheduler": {"warmup_epochs": 3}}),
     "method 'm': recipe.scheduler.warmup_epochs = 3 leaves none of 3 epochs"),
    (tuned({"lr": RATES}, {"scheduler": {"kind": "cosine", "min_lr": 0.005}}), f"{OF_M}lr = 0.0001: .* lies above lr"),
    (tuned({"momentum": {"choices": [0.0, 0.9]}}, {"nesterov": True}), f"{OF_M}momentum = 0: nesterov looks ahead"),
    (tuned({"lr": RATES}, {"scheduler": {"min_lr": 1e-5}}),
     "method 'm': recipe.scheduler.min_lr is where the cosine ends, but kind = 'constant'"),
    (tuned({"epochs": {"choices": [5, 9]}}, best_of=2),
     "tuning 't' ranges over epochs; say how long, as in best_of = { searches = 2, epochs = 9 }"),
    (tuned({"scheduler.warmup_epochs": {"low": 0, "high": 1}}, best_of={"searches": 2, "epochs": 1}),
     "method 'm': recipe.scheduler.warmup_epochs = 1 leaves none of 1 epochs"),
])  # fmt: skip
def test_a_recipe_that_a_tuning_may_spoil_is_refused(changes: Any, says: str) -> None:
    with pytest.raises(BadInput, match=says) as error:
        check(**changes)
    assert len(str(error.value).splitlines()) == 1


KINDS = {"scheduler.kind": {"choices": ["constant", "cosine"]}}


@pytest.mark.parametrize("changes", [
    tuned({"epochs": {"low": 5, "high": 9}, "momentum": {"low": 0.1, "high": 0.5}}, WARM),
    tuned(KINDS, {"scheduler": {"min_lr": 0.001}}),
    tuned({"lr": RATES}, {"nesterov": True, "scheduler": {"kind": "cosine", "min_lr": 1e-5}}),
    tuned({"epochs": {"choices": [5, 9]}}, best_of={"searches": 2, "epochs": 5}),
])  # fmt: skip
def test_a_recipe_is_judged_with_what_its_tuning_may_find(changes: Any) -> None:
    check(**changes)


@pytest.mark.parametrize(("more", "says"), [
    ({"pruner_warmup_epochs": 2}, ["t' ends no trial early: pruner_warmup_epochs is of a pruner, and pruner is none"]),
    ({"pruner_reduction": 2}, ["t' ends no trial early: pruner_reduction is of a pruner, and pruner is none"]),
    ({"pruner": "median", "pruner_warmup_epochs": 9},
     ["t' ends no trial early: pruner_warmup_epochs = 9, and trials have at most 9 epochs"]),
    ({"pruner": "halving", "pruner_warmup_epochs": 8}, []), ({"pruner": "median"}, []), ({}, []),
])  # fmt: skip
def test_a_tuning_that_can_prune_nothing_is_said(more: dict[str, Any], says: list[str]) -> None:
    tuning = {"name": "t", "trials": 1, "ranges": {"epochs": {"choices": [2, 9]}}, **more}
    assert list(pruning_notes(merged(tiny(tuning=[tuning])).tunings)) == [f"tuning '{line}" for line in says]
