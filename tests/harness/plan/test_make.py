"""The plan: equal settings, equal key; any setting that decides a result changes it; all known before anything runs."""

import json

import pytest

from harness.plan.keys import content_key
from harness.plan.make import make
from harness.plan.methods import merged
from harness.plan.strategies import strategy
from harness.run.prepare import prepare
from harness.study.load import load_study, packaged
from spaces.registry import load as load_space
from tests.studies import TINY, tiny


def planned(study, **more):
    return make(merged(study), ("A", "B"), strategy, **more)


def test_one_search_serves_all_rows_of_a_seed():
    plan = planned(tiny())
    searches = [job for job in plan.jobs.values() if job.kind == "search"]
    assert [job.seed for job in searches] == [0, 1]
    assert searches[0].methods == ("darts",)
    assert len([job for job in plan.jobs.values() if job.kind == "train"]) == 2 * (2 * 2 * 2 + 1)
    assert list(plan.rows) == ["darts-A@1", "random-A@1", "darts-A@2", "random-A@2",
                               "darts-B@1", "random-B@1", "darts-B@2", "random-B@2", "baseline"]  # fmt: skip


def test_snapshots_that_are_not_trained_change_no_search_and_can_be_added():
    search = tiny().search.model_dump()
    part, whole = (planned(tiny(search={**search, "trained": trained})) for trained in ([2], []))
    assert list(part.rows) == ["darts-A@2", "random-A@2", "darts-B@2", "random-B@2", "baseline"]
    assert set(part.jobs) < set(whole.jobs)
    assert [key for key, job in part.jobs.items() if job.kind == "search"] == [
        key for key, job in whole.jobs.items() if job.kind == "search"
    ]


def test_a_plan_is_the_same_every_time_and_keys_are_their_settings_hash():
    first, second = planned(tiny()), planned(tiny())
    assert list(first.jobs) == list(second.jobs)
    assert all(key == content_key(job.settings) for key, job in first.jobs.items())
    assert all(need in first.jobs for job in first.jobs.values() for need in job.needs)


@pytest.mark.parametrize(
    "change",
    [
        {"space_options": {"width": 0.125}},
        {"space": "shortcut-vgg13"},
        {"data": {**TINY["data"], "train_images": 97}},
        {"data": {**TINY["data"], "image_size": 33}},
        {"search": {**TINY["search"], "alpha_lr": 0.06}},
        {"search": {**TINY["search"], "alpha_portion": 0.4}},
        {"search": {**TINY["search"], "order": 2}},
        {"search": {**TINY["search"], "zero_one": 1.0}},
        {"search": {**TINY["search"], "recipe": {"lr": 0.03}}},
        {"recipe": {**TINY["recipe"], "lr": 0.03}},
        {"recipe": {**TINY["recipe"], "precision": "bf16"}},
        {"recipe": {**TINY["recipe"], "scheduler": {"kind": "cosine"}}},
        {"recipe": {**TINY["recipe"], "augment": "none"}},
        {"seeds": {"search": 2, "study": 1}},
    ],
    ids=str,
)
def test_what_decides_a_searched_networks_result_changes_its_key(change):
    """Whatever changes the search changes what is trained after it."""
    keys = [{j.key for j in planned(study).jobs.values() if j.method.startswith("darts-A")} for study in
            (tiny(), tiny(**change))]  # fmt: skip
    assert not keys[0] & keys[1]


@pytest.mark.parametrize(
    "change",
    [
        {"smallest_effect": 1.0},
        {"looks": [2]},
        {"name": "other"},
        {"search": {**TINY["search"], "candidates": 7}},
    ],
    ids=str,
)
def test_what_decides_nothing_keeps_the_keys(change):
    assert list(planned(tiny()).jobs) == list(planned(tiny(**change)).jobs)


def test_more_seeds_and_methods_only_add_jobs():
    before = set(planned(tiny()).jobs)
    more = tiny(seeds={"search": 3}, method=[*TINY["method"], {"name": "random", "strategy": "random", "rule": "B"}])
    assert before < set(planned(more).jobs)
    assert before < set(planned(tiny(), seeds={"darts-A": 3, "darts-B": 2, "baseline": 2}).jobs)


def test_a_searched_network_and_its_twin_are_a_pair():
    jobs = planned(tiny()).jobs.values()
    for twin in (job for job in jobs if job.role == "twin"):
        searched = [job for job in jobs if job.pair == twin.pair and job.role == "method"]
        assert [job.method for job in searched] == [twin.twin_of]
        assert searched[0].seed == twin.seed
        assert searched[0].key == twin.pair


@pytest.mark.parametrize("name", packaged())
def test_every_packaged_study_plans(name):
    study = load_study(name)
    space = load_space(study.space, study.space_options)
    plan = make(merged(study), space.rules, strategy)
    assert plan.jobs
    json.dumps(plan.summary())


def test_auto_is_a_precision_before_keys_are_made_wherever_it_stands(tmp_path):
    auto = {"precision": "auto"}
    methods = [{"name": "darts", "recipe": auto, "search": {"recipe": auto}}, {"name": "baseline"}]
    study = tiny(recipe=TINY["recipe"] | auto, search=TINY["search"] | {"recipe": auto}, method=methods)
    plan = prepare(study, tmp_path, None, False, "cpu").plan
    assert {job.settings["recipe"]["precision"] for job in plan.jobs.values()} <= {"fp32", "bf16"}
