"""Recipes that would leave something of themselves unread, or none of the training to their schedule."""

from typing import Any

import pytest

from harness.errors import BadInput
from harness.plan.methods import merged
from harness.run.checks import check_methods, check_tunings
from spaces.registry import load
from tests.studies import TINY, tiny

SPACE = load("shortcut-vgg11", TINY["space_options"])
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
        "epochs": {"choices": ["11", "2"]}}}]},  # as texts, which a recipe takes for numbers
     "tuning 'warm': scheduler.warmup_epochs = 2 leaves none of 2 epochs"),
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
