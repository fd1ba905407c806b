"""Numbers that are none, and numbers that would fill the memory, are refused by the name of their field."""

import pytest

from harness.errors import BadInput
from harness.plan.make import make
from harness.plan.methods import merged
from harness.plan.strategies import strategy
from harness.study.load import load_study
from spaces.registry import load
from tests.studies import TINY, as_toml, tiny


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("recipe.lr=inf", "recipe.lr = inf"),
        ("recipe.lr=nan", "recipe.lr = nan is no finite number"),
        ("recipe.clip=-inf", "recipe.clip = -inf is no finite number"),
        ("space_options.width=nan", "space_options.width = nan is no finite number"),
        ("method.darts-A.search={alpha_lr = inf}", "method.0.search.alpha_lr = inf is no finite number"),
        ("search.recipe={scheduler = {gamma = nan}}", "search.recipe.scheduler.gamma = nan is no finite number"),
        ("search.alpha_betas=[0.5, inf]", "search.alpha_betas.1 = inf is no finite number"),
        ("smallest_effect=inf", "smallest_effect = inf is no finite number"),
        ("seeds.search=1_000_000_000", "seeds.search takes numbers up to 10000"),
        (f"recipe.epochs={10**30}", "recipe.epochs takes numbers up to"),
        ("recipe.epochs=1_000_000_000", "recipe.epochs takes numbers up to 1000000"),
        ("data.image_size=100_000", "data.image_size takes numbers up to 4096"),
        ("search.candidates=1_000_000", "search.candidates takes numbers up to 10000"),
        ("recipe.batch_size=1_000_000_000", "recipe.batch_size"),
        ("method.darts-A.twins=1_000_000", "method.0.twins"),
        ("recipe.lr=2026-01-01", "recipe.lr: a date or a time has no place"),
        ("space_options.a=" + "[" * 30 + "]" * 30, "tables lie at most 20 deep"),
        (f"name={'n' * 300}", "a name has at most 100 characters, this one 300"),
        (f"method.darts-A.name={'n' * 300}", "a name has at most 100 characters, this one 300"),
    ],
)
def test_the_field_and_its_bound_are_named(change, says, tmp_path):
    (tmp_path / "study.toml").write_text(as_toml(TINY))
    with pytest.raises(BadInput) as error:
        load_study(str(tmp_path / "study.toml"), [change])
    assert says in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("change", [{"low": float("-inf"), "high": 1.0}, {"choices": [0.1, float("nan")]}])
def test_a_range_has_ends(change):
    with pytest.raises(BadInput, match="no finite number"):
        tiny(tuning=[{"name": "t", "ranges": {"lr": change}}])


def test_a_grid_of_very_many_points_is_refused_without_being_made():
    ranges = {"epochs": {"low": 1, "high": 10**5, "integer": True}, "lr": {"low": 0.0, "high": 1.0, "step": 1e-5}}
    with pytest.raises(BadInput, match="more than 100,000 points"):
        tiny(tuning=[{"name": "t", "sampler": "grid", "ranges": ranges}])


def test_a_plan_of_very_many_trials_is_refused_before_it_fills_the_memory():
    study = tiny(seeds={"search": 100, "train": 10_000})
    with pytest.raises(BadInput, match="more than 100,000 trials"):
        make(merged(study), ("A", "B"), strategy)


@pytest.mark.parametrize(
    ("space", "options", "says"),
    [
        ("shortcut-vgg11", {"width": 1e9}, r"\(0, 4\]"),
        ("cell-study1", {"nodes": 10**6}, "nodes must be an integer between 1 and 20"),
        ("cell-darts", {"train_channels": 10**6}, "train_channels must be an integer between 1 and 1024"),
        ("cell-study1", {"cells": 1.5}, "cells must be an integer"),
        ("cell-study1", {"concat": {"a": 1}}, "space_options of cell-study1|concat"),
    ],
)
def test_spaces_bound_their_options(space, options, says):
    with pytest.raises(ValueError, match=says):
        load(space, options)
