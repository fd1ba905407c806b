"""What `plan` says of time: the work of each job in images, and what is measured in its place."""

import pytest

from harness import estimate
from harness.prepare import prepare
from tests.studies import TINY, tiny

CELLS = {
    "space": "cell-study1",
    "space_options": {"channels": 2, "cells": 1},
    "search": {"strategy": "darts", "warmup_epochs": 2, "epochs": 3, "gate": "softmax", "alpha_portion": 0.25},
    "method": [{"name": "edges", "rule": "edge-wise", "twins": 1}, {"name": "nodes", "rule": "node-wise"}],
}


def planned(tmp_path, **changes):
    return prepare(tiny(**changes), tmp_path, None, False, "cpu")


def of_kind(prepared, kind):
    return [job for job in prepared.plan.jobs.values() if job.kind == kind]


def test_what_a_rule_reads_is_measured_by_a_network_of_that_rule(tmp_path):
    prepared = planned(tmp_path, **CELLS)
    stands = {job.method: estimate.stand_in(job, prepared) for job in prepared.plan.jobs.values()}
    assert stands == {
        "darts": ("supernet", "softmax"),
        "edges@3": ("rule", "edge-wise"),
        "random-edges@3": ("rule", "edge-wise"),
        "nodes@3": ("rule", "node-wise"),
    }
    seconds = estimate.job_seconds(prepared, "cpu")
    assert set(seconds) == set(prepared.plan.jobs)
    assert all(took > 0 for took in seconds.values())


def test_what_is_known_is_measured_itself(tmp_path):
    text = "vgg11 1-3 2-4"
    prepared = planned(tmp_path, method=[{"name": "given", "architecture": text}, {"name": "baseline"}])
    stands = {job.method: estimate.stand_in(job, prepared) for job in prepared.plan.jobs.values()}
    assert stands == {"given": ("text", text), "baseline": ("text", str(prepared.space.baseline()))}


@pytest.mark.parametrize("score", ["train", "supernet"])
def test_candidates_are_measured_by_the_rule_that_draws_them(tmp_path, score):
    search = {"strategy": "random-search", "candidates": 2, "score": score, "score_epochs": 3, "alpha_portion": 0.25}
    prepared = planned(tmp_path, search=search, method=[{"name": "rs", "rule": "B"}])
    assert {estimate.stand_in(job, prepared) for job in of_kind(prepared, "score")} == {("rule", "B")}
    images = len(prepared.data.train)
    weights, held_out = images - round(images / 4), round(images / 4)
    work = held_out / 3 if score == "supernet" else 3 * weights + held_out / 3
    assert [estimate.images(job, prepared.data) for job in of_kind(prepared, "score")] == pytest.approx([work] * 4)


def test_a_search_pays_for_both_parts_and_for_looking_at_the_held_out_one(tmp_path):
    prepared = planned(tmp_path, **CELLS)
    held_out = round(len(prepared.data.train) / 4)
    weights = len(prepared.data.train) - held_out
    (work,) = {estimate.images(job, prepared.data) for job in of_kind(prepared, "search")}
    assert work == pytest.approx(weights * (2 + 2 * 3) + held_out * (2 + 3) / 3)


@pytest.mark.parametrize("watched", [False, True])
def test_a_training_pays_for_each_look_at_the_test_set(tmp_path, watched):
    prepared = planned(tmp_path, test_curve=watched, recipe={**TINY["recipe"], "epochs": 4})
    (work,) = {estimate.images(job, prepared.data) for job in of_kind(prepared, "train")}
    assert work == pytest.approx(4 * len(prepared.data.train) + (4 if watched else 1) * len(prepared.data.test) / 3)
