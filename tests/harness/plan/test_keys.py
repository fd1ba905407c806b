"""Content keys: what decides nothing and what is at its default is not in them, so that they hold for good."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.plan.keys import SCHEMA, content_key
from harness.plan.make import make
from harness.plan.methods import merged
from harness.plan.strategies import strategy
from harness.study.data import Data
from harness.study.load import load_study, packaged
from harness.study.schema import Recipe
from harness.study.search import Search
from spaces.registry import load as load_space
from tests.studies import TINY, tiny

PINNED = json.loads((Path(__file__).parents[2] / "data" / "keys.json").read_text())
DEFAULTS = {"data": Data().model_dump(), "recipe": Recipe().in_full(), "search": Search().model_dump()}
FIELDS = [
    (model, name) for model, fields in DEFAULTS.items() for name in fields if (model, name) != ("recipe", "epochs")
]


def keys(schema: int = SCHEMA, **changes: Any) -> dict[str, set[str]]:
    """Kind of job → keys."""
    found: dict[str, set[str]] = {}
    for job in make(merged(tiny(**changes)), ("A", "B"), strategy, schema=schema).jobs.values():
        found.setdefault(job.kind, set()).add(job.key)
    return found


def scored(score: str, **search: Any) -> dict[str, Any]:
    method = [{"name": "evolved", "strategy": "evolution", "rule": "A"}]
    return {"method": method, "search": {**TINY["search"], "candidates": 2, "score": score, **search}}


@pytest.mark.parametrize("schema", ["1", "2", "3", "4", "5"])
@pytest.mark.parametrize("name", packaged())
def test_keys_of_packaged_studies_never_change(name: str, schema: str) -> None:
    study = load_study(name)
    space = load_space(study.space, study.space_options)
    made = ",".join(make(merged(study), space.rules, strategy, schema=int(schema)).jobs)
    assert hashlib.sha256(made.encode()).hexdigest()[:16] == PINNED[schema][name]


@given(st.lists(st.sampled_from(FIELDS), unique=True))
def test_a_field_at_its_default_is_not_in_the_key(left_out: list[tuple[str, str]]) -> None:
    full: dict[str, Any] = {"schema": SCHEMA, "kind": "search", **DEFAULTS}
    less = {name: {field: value for field, value in values.items() if (name, field) not in left_out}
            for name, values in DEFAULTS.items()}  # fmt: skip
    assert content_key({**full, **less}) == content_key(full)
    assert content_key(json.loads(json.dumps(full))) == content_key(full), "as a row has it"


def test_a_field_of_a_later_version_changes_no_key_of_the_first_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fields that come later are left out at their defaults there too."""
    monkeypatch.setattr("harness.plan.keys.FIRST", {})
    lean = keys(schema=1)
    monkeypatch.undo()
    full = keys(schema=1)
    assert all(not lean[kind] & full[kind] for kind in full), "every field there was stands in it"
    settings = next(iter(make(merged(tiny()), ("A",), strategy, schema=1).jobs.values())).settings
    later = Recipe.model_fields["clip"]
    monkeypatch.setitem(Recipe.model_fields, "later", later)
    assert content_key({**settings, "recipe": {**settings["recipe"], "later": None}}) == content_key(settings)
    assert content_key({**settings, "recipe": {**settings["recipe"], "later": 1.0}}) != content_key(settings)


@pytest.mark.parametrize(("space", "schema", "shared"), [
    ("cell-study1", 5, False), ("cell-study1", 4, False), ("cell-study1", 3, True), ("nasbench201", 4, True),
])  # fmt: skip
def test_options_that_decide_what_is_sampled_are_in_the_keys_of_a_tables_answers(
    space: str, schema: int, shared: bool
) -> None:
    options = {"cell-study1": ({"nodes": 4}, {"nodes": 5}), "nasbench201": ({"channels": 8}, {"channels": 16})}[space]
    method = [{"name": "rs", "strategy": "random-search", "search": {"candidates": 2}, "twins": 1}]
    made = [
        set(make(merged(tiny(space=space, space_options=one, method=method, table={"name": "mine.csv"})),
                 ("edge-wise",), strategy, schema=schema).jobs)
        for one in options
    ]  # fmt: skip
    assert (made[0] == made[1]) is shared
    assert made[0].isdisjoint(made[1]) is not shared


def test_the_epochs_of_trainings_leave_searches_and_scores_alone() -> None:
    longer = {"recipe": {**TINY["recipe"], "epochs": 3}}
    before, after = keys(), keys(**longer)
    assert before["search"] == after["search"]
    assert not before["train"] & after["train"]
    assert keys(**scored("train"))["score"] == keys(**scored("train"), **longer)["score"]


@pytest.mark.parametrize(
    ("score", "change", "same"),
    [
        ("train", {"gate": "softmax"}, True),
        ("train", {"score_epochs": 2}, False),
        ("supernet", {"score_epochs": 2}, True),
        ("supernet", {"gate": "softmax"}, False),
        ("supernet", {"alpha_portion": 0.3}, False),
        ("train", {"alpha_portion": 0.3}, False),
        ("train", {"population": 5}, False),
    ],
)
def test_a_score_depends_on_what_it_reads(score: str, change: dict[str, Any], same: bool) -> None:
    before, after = keys(**scored(score)), keys(**scored(score, **change))
    assert (before["score"] == after["score"]) is same
    assert same or not before["score"] & after["score"]


CELLS = {"space": "cell-study1", "space_options": {"channels": 4},
         "method": [{"name": "m", "rule": "edge-wise"}]}  # fmt: skip
UNREAD: list[tuple[str, dict[str, Any], dict[str, Any]]] = [  # kind of job → a study, and what such a job never reads
    ("search", {}, {"recipe": {**TINY["recipe"], "epochs": 40}}),
    ("search", {}, {"data": {**TINY["data"], "test_images": 99}}),
    ("search", {}, {"seeds": {"search": 2, "train": 5}}),
    ("search", {}, {"smallest_effect": 1.0}),
    ("search", {}, {"method": [{"name": "darts-A", "rule": "A", "twins": 4}]}),
    ("search", {}, {"method": [{"name": "darts-A", "rule": "A", "recipe": {"lr": 0.5, "epochs": 9}}]}),
    ("search", {}, {"recipe": {**TINY["recipe"], "scheduler": {"kind": "constant", "gamma": 0.3}}}),
    ("search", CELLS, {**CELLS, "space_options": {"channels": 4, "train_cells": 9}}),
    ("search", CELLS, {**CELLS, "space_options": {"channels": 4, "train_channels": 8, "drop_path": 0.2}}),
    ("search", CELLS, {**CELLS, "space_options": {"channels": 4, "auxiliary": 0.4}}),
    ("score", scored("train"), {**scored("train"), "test_curve": True}),
    ("score", scored("train"), {**scored("train"), "data": {**TINY["data"], "test_images": 99}}),
    ("tune", {}, {"test_curve": True}),
    ("tune", {}, {"data": {**TINY["data"], "test_images": 99}}),
    ("train", {}, {"recipe": {**TINY["recipe"], "scheduler": {"kind": "constant", "step": 5.0}}}),
]
READ: list[tuple[str, dict[str, Any], dict[str, Any]]] = [  # what it does read
    ("search", {"test_curve": True}, {"test_curve": True, "data": {**TINY["data"], "test_images": 99}}),
    ("search", {}, {"test_curve": True}),
    ("search", {}, {"data": {**TINY["data"], "train_images": 99}}),
    ("search", {}, {"recipe": {**TINY["recipe"], "lr": 0.5}}),
    ("search", {}, {"recipe": {**TINY["recipe"], "scheduler": {"kind": "step", "gamma": 0.3}}}),
    ("search", {}, {"search": {**TINY["search"], "epochs": 3}}),
    ("search", CELLS, {**CELLS, "space_options": {"channels": 4, "cells": 2}}),
    ("search", CELLS, {**CELLS, "space_options": {"channels": 4, "stem": 3}}),
    ("train", CELLS, {**CELLS, "space_options": {"channels": 4, "train_cells": 9}}),
    ("train", {}, {"recipe": {**TINY["recipe"], "epochs": 40}}),
    ("train", {}, {"data": {**TINY["data"], "test_images": 99}}),
    ("train", {}, {"recipe": {**TINY["recipe"], "scheduler": {"kind": "step", "gamma": 0.3}}}),
    ("score", scored("train"), {**scored("train"), "data": {**TINY["data"], "train_images": 95}}),
    ("tune", {}, {"recipe": {**TINY["recipe"], "epochs": 40}}),
    ("tune", {}, {"recipe": {**TINY["recipe"], "scheduler": {"kind": "constant", "gamma": 0.3}}}),
]
TUNED = {"name": "t", "trials": 2, "ranges": {"lr": {"low": 0.01, "high": 0.1}}}


def of_kind(kind: str, **changes: Any) -> set[str]:
    """Keys of the jobs of one kind, of a study that has them; cells have no baseline to tune."""
    more = {} if "space" in changes else {"tuning": [TUNED]}
    rules = ("edge-wise",) if more == {} else ("A", "B")
    plan = make(merged(tiny(**{**more, **changes})), rules, strategy)
    return {key for key, job in plan.jobs.items() if job.kind == kind}


@pytest.mark.parametrize(("kind", "before", "after"), UNREAD)
def test_what_a_job_never_reads_leaves_its_key(kind: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    """So a longer training, larger networks or more images to test on take the search that is there."""
    assert of_kind(kind, **before)
    assert of_kind(kind, **before) == of_kind(kind, **after)


@pytest.mark.parametrize(("kind", "before", "after"), READ)
def test_what_a_job_reads_changes_its_key(kind: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    assert of_kind(kind, **after)
    assert not of_kind(kind, **before) & of_kind(kind, **after)


@pytest.mark.parametrize(
    ("tuning", "change", "same"),
    [
        ({"sampler": "random"}, {"candidates": 5}, True),
        ({"sampler": "random"}, {"good_part": 0.5}, True),
        ({"sampler": "random"}, {"startup_trials": 1}, True),
        ({"sampler": "random", "pruner": "median"}, {"startup_trials": 1}, False),
        ({"sampler": "tpe"}, {"candidates": 5}, False),
        ({"sampler": "tpe"}, {"startup_trials": 1}, False),
        ({"sampler": "tpe"}, {"pruner_warmup_epochs": 2}, True),
        ({"sampler": "tpe", "pruner": "median"}, {"pruner_warmup_epochs": 2}, False),
        ({"sampler": "tpe", "pruner": "median"}, {"pruner_reduction": 2}, True),
        ({"sampler": "tpe", "pruner": "halving"}, {"pruner_reduction": 2}, False),
        ({"sampler": "tpe"}, {"trials": 3}, True),
        ({"sampler": "tpe"}, {"name": "other"}, True),
    ],
)
def test_a_tuning_s_key_holds_what_its_sampler_and_pruner_read(tuning: dict[str, Any], change: dict[str, Any],
                                                               same: bool) -> None:  # fmt: skip
    before, after = (of_kind("tune", tuning=[{**TUNED, **tuning, **more}]) for more in ({}, change))
    assert before <= after if same else not before & after


def test_the_first_schema_holds_every_field_as_it_did() -> None:
    longer = {"recipe": {**TINY["recipe"], "epochs": 40}}
    assert not keys(1)["search"] & keys(1, **longer)["search"]
