"""Reading by perturbation in a study: rows, twins, shared supernets, interrupted readings, costs, refusals."""

import re
from collections import Counter

import pytest

from harness.commands.plan_seconds import EVALUATION, SEARCH_STEP, images
from harness.data import datasets
from harness.errors import BadInput
from harness.plan.make import make
from harness.plan.methods import merged
from harness.plan.strategies import strategy
from harness.run.checks.study import check_methods
from harness.storage.rows import latest_rows
from harness.training.epochs import returned
from harness.training.place import Place
from harness.training.run_job import run
from spaces.registry import load
from tests.driven import ran
from tests.studies import TINY, as_toml, tiny

READ = {"reading": "perturbation"}
METHODS = [
    {"name": "A-PT", "rule": "A", "twins": 1, "search": {**READ, "group": 8}},
    {"name": "B-PT", "rule": "B", "twins": 1, "search": {**READ, "tune_epochs": 0}},
    {"name": "A-PT-fixed", "rule": "A", "search": {**READ, "group": 21, "train_alpha": False}},
]


def outside(space, alpha):
    """A rule."""
    return space.discretise(alpha, "A")


FAST = {"seeds": {"search": 1}, "recipe": {**TINY["recipe"], "epochs": 1}, "method": METHODS}


def planned(**changes):
    study = tiny(**{**FAST, **changes})
    return make(merged(study), load(study.space, study.space_options).rules, strategy)


@pytest.mark.training
@pytest.mark.long
def test_in_a_study_it_is_a_rule_with_a_job_of_its_own(tmp_path):
    missing, statuses, _ = ran(tmp_path, study=as_toml({**TINY, **FAST, "name": "driven"}))
    assert (missing, set(statuses)) == (0, {"done"})
    rows = latest_rows(tmp_path / "driven")
    assert Counter(row["kind"] for row in rows.values()) == {"search": 2, "perturbation": 3, "train": 5}
    read = {row["method"]: row for row in rows.values() if row["kind"] == "perturbation"}
    assert {name: row["epochs"] for name, row in read.items()} == {"A-PT": 3, "B-PT": 6, "A-PT-fixed": 1}
    space = load(TINY["space"], TINY["space_options"])
    for name, row in read.items():
        (architecture,) = {one["architecture"] for one in rows.values() if f"{name}@2" in one["methods"]
                           and one["kind"] == "train"}  # fmt: skip
        kept = space.parse(architecture).pairs
        (weights,) = row["snapshots"].values()
        assert {(i, k) for i, k in space.pairs if weights["pairs"][i - 1][k - 1] == 1} == set(kept)
        assert name != "B-PT" or len({k for _, k in kept}) == len(kept)
        twins = [one for one in rows.values() if one["twin_of"] == f"{name}@2"]
        assert len(twins) == (name != "A-PT-fixed")
        assert {twin["shortcuts"] for twin in twins} <= {len(kept)}
        assert row["seconds"] > 0
        assert 0 <= row["val_accuracy"] <= 100
    fixed = next(rows[key] for key in read["A-PT-fixed"]["needs"])
    assert not any("alpha" in point for point in fixed["curve"])
    assert not list((tmp_path / "driven" / "checkpoints" / "weights").iterdir())


@pytest.mark.training
@pytest.mark.long
@pytest.mark.parametrize(
    "search",
    [{"group": 8}, pytest.param({"group": 8, "train_alpha": False, "tune_epochs": 2}, marks=pytest.mark.slow)],
)
def test_a_reading_that_was_interrupted_ends_as_one_that_was_not(search, tmp_path):
    plan = planned(method=[{"name": "A-PT", "rule": "A", "search": {**READ, **search}}])
    jobs = {job.kind: job for job in plan.jobs.values()}
    ends = []
    for stops in ((), (1, 1)):
        place = Place(str(tmp_path / str(len(stops))), "cpu", 1, 0, None, keep_weights=True)
        place.path.mkdir()
        assert returned(run(jobs["search"].key, jobs["search"].settings, place))["status"] == "done"
        reading = jobs["perturbation"]
        for epochs in stops:
            trial = run(reading.key, reading.settings, place)
            for _ in range(epochs):
                next(trial)
            trial.close()
        ends.append(returned(run(reading.key, reading.settings, place)))
        assert ends[-1]["status"] == "done", ends[-1]["error"]
    assert ends[0]["snapshots"] == ends[1]["snapshots"]
    curves = [[{**point, "seconds": 0} for point in end["curve"]] for end in ends]
    assert curves[0] == curves[1]
    assert [point["train_loss"] is None for point in curves[0]] == [False] * (len(curves[0]) - 1) + [True]


def test_methods_share_a_supernet_whose_alpha_is_trained_alike():
    plan = planned(method=[{"name": "A", "rule": "A"}, *METHODS])
    assert Counter(job.kind for job in plan.jobs.values())["search"] == 2
    assert list(plan.rows) == ["A@1", "A@2", "A-PT@2", "random-A-PT@2", "B-PT@2", "random-B-PT@2",
                                                         "A-PT-fixed@2"]  # fmt: skip


def test_the_plan_counts_what_a_reading_costs():
    data = datasets.load(TINY["data"], None)
    found = {job.method: images(job, data) for job in planned().jobs.values() if job.kind == "perturbation"}
    half = len(data.train) // 2
    assert found == pytest.approx({
        "A-PT": half * (EVALUATION * (21 * 2 + 3) + 2 * SEARCH_STEP[1]),
        "B-PT": half * EVALUATION * ((2 + 3 + 4 + 5 + 6) + 6 * 2 + 6),  # 1 to 6 sources; a single one is not compared
        "A-PT-fixed": half * EVALUATION * (21 * 2 + 1),
    })  # fmt: skip


@pytest.mark.parametrize(
    ("method", "says"),
    [
        ({"search": {**READ, "snapshots": [1, 2]}}, "search.snapshots: with reading = 'perturbation' the supernet is"),
        ({"search": {**READ, "trained": [1]}}, "search.trained: with reading = 'perturbation' the supernet is"),
        ({"search": {**READ, "gate": "gumbel"}}, "it trains single paths"),
        ({"search": {**READ, "gate": "uniform"}}, "learns no α that darts could read"),
        ({"search": {**READ, "early_stop": True}}, "search.early_stop goes back"),
        ({"search": {**READ, "perturb": 0.1}}, "search.perturb with reading = 'perturbation'"),
        ({"search": {**READ, "train_alpha": False, "order": 2}}, "search.order = 2 is of steps of α"),
        ({"search": {**READ, "train_alpha": False, "zero_one": 1}}, "search.zero_one is of steps of α"),
        ({"search": {**READ}, "rule": f"{__name__}:outside"}, "reads α by a function of its own"),
        ({"search": {**READ}, "strategy": "random-search"}, "search.reading is for darts"),
        ({"search": {"tune_epochs": 5}}, "search.tune_epochs is for darts with search.reading = 'perturbation'"),
        ({"search": {"train_alpha": False}}, "search.train_alpha = false leaves no α to read"),
    ],
    ids=str,
)  # fmt: skip
def test_what_does_not_go_together_is_refused(method, says):
    space = load(TINY["space"], TINY["space_options"])
    with pytest.raises(BadInput, match=rf"^method 'odd': .*{re.escape(says)}") as error:
        check_methods(merged(tiny(method=[{"name": "odd", "rule": "A", **method}])), space)
    assert "\n" not in str(error.value)


def test_a_space_that_does_not_say_what_is_decided_is_refused():
    space = load(TINY["space"], TINY["space_options"])
    other = type("Other", (), {"rules": space.rules, "gates": space.gates, "draw": space.draw})()
    with pytest.raises(BadInput, match="this space does not say what a rule decides"):
        check_methods(merged(tiny(method=[{"name": "odd", "rule": "A", "search": READ}])), other)
