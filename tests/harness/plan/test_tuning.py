"""Tuning: suggestions and pruning follow from the rows alone, and find what there is to find."""

import json
import math
import os
import random
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.commands import tune
from harness.errors import BadInput
from harness.plan import tuning
from harness.plan.make import make
from harness.plan.methods import merged
from harness.plan.strategies import strategy
from harness.study import ranges as ranges_module
from harness.study.schema import Study, Tuning
from harness.study.validation import validated
from harness.training.epochs import returned
from tests.studies import tiny

LR, GAMMA = 0.0090131, 0.2344
SMOOTH = {"lr": {"low": 1e-4, "high": 0.1, "log": True}, "scheduler.gamma": {"low": 0.05, "high": 0.95}}
CONDITIONAL = {
    **SMOOTH,
    "scheduler.gamma": {"low": 0.05, "high": 0.95, "when": {"scheduler.kind": "step"}},
    "scheduler.kind": {"choices": ["step", "cosine", "constant"]},
    "batch_size": {"low": 16, "high": 128, "integer": True, "log": True},
}  # fmt: skip


def spec(ranges: Mapping[str, Any] = SMOOTH, **changes: Any) -> dict[str, Any]:
    """The settings of a tuning as they stand in a trial's key."""
    return Tuning(name="t", ranges=ranges, **changes).model_dump(exclude={"name", "seeds", "recipe", "architecture"})


def row(spec: Mapping[str, Any], index: int, asked: Mapping[str, Any], curve: Sequence[float],
        status: str = "done") -> dict[str, Any]:  # fmt: skip
    known = status in ("done", "pruned")
    points = [{"epoch": n, "val_accuracy": value} for n, value in enumerate(curve, 1)] if known else []
    return {
        "kind": "tune", "methods": ["t"], "seed": 0, "key": f"{index:016x}", "status": status, "curve": points,
        "settings": {"tuning": spec, "index": index, "asked": asked}, "val_accuracy": curve[-1] if known else None,
        "device_seconds": 1.0, "started": "2025-11-01T10:00:00+00:00", "finished": "2025-11-01T10:00:07+00:00",
    }  # fmt: skip


def formula(asked: Mapping[str, Any]) -> float:
    return -(math.log10(asked["lr"] / LR) ** 2) - (asked["scheduler.gamma"] - GAMMA) ** 2


def play(spec: dict[str, Any], seed: int, trials: int, epochs: int = 1, at_once: int = 1,
         luck: int = 0) -> list[dict[str, Any]]:  # fmt: skip
    """The rows of a tuning of the formula; `at_once` trials run at a time and end in an order that `luck` draws."""
    rng, rows, running = random.Random(luck), {}, {}
    while len(rows) < trials:
        index = len(rows) + len(running)
        seen = range(max(0, index - spec["lag"] + 1))
        if index < trials and len(running) < at_once and all(i in rows for i in seen):
            running[index] = trial(spec, index, [rows[i] for i in seen], seed, epochs)
        else:
            ended = rng.choice(sorted(running))
            rows[ended] = json.loads(json.dumps(running.pop(ended), sort_keys=True))
    return [rows[index] for index in range(trials)]


def trial(spec: dict[str, Any], index: int, seen: Sequence[dict[str, Any]], seed: int, epochs: int) -> dict[str, Any]:
    """What a worker leaves: accuracy grows to the formula's value, unless the trial is pruned on the way."""
    asked = tuning.ask(spec, index, seen, seed)
    limits = tuning.thresholds({"tuning": spec, "recipe": {"epochs": epochs}}, seen)
    curve = [formula(asked) - epochs / epoch for epoch in range(1, epochs + 1)]
    if stop := pruned_at(curve, limits):
        return row(spec, index, asked, curve[:stop], "pruned")
    return row(spec, index, asked, curve)


def pruned_at(curve: Sequence[float], limits: Mapping[str, float]) -> int | None:
    """The epoch after which the worker stops a trial, by the rule that a trial is judged by its newest accuracy."""
    epochs = (epoch for epoch, value in enumerate(curve, 1) if value < limits.get(str(epoch), -math.inf))
    return next(epochs, None)


@pytest.mark.long
@pytest.mark.parametrize("lag", [2, 4])
def test_tpe_finds_the_known_optimum_in_sixty_trials(lag: int) -> None:
    near = 0
    for seed in range(10):
        best = max(play(spec(lag=lag), seed, 60), key=lambda row: row["val_accuracy"])["settings"]["asked"]
        near += abs(best["lr"] / LR - 1) <= 0.1 and abs(best["scheduler.gamma"] - GAMMA) <= 0.05
    assert near >= 9


@pytest.mark.long
@pytest.mark.parametrize("lag", [2, 4])
@pytest.mark.parametrize("pruner", ["none", "median", "halving"])
def test_the_history_is_the_same_however_many_trials_run_at_once(lag: int, pruner: str) -> None:
    own = spec(lag=lag, pruner=pruner)
    alone = play(own, 0, 60, epochs=4)
    assert any(row["status"] == "pruned" for row in alone) == (pruner != "none")
    for at_once in (2, 4):
        assert play(own, 0, 60, epochs=4, at_once=at_once, luck=at_once) == alone


def test_another_seed_gives_another_history() -> None:
    assert play(spec(), 0, 3) != play(spec(), 1, 3)


def ended_trials(count: int, spec: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of random trials, some of them pruned or failed."""
    rng = random.Random(5)
    rows = []
    for index in range(count):
        asked = tuning.ask({**spec, "sampler": "random"}, index, [], 9)
        status = ("done", "done", "done", "pruned", "failed", "diverged")[index % 6]
        rows.append(row(spec, index, asked, [rng.random() for _ in range(2 if status == "pruned" else 4)], status))
    return rows


def test_the_order_of_rows_and_ranges_means_nothing() -> None:
    conditional = spec(CONDITIONAL, lag=1)
    rows = ended_trials(30, conditional)
    expected = tuning.ask(conditional, 30, rows, 0)
    turned = {**conditional, "ranges": dict(reversed(conditional["ranges"].items()))}
    assert tuning.ask(turned, 30, json.loads(json.dumps(rows[::-1])), 0) == expected


@pytest.mark.long
def test_suggestions_do_not_depend_on_the_hash_seed() -> None:
    code = ("import json; from tests.harness.plan.test_tuning import *; s = spec(CONDITIONAL, lag=1); "
            "print(json.dumps([tuning.ask(s, i, ended_trials(i, s), 0) for i in (30, 31, 32)]))")  # fmt: skip
    here = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[3]), *sys.path])}
    first, second = (subprocess.run([sys.executable, "-c", code], env={**here, "PYTHONHASHSEED": seed},
                                    capture_output=True, text=True, check=True).stdout for seed in "12")  # fmt: skip
    assert first == second


@settings(max_examples=40, deadline=None)
@given(index=st.integers(0, 10**6), seed=st.integers(0, 2**62), sampler=st.sampled_from(["tpe", "random"]))
def test_every_suggestion_lies_in_its_range_and_conditions_hold(index: int, seed: int, sampler: str) -> None:
    conditional = spec(CONDITIONAL, sampler=sampler)
    asked = tuning.ask(conditional, index, ended_trials(25, conditional), seed)
    assert ("scheduler.gamma" in asked) == (asked["scheduler.kind"] == "step")
    assert 1e-4 <= asked["lr"] <= 0.1
    assert 0.05 <= asked.get("scheduler.gamma", 0.5) <= 0.95
    assert isinstance(asked["batch_size"], int)
    assert 16 <= asked["batch_size"] <= 128


def test_tpe_starts_with_the_very_trials_of_random_search() -> None:
    tpe, chance = play(spec(), 3, 20), play(spec(sampler="random"), 3, 20)
    asked = [[row["settings"]["asked"] for row in rows] for rows in (tpe, chance)]
    assert asked[0][:10] == asked[1][:10]
    assert asked[0][11:] != asked[1][11:]


def test_failed_trials_teach_nothing_and_pruned_ones_do() -> None:
    one = spec(lag=1)
    done = [r for r in ended_trials(40, one) if r["status"] == "done"]
    failed = [r for r in ended_trials(40, one) if r["status"] in ("failed", "diverged")]
    pruned = [r for r in ended_trials(40, one) if r["status"] == "pruned"]
    assert tuning.ask(one, 40, [*done, *failed], 0) == tuning.ask(one, 40, done, 0)
    assert tuning.ask(one, 40, [*done, *pruned], 0) != tuning.ask(one, 40, done, 0)


def test_history_holds_every_trial_as_optuna_knows_it() -> None:
    rows = ended_trials(12, spec())
    study = tuning.history(spec(), rows)
    assert [t.state.name for t in study.trials[:6]] == ["COMPLETE"] * 3 + ["PRUNED", "FAIL", "FAIL"]
    assert study.trials[3].intermediate_values == {1: rows[3]["curve"][0]["val_accuracy"], 2: rows[3]["val_accuracy"]}
    assert study.trials[0].params == rows[0]["settings"]["asked"]
    assert study.best_value == max(r["val_accuracy"] for r in rows if r["status"] == "done")


def test_the_test_set_cannot_reach_a_suggestion_or_a_threshold() -> None:
    own = spec(pruner="median", startup_trials=5)
    rows = ended_trials(30, own)
    leaking = [{**r, "test_accuracy": 100 - (r["val_accuracy"] or 0),
                "curve": [{**point, "test_accuracy": 100 * n} for n, point in enumerate(r["curve"])]}
               for r in rows]  # fmt: skip
    trial = {"tuning": own, "recipe": {"epochs": 4}}
    assert tuning.ask(own, 31, leaking, 0) == tuning.ask(own, 31, rows, 0)
    assert tuning.thresholds(trial, leaking) == tuning.thresholds(trial, rows) != {}


@pytest.mark.training
@pytest.mark.parametrize(("kind", "status"), [("tune", "done"), ("train", "failed")])
def test_the_test_images_are_out_of_a_trials_reach(
    kind: str, status: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With a test set that fails at any touch a tuning trial runs through; a final training shows that it fails."""
    from harness.data import datasets
    from harness.plan import resolve
    from harness.plan.make import make
    from harness.plan.strategies import strategy
    from harness.training import run_job
    from harness.training.place import Place
    from spaces import registry as spaces

    class Forbidden:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(f"test set read: {name}")

    load = datasets.load
    monkeypatch.setattr(datasets, "load", lambda *where, **how: replace(load(*where, **how), test=Forbidden()))
    study = tiny(tuning=[{"name": "t", "ranges": SMOOTH, "trials": 1}])
    space = spaces.load(study.space, study.space_options)
    planned = make(merged(study), space.rules, strategy).jobs.values()
    job = next(job for job in planned if job.kind == kind and not job.needs)
    outcome = returned(run_job.run(job.key, resolve.resolve(job, {}, space), Place(str(tmp_path), "cpu", 1, 0, None)))
    assert outcome["status"] == status, outcome["error"]
    assert (outcome.get("val_accuracy") is not None) == (kind == "tune")
    assert outcome.get("test_accuracy") is None


# Pruning


def rows_of(curves: Sequence[Sequence[float]], own: dict[str, Any]) -> list[dict[str, Any]]:
    return [row(own, n, {"lr": 0.01, "scheduler.gamma": 0.5}, curve) for n, curve in enumerate(curves)]


def limits(curves: Sequence[Sequence[float]], epochs: int, **changes: Any) -> dict[str, float]:
    own = spec(startup_trials=1, **changes)
    return tuning.thresholds({"tuning": own, "recipe": {"epochs": epochs}}, rows_of(curves, own))


def test_median_thresholds_of_a_hand_made_history() -> None:
    curves = [[10, 20, 30, 40], [20, 30, 40, 50], [60, 10, 20, 30]]
    assert limits(curves, 4, pruner="median") == {"1": 20, "2": 20, "3": 30}
    assert limits(curves, 4, pruner="median", pruner_warmup_epochs=3) == {"3": 30}
    assert limits(curves, 4, pruner="none") == {}


def test_halving_thresholds_of_a_hand_made_history() -> None:
    curves = [[float(n)] * 7 for n in range(8)]  # of 9 trials with itself, the best 3 go on
    assert limits(curves, 7, pruner="halving") == {"1": 5, "3": 5}
    assert limits(curves, 7, pruner="halving", pruner_warmup_epochs=2) == {"2": 5, "6": 5}
    assert limits(curves, 7, pruner="halving", pruner_reduction=2) == {"1": 4, "2": 4, "4": 4}


def test_nothing_is_pruned_before_enough_trials_are_done() -> None:
    own = spec(pruner="median", startup_trials=3)
    trial = {"tuning": own, "recipe": {"epochs": 2}}
    rows = rows_of([[1, 2], [2, 3], [3, 4]], own)
    assert tuning.thresholds(trial, rows[:2]) == {}
    assert tuning.thresholds(trial, [*rows[:2], {**rows[2], "status": "pruned"}]) == {}
    assert tuning.thresholds(trial, rows) == {"1": 2}


VALUES = st.integers(0, 20).map(float)
CURVES = st.lists(st.lists(VALUES, min_size=6, max_size=6), min_size=1, max_size=12)


@settings(max_examples=100, deadline=None)
@given(CURVES, st.lists(VALUES, min_size=6, max_size=6).map(sorted), st.integers(1, 3))
def test_median_is_optunas_where_accuracy_grows(curves: list[list[float]], own: list[float], warmup: int) -> None:
    theirs = judged_by(optuna.pruners.MedianPruner(n_startup_trials=1, n_warmup_steps=warmup), curves, own)
    ours = limits(curves, 6, pruner="median", pruner_warmup_epochs=warmup)
    assert pruned_at(own, ours) == theirs


@settings(max_examples=100, deadline=None)
@given(CURVES, st.lists(VALUES, min_size=6, max_size=6), st.integers(1, 2), st.integers(2, 4))
def test_halving_is_optunas(curves: list[list[float]], own: list[float], warmup: int, eta: int) -> None:
    theirs = judged_by(optuna.pruners.SuccessiveHalvingPruner(warmup, eta), curves, own)
    ours = limits(curves, 6, pruner="halving", pruner_warmup_epochs=warmup, pruner_reduction=eta)
    assert pruned_at(own, ours) == theirs


def judged_by(pruner: Any, curves: Sequence[Sequence[float]], own: Sequence[float]) -> int | None:
    """The epoch, before the last, at which Optuna stops `own` after all of `curves` are done."""
    study = optuna.create_study(direction="maximize", pruner=pruner)
    for curve in curves:
        trial = study.ask()
        for epoch, value in enumerate(curve, 1):
            trial.report(value, epoch)
            reach_rungs(pruner, study, trial)
        study.tell(trial, curve[-1])
    trial = study.ask()
    for epoch, value in enumerate(own[:-1], 1):
        trial.report(value, epoch)
        if trial.should_prune():
            return epoch
    return None


def reach_rungs(pruner: Any, study: Any, trial: Any) -> None:
    """Optuna notes a rung when it judges; these trials reach all of theirs."""
    if isinstance(pruner, optuna.pruners.SuccessiveHalvingPruner):
        known = study._storage.get_trial(trial._trial_id)
        epoch, rung = known.last_step, sum(name.startswith("completed_rung") for name in known.system_attrs)
        if epoch >= pruner._min_resource * pruner._reduction_factor**rung:
            value = known.intermediate_values[epoch]
            study._storage.set_trial_system_attr(trial._trial_id, f"completed_rung_{rung}", value)


# Ranges


def test_a_grid_goes_through_every_point_once_and_knows_conditions() -> None:
    gamma = {"low": 0.1, "high": 0.5, "step": 0.2, "when": {"scheduler.kind": ["step"]}}
    ranges = {
        "scheduler.kind": {"choices": ["step", "cosine"]},
        "lr": {"choices": [0.1, 0.01]},
        "scheduler.gamma": gamma,
    }
    own = spec(ranges, sampler="grid", trials=8)
    points = [tuning.ask(own, index, [], 0) for index in range(8)]
    assert len({json.dumps(point, sort_keys=True) for point in points}) == 8
    assert {p.get("scheduler.gamma") for p in points if p["scheduler.kind"] == "step"} == {0.1, 0.3, 0.5}
    assert {p.get("scheduler.gamma") for p in points if p["scheduler.kind"] == "cosine"} == {None}
    assert points != [tuning.ask(own, index, [], 1) for index in range(8)]


@pytest.mark.parametrize(("changes", "said"), [
    ({"sampler": "grid"}, "ranges.lr: a grid needs choices"),
    ({"sampler": "grid", "trials": 3, "ranges": {"lr": {"choices": [0.1, 0.2]}}}, "the grid has only 2 points"),
    ({"ranges": {"lr": {"low": 0.1, "high": 0.2, "when": {"momentum": 0.9}}}}, "'momentum' is no range"),
    ({"ranges": {"lr": {"choices": [1], "when": {"clip": 1}}, "clip": {"choices": [1], "when": {"lr": 1}}}}, "circle"),
    ({"ranges": {"lr": {"low": 0.2, "high": 0.1}}}, "low = 0.2 is not below high = 0.1"),
    ({"ranges": {"lr": {"low": 0, "high": 0.1, "log": True}}}, "log needs low above 0"),
    ({"ranges": {"lr": {"low": 0.1}}}, "either low and high or choices"),
])  # fmt: skip
def test_bad_tunings_end_in_a_line_that_says_why(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        validated(Tuning, {"name": "t", "ranges": SMOOTH, **changes}, "study.toml")


@pytest.mark.parametrize(("ranges", "said"), [
    ({"scheduler.gama": {"choices": [0.1]}}, "unknown key 'scheduler.gama'"),
    ({"shedule.gamma": {"choices": [0.1]}}, "unknown key 'shedule'"),
    ({"lr": {"low": -1, "high": 1}}, "lr takes numbers above 0"),
    ({"momentum": {"low": 0.5, "high": 1.5}}, "momentum takes numbers below 1"),
])  # fmt: skip
def test_ranges_must_stay_within_the_recipe(ranges: dict[str, Any], said: str) -> None:
    study = Study(name="s", space="shortcut-vgg11", tuning=(Tuning(name="t", ranges=ranges),))
    with pytest.raises(BadInput, match=said):
        merged(study)


def test_trials_start_from_the_studys_recipe_changed_by_the_tunings() -> None:
    own = Tuning(name="t", ranges=SMOOTH, recipe={"epochs": 3, "scheduler": {"kind": "step"}})
    study = Study(name="s", space="shortcut-vgg11", recipe={"momentum": 0.5, "scheduler": {"step": 0.5}}, tuning=(own,))
    tried = merged(study).tunings[0].recipe
    assert (tried.epochs, tried.momentum, tried.scheduler.kind, tried.scheduler.step) == (3, 0.5, "step", 0.5)


def test_apply_and_values_are_each_others_inverse() -> None:
    recipe = {"lr": 0.1, "batch_size": 32, "scheduler": {"kind": "step", "gamma": 0.1, "step": 0.5}}
    ranges = spec(CONDITIONAL)["ranges"]
    for index in range(8):
        asked = tuning.ask(spec(CONDITIONAL), index, [], 0)
        changed = ranges_module.apply(recipe, asked)
        assert ranges_module.values(changed, ranges) == asked
        assert changed["scheduler"]["step"] == 0.5
    assert recipe["scheduler"] == {"kind": "step", "gamma": 0.1, "step": 0.5}


# What leaves a tuning


def test_the_exported_recipe_is_the_best_done_trial_and_a_study_takes_it(tmp_path: Path) -> None:
    from harness.study.load import load_with_recipe

    ranges = {**SMOOTH, "augment": {"choices": ["crop", "none"]}}
    rows = play(spec(ranges), 0, 12)
    rows[3] = {**rows[3], "status": "pruned", "val_accuracy": 99.0}
    rows.append({**rows[4], "seed": 1, "val_accuracy": 98.0})
    rows[5] = {**rows[5], "status": "done", "val_accuracy": None}
    scored = [r for r in rows if r["val_accuracy"] is not None]
    best = max((r for r in scored if r["status"] == "done" and r["seed"] == 0), key=lambda r: r["val_accuracy"])
    text = tune.export_recipe(rows, "t")
    (tmp_path / "recipe.toml").write_text(text)
    (tmp_path / "study.toml").write_text(
        'name = "s"\nspace = "shortcut-vgg11"\nrecipe = { tuned = "t" }\n[[method]]\nname = "baseline"\n'
        '[[tuning]]\nname = "t"\nranges = { lr = { low = 0.1, high = 0.2 } }\n'
    )
    taken = load_with_recipe(str(tmp_path / "study.toml"), [], str(tmp_path / "recipe.toml")).recipe
    assert ranges_module.values(taken.model_dump(), spec(ranges)["ranges"]) == best["settings"]["asked"]
    assert not taken.tuned
    assert "12 trials, 12 device-seconds" in text


def test_only_tunings_that_train_the_same_have_an_equal_mark() -> None:
    ranges = {"lr": {"low": 0.1, "high": 0.2}, "scheduler.gamma": {"low": 0.1, "high": 0.2}}
    more = [{}, {"sampler": "random", "trials": 3}, {"recipe": {"lr": 0.5, "scheduler": {"gamma": 0.3}}},
            {"recipe": {"epochs": 9}}, {"architecture": "vgg11 1-3"},
            {"recipe": {"scheduler": {"step": 0.3}}}]  # fmt: skip
    tunings = [{"name": f"t{number}", "trials": 2, "ranges": ranges, **one} for number, one in enumerate(more)]
    plan = make(merged(tiny(tuning=tunings)), ("A", "B"), strategy)
    rows = [{"key": job.key, "kind": "tune", "methods": list(job.methods), "seed": job.seed, "status": "failed",
             "device_seconds": 1.0, "started": None, "finished": None, "curve": [], "val_accuracy": None,
             "settings": {**job.settings, "asked": {}}}
            for job in plan.jobs.values() if job.kind == "tune"]  # fmt: skip
    marks = [seeds[0].user_attrs["trains"] for _, seeds in sorted(tuning.studies(rows).items())]
    assert [marks.index(mark) for mark in marks] == [0, 0, 0, 3, 4, 5]


def test_an_exported_database_holds_the_study_that_the_rows_give(tmp_path: Path) -> None:
    rows = ended_trials(12, spec(CONDITIONAL))
    rows = [{**r, "seed": n % 2} for n, r in enumerate(rows)]
    assert tune.export_sqlite(rows, tmp_path / "tuning.db") == ["t-0", "t-1"]
    storage = optuna.storages.RDBStorage(f"sqlite:///{tmp_path / 'tuning.db'}")
    loaded = optuna.load_study(study_name="t-1", storage=storage)
    expected = tuning.studies(rows)["t"][1]
    for ours, theirs in zip(expected.trials, loaded.trials, strict=True):
        assert (ours.params, ours.state, ours.value, ours.intermediate_values, ours.duration, ours.user_attrs) == (
            theirs.params, theirs.state, theirs.value, theirs.intermediate_values, theirs.duration, theirs.user_attrs
        )  # fmt: skip
    assert expected.trials[0].duration.total_seconds() == 7
    storage.remove_session()
    storage.engine.dispose()
    with pytest.raises(BadInput, match="exists"):
        tune.export_sqlite(rows, tmp_path / "tuning.db")


def test_there_is_nothing_to_export_before_a_trial_is_done(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no trial of tuning 't' is done"):
        tune.export_recipe([], "t")
    with pytest.raises(BadInput, match="nothing to export"):
        tune.export_sqlite([], tmp_path / "tuning.db")
    assert not (tmp_path / "tuning.db").exists()


# The studies that come with the package


def test_the_tuned_study_shares_its_trials_with_the_tuning_study() -> None:
    from harness.plan.make import make
    from harness.plan.strategies import strategy
    from harness.study.load import load_study
    from spaces import registry as spaces

    loaded = {name: load_study(name) for name in ("tune-cifar10-mini", "shortcut-cifar10-mini-tuned")}
    plans = {}
    for name, one in loaded.items():
        space = spaces.load(one.space, one.space_options)
        plans[name] = make(merged(one), space.rules, strategy)
    apart, within = ({k: j for k, j in p.jobs.items() if j.kind == "tune"} for p in plans.values())
    assert within.keys() <= apart.keys()
    assert len(within) == 40
    assert {(job.method, job.seed) for job in apart.values()} == {(t, s) for t in ("tpe", "random") for s in range(3)}
    trainings = [job for job in plans["shortcut-cifar10-mini-tuned"].jobs.values() if job.kind == "train"]
    assert all(set(job.settings["recipe_from"]) == within.keys() for job in trainings)


def test_gamma_has_an_effect_in_the_tuning_study() -> None:
    from harness.study.load import load_study

    loaded = load_study("tune-cifar10-mini")
    for one in merged(loaded).tunings:
        own, tried = one.tuning, one.recipe
        assert tried.scheduler.kind == "step"
        assert tried.scheduler.step < 1  # of the epochs
        assert own.pruner_warmup_epochs < tried.scheduler.step * tried.epochs < tried.epochs - 1
