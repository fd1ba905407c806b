"""Ranges as people write them: the field's own type decides, and what no trial could try is refused in one line."""

import json
import math
import warnings
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.commands.tune import export_recipe
from harness.errors import BadInput
from harness.plan import tuning
from harness.plan.jobs import Job
from harness.plan.methods import merged
from harness.plan.resolve import Unbuildable, resolve
from harness.plan.settings import plain_recipe
from harness.run.checks.recipe import tuning_fault
from harness.study import ranges as ranges_module
from harness.study.schema import Recipe
from harness.vocabulary.kinds import Role
from tests.studies import tiny

Ranges = dict[str, Any]
SCHEDULES = {"choices": ["step", "cosine"]}


def spec(ranges: Ranges, sampler: str = "random", **more: Any) -> dict[str, Any]:
    """A tuning's settings as they stand in its trials' keys."""
    one = {"name": "t", "trials": 2, "sampler": sampler, "ranges": ranges, **more}
    (found,) = merged(tiny(tuning=[one])).tunings
    return found.tuning.model_dump(exclude={"name", "seeds", "recipe", "architecture"})


def tried(ranges: Ranges, index: int = 0, seed: int = 0, **more: Any) -> tuple[Any, Any]:
    """What a trial's recipe becomes, and what was asked."""
    own = spec(ranges, **more)
    settings = {
        "recipe": plain_recipe(Recipe()),
        "tuning": own,
        "index": index,
        "seen": [],
        "study_seed": seed,
        "seed": 0,
    }
    found = resolve(Job("k", "tune", "t", Role.TUNE, settings), {}, SimpleNamespace())  # type: ignore[arg-type]
    return found["recipe"], found["asked"]


@pytest.mark.parametrize("sampler", ["random", "tpe", "grid"])
@pytest.mark.parametrize(
    ("field", "span"),
    [
        ("epochs", {"low": 1, "high": 9}),
        ("epochs", {"low": 2.0, "high": 9.0}),
        ("batch_size", {"low": 16, "high": 128, "step": 16}),
        ("batch_size", {"low": 16, "high": 19, "integer": True}),
        ("cutout", {"low": 0, "high": 8}),
        ("batch_size", {"choices": [16, 32.0, 64]}),
    ],
)
def test_a_whole_number_field_is_tried_in_whole_numbers(field: str, span: Ranges, sampler: str) -> None:
    for index in range(2):
        recipe, asked = tried({field: span}, index, sampler=sampler)
        assert type(recipe[field]) is int
        assert recipe[field] == asked[field]
        assert Recipe.model_validate(recipe)


def test_whole_numbers_of_a_logarithmic_range() -> None:
    found = {
        tried({"batch_size": {"low": 8, "high": 256, "log": True}}, seed=seed)[0]["batch_size"] for seed in range(9)
    }
    assert all(type(value) is int for value in found)
    assert len(found) > 3


WRONG: dict[str, tuple[Ranges, str]] = {
    "half an epoch": ({"epochs": {"low": 1.5, "high": 9}}, "epochs: the field takes whole numbers, but low = 1.5"),
    "half an image": ({"batch_size": {"low": 8, "high": 16.5}}, "the field takes whole numbers, but high = 16.5"),
    "half a step": ({"epochs": {"low": 1, "high": 9, "step": 0.5}}, "the field takes whole numbers, but step = 0.5"),
    "half a step that is said": ({"lr": {"low": 1, "high": 9, "integer": True, "step": 0.5}}, "but step = 0.5"),
    "infinite": ({"lr": {"low": 0.1, "high": math.inf}}, "high = inf is no finite number"),
    "no number": ({"lr": {"low": math.nan, "high": 1}}, "low = nan is no finite number"),
    "minus infinite": ({"lr": {"low": -math.inf, "high": 1}}, "low = -inf is no finite number"),
    "tables": ({"scheduler": {"choices": [{"kind": "step"}, {"kind": "cosine"}]}},
               "name a field inside a table by a dot"),
    "lists": ({"lr": {"choices": [[0.1], [0.2]]}}, "choices are texts, numbers or true and false"),
    "doubled": ({"lr": {"choices": [0.1, 0.2, 0.1]}}, "choices: 0.1 appears twice"),
    "doubled words": ({"augment": {"choices": ["crop", "crop"]}}, "choices: 'crop' appears twice"),
    "doubled numbers": ({"batch_size": {"choices": [16, 16.0]}}, "choices: 16.0 appears twice"),
    "never": ({"scheduler.kind": SCHEDULES, "scheduler.gamma": {"low": 0.1, "high": 0.9, "when": {
        "scheduler.kind": "stpe"}}}, "scheduler.kind is never 'stpe'"),
    "never among several": ({"scheduler.kind": SCHEDULES, "lr": {"low": 0.1, "high": 0.9, "when": {
        "scheduler.kind": ["step", "constant"]}}}, "scheduler.kind is never 'constant'"),
    "never so large": ({"batch_size": {"low": 16, "high": 64}, "lr": {"low": 0.1, "high": 0.9, "when": {
        "batch_size": 128}}}, "batch_size is never 128"),
    "never between steps": ({"momentum": {"low": 0.1, "high": 0.9, "step": 0.2}, "lr": {"low": 0.1, "high": 0.9,
                             "when": {"momentum": 0.4}}}, "momentum is never 0.4"),
    "tiny steps": ({"momentum": {"low": 0.0, "high": 0.9, "step": 1e-320}, "lr": {"low": 0.1, "high": 0.9,
                    "when": {"momentum": 0.4}}}, "momentum is never 0.4"),
    "never half": ({"epochs": {"low": 1, "high": 9}, "lr": {"low": 0.1, "high": 0.9, "when": {"epochs": [3, 4.5]}}},
                   "epochs is never 4.5"),
    "never true": ({"epochs": {"low": 1, "high": 9}, "lr": {"low": 0.1, "high": 0.9, "when": {"epochs": True}}},
                   "epochs is never True"),
    "hardly ever": ({"lr": {"low": 0.01, "high": 0.1, "log": True}, "momentum": {"low": 0.1, "high": 0.9, "when": {
        "lr": 0.05}}}, "ranges.momentum.when: lr is continuous, so that hardly a trial has exactly 0.05; give lr"),
    "no value": ({"scheduler.kind": SCHEDULES, "lr": {"low": 0.1, "high": 0.9, "when": {"scheduler.kind": []}}},
                 "no value of scheduler.kind is named"),
    "word for a number": ({"lr": {"choices": ["fast", "slow"]}}, "lr"),
    "number for a word": ({"augment": {"low": 0, "high": 1}}, "augment"),
    "too large": ({"momentum": {"low": 0.5, "high": 1.5}}, "momentum"),
    "negative": ({"lr": {"choices": [-0.1, 0.1]}}, "lr"),
    "no field": ({"learning_rate": {"low": 0.1, "high": 0.9}}, "unknown key 'learning_rate'"),
    "no field inside": ({"scheduler.gama": {"low": 0.1, "high": 0.9}}, "unknown key 'scheduler.gama'"),
    "whence": ({"tuned": {"choices": ["t", "u"]}}, "says where a recipe comes from, and is not tuned"),
    "weights": ({"pretrained": {"choices": ["imagenet", "no-such.pt"]}},
                "ranges.pretrained: says which weights trainings start from, and is not tuned"),
    "auto": ({"precision": {"choices": ["auto", "fp32"]}}, "'auto' is no precision of its own"),
    "nothing": ({"lr": {}}, "give either low and high or choices, as in lr = { low = 0.001, high = 0.1 }"),
    "a number": ({"lr": 0.1}, "as in lr = { low = 0.001, high = 0.1 }"),
    "a list": ({"lr": [0.1, 0.2]}, "as in lr = { low = 0.001, high = 0.1 }"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_ranges_that_no_trial_could_try_are_refused_in_one_line(what: str) -> None:
    ranges, says = WRONG[what]
    with pytest.raises(BadInput) as error:
        spec(ranges)
    assert says in str(error.value)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("span", [{"low": 0.1, "high": 0.7, "step": 0.2}, {"choices": [0.1, 0.3, 0.7]}])
def test_a_value_that_steps_reach_decides_a_range(span: Ranges) -> None:
    ranges = {"momentum": span, "lr": {"choices": [0.1, 0.2], "when": {"momentum": [0.1, 0.3]}}}
    asked = [tried(ranges, seed=seed)[1] for seed in range(12)]
    assert {("lr" in one) == (one["momentum"] in (0.1, 0.3)) for one in asked} == {True}
    assert len({"lr" in one for one in asked}) == 2


@pytest.mark.parametrize("sampler", ["random", "tpe", "grid"])
@pytest.mark.parametrize(
    ("low", "high", "step"), [(0.1, 0.5, 0.1), (0.0, 0.9, 0.1), (0.05, 0.95, 0.15), (0.1, 0.75, 0.2), (0.3, 0.9, 0.3)]
)
def test_steps_give_short_numbers_in_trials_and_in_exports(low: float, high: float, step: float, sampler: str) -> None:
    ranges = {"momentum": {"low": low, "high": high, "step": step}}
    own, rows = spec(ranges, sampler), []
    allowed = {round(low + number * step, 2) for number in range(20) if low + number * step <= high + 1e-9}
    for seed in range(12):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            asked = tuning.ask(own, seed % 2, [], seed)
        assert asked["momentum"] in allowed
        rows.append({"kind": "tune", "methods": ["t"], "seed": 0, "status": "done", "key": str(seed),
                     "val_accuracy": 1.0 * seed, "device_seconds": 1.0,
                     "settings": {"tuning": own, "index": seed, "asked": asked}})  # fmt: skip
        said = export_recipe(rows, "t").splitlines()[-1]
        assert len(said) <= len("momentum = 0.95")
        assert tuning.ask(json.loads(json.dumps(own)), seed % 2, [], seed) == asked, "as a row has the settings"


@pytest.mark.parametrize("broken", ["epochs", "lr", "momentum", "augment", "scheduler.gamma"])
def test_what_was_asked_is_seen_to_be_a_recipe_before_it_runs(monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    """Whatever a sampler gives: the trial fails with the field's name, and the driver goes on."""
    monkeypatch.setattr(tuning, "ask", lambda *_: {broken: -2.4658})
    with pytest.raises(Unbuildable, match=f"the suggested recipe: {broken}") as error:
        tried({"lr": {"low": 0.1, "high": 0.2}})
    assert error.value.status == "failed"


def test_values_that_do_not_fit_together_end_their_trial_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ranges hold them, so that every other try would ask for them again."""
    monkeypatch.setattr(tuning, "ask", lambda *_: {"momentum": 0.0, "nesterov": True})
    with pytest.raises(Unbuildable, match="the suggested recipe: nesterov looks ahead") as error:
        tried({"lr": {"low": 0.1, "high": 0.2}})
    assert error.value.status == "diverged"


FIELDS: dict[str, Any] = {
    "lr": st.sampled_from([1e-3, 1e-2, 0.1, 0.5]), "scheduler.min_lr": st.sampled_from([0.0, 1e-3, 0.05, 0.2]),
    "momentum": st.sampled_from([0.0, 0.3, 0.9]), "epochs": st.integers(1, 9),
    "scheduler.warmup_epochs": st.integers(0, 5), "scheduler.kind": st.sampled_from(["step", "cosine", "constant"]),
    "nesterov": st.booleans(), "batch_size": st.sampled_from([16, 32]),
}  # fmt: skip


@st.composite
def some_ranges(draw: st.DrawFn) -> Ranges:
    """Some of the fields, by choices or from low to high; some hang on one that was drawn before."""
    found: Ranges = {}
    for name in draw(st.lists(st.sampled_from([*FIELDS]), min_size=2, max_size=5, unique=True)):
        values = draw(st.lists(FIELDS[name], min_size=2, max_size=3, unique=True))
        numbers = not isinstance(values[0], str | bool)
        found[name] = {"low": min(values), "high": max(values)} if numbers and draw(st.booleans()) else {
            "choices": values}  # fmt: skip
        parents = [one for one in found if one != name and "choices" in found[one]]
        if parents and draw(st.booleans()):
            parent = draw(st.sampled_from(parents))
            found[name] |= {"when": {parent: found[parent]["choices"][0]}}
    return found


@given(some_ranges(), st.sampled_from(["constant", "cosine"]), st.booleans())
def test_ranges_that_pass_give_nothing_but_recipes(ranges: Ranges, kind: str, nesterov: bool) -> None:
    recipe = {"epochs": 9, "nesterov": nesterov, "scheduler": {"kind": kind, "min_lr": 1e-3 * (kind == "cosine")}}
    (own,) = merged(tiny(tuning=[{"name": "t", "sampler": "random", "ranges": ranges, "recipe": recipe}])).tunings
    try:
        fault = tuning_fault(own)
    except BadInput:
        fault = "a contradiction"
    spans = own.tuning.model_dump()
    for index in range(0 if fault else 4):
        asked = tuning.ask(spans, index, [], 0)
        found = Recipe.model_validate(ranges_module.apply(plain_recipe(own.recipe), asked))
        assert found.scheduler.warmup_epochs < found.epochs


def test_a_sampler_that_raises_fails_its_trial_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ValueError("CategoricalDistribution does not support dynamic value space")

    monkeypatch.setattr(tuning, "ask", broken)
    with pytest.raises(Unbuildable, match="no values can be suggested: ValueError: Categorical"):
        tried({"lr": {"low": 0.1, "high": 0.2}})
