"""Numbers that are none, and numbers that would fill the memory, are refused by the name of their field."""

import pytest

from harness.errors import BadInput
from harness.plan.make import make
from harness.plan.methods import merged
from harness.plan.strategies import strategy
from harness.study.load import load_study, load_with_recipe
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
        ("recipe.lr=1e39", "recipe.lr lies beyond 3.4e+38, the largest number that a row holds"),
        ("equivalence_margin=1e300", "equivalence_margin lies beyond 3.4e+38"),
        (f"space_options.width={'9' * 400}", "space_options.width lies beyond 3.4e+38"),
        (f"seeds.study={2**53 + 1}", "seeds.study takes numbers up to 9007199254740992"),
        ("looks=[5, 3]", "looks: seed counts rise, from 2 on, up to 10000"),
        ("looks=[3, 3]", "looks: seed counts rise"),
        ("looks=[1, 3]", "looks: seed counts rise"),
        (f"looks=[3, {10**20}]", "looks: seed counts rise"),
        ("search.alpha_betas=[0.5, 1.0]", "search.alpha_betas.1 takes numbers below 1"),
        ("search.alpha_betas=[-0.5, 0.9]", "search.alpha_betas.0 takes numbers from 0"),
        ("search.alpha_betas=[0.5, 0.9, 0.9]", "search.alpha_betas takes 2 values, as in alpha_betas = [0.5, 0.999]"),
        ("recipe.epochs=true", "recipe.epochs takes a whole number, as in epochs = 3 (given: true)"),
        ("recipe.lr=true", "recipe.lr takes a number, as in lr = 0.1 (given: true)"),
        ("search.snapshots=[true]", "search.snapshots takes a list of numbers"),
        ("search.order=true", "search.order takes a whole number"),
        ("method.darts-A.twins=true", "method.0.twins.count takes a whole number"),
        ("method.darts-A.rule=", "method.0.rule is an empty text; say which, or leave it out"),
        ("method.darts-A.architecture=", "method.0.architecture is an empty text"),
        ("search.gate=''", "search.gate is an empty text"),
        ("task=", "task is an empty text"),
        ("recipe.pretrained=", "recipe.pretrained is an empty text"),
        ("method.darts-A.search={gate = ''}", "method.0.search.gate is an empty text"),
        ("name=\udce4", "name: '\\udce4' holds bytes that are no UTF-8"),
        ("recipe.\udce4=1", "a name there: '\\udce4' holds bytes that are no UTF-8"),
        (f"{'k' * 1000}=1", f"unknown key '{'k' * 79}…'"),
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


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"task": "package.module:function"}, "task would be ignored; leave task out"),
        (
            {"data": [{"name": "cifar10"}, {"name": "cifar100"}], "table": {"name": "nasbench201", "data": "cifar10"}},
            "table.data = 'cifar10' would answer for every data set",
        ),
    ],
    ids=["a task", "one set of the table for several"],
)
def test_a_table_answers_for_what_it_holds_and_alone(changes, says):
    with pytest.raises(BadInput, match=says):
        tiny(**{"table": {"name": "nasbench201"}, **changes})


def test_of_very_many_faults_the_first_are_named(tmp_path):
    (tmp_path / "study.toml").write_text(as_toml(TINY))
    with pytest.raises(BadInput, match=r"unknown key 'k7'; 92 more$"):
        load_study(str(tmp_path / "study.toml"), [f"k{number}=1" for number in range(100)])


DOTS = ".".join("a" * 1200)


@pytest.mark.parametrize("line", [f"{DOTS} = 1", f"recipe.{DOTS} = 1", f"space_options = {{ {DOTS} = 1 }}"])
def test_very_many_dots_in_a_name_are_refused_in_a_line(line, tmp_path):
    """Such tables are made without brackets, so that TOML does not count how deep they lie."""
    (tmp_path / "study.toml").write_text(f'name = "t"\nspace = "shortcut-vgg11"\n{line}\n')
    (tmp_path / "recipe.toml").write_text(f"recipe.{DOTS} = 1")
    (tmp_path / "good.toml").write_text(as_toml(TINY))
    good = str(tmp_path / "good.toml")
    for study, changes, recipe in ((str(tmp_path / "study.toml"), [], None), (good, [f"{DOTS}=1"], None),
                                   (good, [f"recipe={{ {DOTS} = 1 }}"], None),
                                   (good, [], str(tmp_path / "recipe.toml"))):  # fmt: skip
        with pytest.raises(BadInput, match=r"tables lie at most 20 deep$"):
            load_with_recipe(study, changes, recipe)


def test_a_recipe_file_holds_texts_as_toml_has_them(tmp_path):
    (tmp_path / "study.toml").write_text(as_toml({**TINY, "recipe": {"lr": 0.5, "scheduler": {"gamma": 0.5}}}))
    (tmp_path / "recipe.toml").write_text('[recipe]\npretrained = "it\'s \\"C:\\\\new\\".pt"\nscheduler.kind = "step"')
    found = load_with_recipe(str(tmp_path / "study.toml"), ["recipe.epochs=7"], str(tmp_path / "recipe.toml")).recipe
    assert found.pretrained == 'it\'s "C:\\new".pt'
    assert (found.lr, found.epochs, found.scheduler.kind, found.scheduler.gamma) == (0.5, 7, "step", 0.5)


def test_texts_that_may_be_empty(tmp_path):
    """By which `run --recipe` undoes a tuning, and an option that is the space's own affair."""
    (tmp_path / "study.toml").write_text(as_toml(TINY))
    study = load_study(str(tmp_path / "study.toml"), ["recipe.tuned=", "space_options.own="])
    assert (study.recipe.tuned, study.space_options["own"]) == ("", "")


def test_a_tuning_of_nothing_is_refused():
    with pytest.raises(BadInput, match="ranges: name a field to tune, as in lr = "):
        tiny(tuning=[{"name": "t", "ranges": {}}])


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
