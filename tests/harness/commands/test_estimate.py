"""What `plan` says of time: the work of each kind of job is what such a job does, and any study can be estimated."""

from collections import Counter

import pytest

from harness.commands import plan, plan_seconds
from harness.engine.engine import Engine
from harness.errors import BadInput
from harness.run import in_process
from harness.run.admission import Shares
from harness.run.prepare import prepare
from harness.run.session import Session, run
from tests.studies import TINY, tiny

SHARES = Shares({}, {})
DATA = {**TINY["data"], "train_images": 96, "test_images": 60}
RECIPE = {**TINY["recipe"], "batch_size": 24}
SEARCH = {"strategy": "darts", "warmup_epochs": 1, "epochs": 2, "alpha_portion": 0.25}
CELLS = {"space": "cell-study1", "space_options": {"channels": 2, "cells": 1}, "search": {**SEARCH, "gate": "softmax"}}
METHODS = [{"name": "edges", "rule": "edge-wise", "twins": 1}, {"name": "nodes", "rule": "node-wise"}]
DISCONNECTED = "cells inputs=1 concat=3,4,5 normal=0>1:conv_3x3"
TUNED = [{"name": "rate", "trials": 2, "ranges": {"lr": {"low": 0.001, "high": 0.1}}}]


def planned(tmp_path, **changes):
    return prepare(tiny(**{"data": DATA, "recipe": RECIPE, "seeds": {"search": 1}, **changes}), tmp_path, None, False,
                   "cpu")  # fmt: skip


def stood_for(prepared):
    stands = {job.method: plan_seconds.stand_in(job, prepared) for job in prepared.plan.jobs.values()}
    return {method: (stand.kind, stand.what) for method, stand in stands.items()}


def done(prepared, monkeypatch):
    """Images that gradients were taken of, and a third of those that were looked at, by kind of job."""
    found, now = Counter(), [""]
    loss, judge = Engine.loss, Engine.judge

    def counted_loss(self, network, images, labels, *smoothing):
        found[now[0]] += len(labels)
        return loss(self, network, images, labels, *smoothing)

    def counted_evaluation(self, network, part):
        found[now[0]] += len(part) / 3
        return judge(self, network, part)

    def execute(driver):
        while assignment := driver.next():
            now[0] = assignment.job.kind
            in_process.finish(driver, assignment)

    monkeypatch.setattr(Engine, "loss", counted_loss)
    monkeypatch.setattr(Engine, "judge", counted_evaluation)
    assert run(prepared, Session(execute, SHARES, "cpu", None, "")) == 0
    return {kind: images for kind, images in found.items() if kind}


@pytest.mark.training
@pytest.mark.parametrize(
    "changes",
    [
        {"search": SEARCH},
        {"search": {**SEARCH, "order": 2}},
        {"search": SEARCH, "test_curve": True},
        {"search": {**SEARCH, "strategy": "random-search", "candidates": 2, "score": "train", "score_epochs": 3}},
        {"tuning": TUNED, "recipe": {**RECIPE, "tuned": "rate"}, "method": [{"name": "baseline"}]},
    ],
    ids=["darts", "second order", "watched", "scores", "tuning"],
)
def test_the_work_of_each_kind_of_job_is_what_it_does(tmp_path, monkeypatch, changes):
    prepared = planned(tmp_path, **changes)
    estimated = Counter()
    for job in prepared.plan.jobs.values():
        estimated[job.kind] += plan_seconds.images(job, prepared.data)
    assert done(prepared, monkeypatch) == pytest.approx(dict(estimated))


@pytest.mark.parametrize("order", [1, 2])
def test_a_supernet_s_candidates_cost_a_look_each(tmp_path, order):
    search = {**SEARCH, "strategy": "random-search", "candidates": 2, "score": "supernet", "order": order}
    prepared = planned(tmp_path, search=search, method=[{"name": "rs", "rule": "B"}])
    scores = [job for job in prepared.plan.jobs.values() if job.kind == "score"]
    assert [plan_seconds.images(job, prepared.data) for job in scores] == pytest.approx([24 / 3] * 2)
    assert stood_for(prepared) == {"darts": ("supernet", "sigmoid"), "rs": ("rule", "B")}


@pytest.mark.training
def test_what_a_rule_reads_is_measured_by_networks_of_that_rule(tmp_path):
    prepared = planned(tmp_path, **CELLS, method=METHODS)
    assert stood_for(prepared) == {
        "darts": ("supernet", "softmax"),
        "edges@2": ("rule", "edge-wise"),
        "random-edges@2": ("rule", "edge-wise"),
        "nodes@2": ("rule", "node-wise"),
    }
    assert all(took > 0 for took in plan_seconds.job_seconds(prepared, "cpu").values())


def test_what_is_known_is_measured_itself(tmp_path):
    text = "vgg11 1-3 2-4"
    methods = [{"name": "given", "architecture": text, "twins": 1}, {"name": "baseline"}]
    prepared = planned(tmp_path, method=methods)
    baseline = str(prepared.space.baseline())
    assert stood_for(prepared) == {
        "given": ("text", text), "random-given": ("rule", "A"), "baseline": ("text", baseline)}  # fmt: skip


def test_a_network_whose_output_nothing_reaches_takes_no_time(tmp_path):
    prepared = planned(tmp_path, **CELLS, method=[{"name": "cut", "architecture": DISCONNECTED}])
    assert prepared.space.broken(prepared.space.parse(DISCONNECTED))
    assert list(plan_seconds.job_seconds(prepared, "cpu").values()) == [0]


@pytest.mark.training
def test_methods_that_share_a_training_are_both_told_of(tmp_path):
    methods = [{"name": name, "architecture": "vgg11 1-3"} for name in ("one", "two")]
    said = plan.text(plan.estimate(planned(tmp_path, method=methods), "cpu", SHARES))
    assert "1 jobs" in said
    assert said.count("1 trainings, after nothing") == 2


def test_a_tuning_needs_something_to_train(tmp_path):
    with pytest.raises(BadInput, match="tuning 'rate': cell-study1 has no baseline; give the tuning an architecture"):
        planned(tmp_path, **CELLS, method=METHODS, tuning=TUNED)
    with pytest.raises(BadInput, match="architecture: "):
        planned(tmp_path, tuning=[{**TUNED[0], "architecture": "vgg11 7-1"}])


def test_it_says_what_kept_networks_will_take(tmp_path, monkeypatch):
    """Of each row one, or all; of four bytes a weight."""
    monkeypatch.setattr(plan, "job_seconds", lambda prepared, *_: dict.fromkeys(prepared.plan.jobs, 0.0))
    methods = [{"name": "drawn", "strategy": "random", "rule": "A", "twins": 1}, {"name": "baseline"}]
    found = {}
    for setting in ("none", "best", "all"):
        ready = planned(tmp_path, method=methods, keep_weights=setting, seeds={"search": 2})
        found[setting] = plan.estimate(ready, "cpu", SHARES)
    kept = {setting: one["weights"] for setting, one in found.items()}
    assert {setting: one["networks"] for setting, one in kept.items()} == {"none": 0, "best": 3, "all": 6}
    each = 4 * found["best"]["network"]["parameters"]
    assert 3 * each < kept["best"]["bytes"] < 3 * 1.2 * each
    assert kept["all"]["bytes"] == 2 * kept["best"]["bytes"]
    assert "keeps of each row the best network (keep_weights): 3 files in weights/" in plan.text(found["best"])
    assert "keep_weights" not in plan.text(found["none"])


@pytest.mark.parametrize(
    ("shares", "at_once"),
    [(Shares({}, {"": 0.4}), 8), (Shares({}, {"": 0.6}), 4), (Shares({}, {"": 0.25}), 16), (Shares({}, {"": 2.0}), 2),
     (Shares({"": 4.0}, {"": 0.25}), 5), (Shares({}, {}, {"": 3}), 12), (Shares({}, {"": 0.2}, {"": 2}), 16),
     (Shares({}, {"": 8.0}), 1)],
)  # fmt: skip
def test_as_many_trials_run_at_once_as_fit_on_each_gpu(shares, at_once, monkeypatch):
    monkeypatch.setattr(plan.torch.cuda, "device_count", lambda: 4)
    monkeypatch.setattr(plan, "cores", lambda: 20)
    assert plan.trials_at_once("cuda", shares) == at_once
