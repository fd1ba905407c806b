"""The packaged study of DARTS on CIFAR-10 has its paper's settings, field by field, each with its source.

Sources: the paper, Liu, Simonyan & Yang 2019 (arXiv 1806.09055v2), by section; the authors' code by file
(github.com/quark0/darts).
"""

from typing import Any

import pytest

from harness.engine.optimiser import learning_rate
from harness.plan.make import make
from harness.plan.methods import MethodSettings, merged
from harness.plan.strategies import strategy
from harness.study.load import load_study
from spaces.cells.space import CellSpace
from spaces.registry import load

STUDY = load_study("darts-cifar10")
SETTINGS = merged(STUDY)
METHODS = {own.name: own for own in SETTINGS.methods}
SEARCHED = ("darts-first-order", "darts-second-order")


def space() -> CellSpace:
    found = load(STUDY.space, STUDY.space_options)
    assert isinstance(found, CellSpace)
    return found


SEARCH: dict[str, tuple[Any, str]] = {
    "strategy": ("darts", "section 2"),
    "epochs": (50, "A.1.1"),
    "snapshots": ((), "A.1.1: read after the last epoch"),
    "warmup_epochs": (0, "A.1.1"),
    "alpha_lr": (3e-4, "A.1.1"),
    "alpha_betas": ((0.5, 0.999), "A.1.1"),
    "alpha_weight_decay": (1e-3, "A.1.1"),
    "alpha_noise": (1e-3, "cnn/model_search.py"),
    "alpha_portion": (0.5, "A.1.1"),
    "zero_one": (0.0, "not in the paper"),
    "early_stop": (False, "not in the paper"),
}
WEIGHTS: dict[str, tuple[Any, str]] = {  # of the supernet
    "batch_size": (64, "A.1.1"),
    "lr": (0.025, "A.1.1"),
    "momentum": (0.9, "A.1.1"),
    "nesterov": (False, "cnn/train_search.py"),
    "weight_decay": (3e-4, "A.1.1"),
    "label_smoothing": (0.0, "cnn/train_search.py"),
    "clip": (5.0, "cnn/train_search.py"),
    "augment": ("crop-flip", "cnn/utils.py"),
    "cutout": (0, "cnn/train_search.py"),
}
EVALUATION: dict[str, tuple[Any, str]] = {
    **WEIGHTS,
    "epochs": (600, "A.2.1"),
    "batch_size": (96, "A.2.1"),
    "cutout": (16, "A.2.1, cnn/train.py"),
}
NETWORKS: dict[str, tuple[Any, str]] = {
    "cells": (8, "A.1.1"),
    "channels": (16, "A.1.1"),
    "train_cells": (20, "A.2.1"),
    "train_channels": (36, "A.2.1"),
    "nodes": (4, "3.1.1: seven nodes, of which two are inputs and one the output"),
    "inputs": (2, "3.1.1"),
    "concat": (4, "3.1.1"),
    "stem": (3, "cnn/model.py"),
    "reduction": (True, "3.1.1"),
    "auxiliary": (0.4, "A.2.1"),
    "drop_path": (0.2, "A.2.1"),
}


def differing(found: Any, expected: dict[str, tuple[Any, str]]) -> dict[str, Any]:
    """Field → (what it is, what the source has, the source)."""
    return {name: (getattr(found, name), *said) for name, said in expected.items() if getattr(found, name) != said[0]}


@pytest.mark.parametrize("name", SEARCHED)
def test_the_search_is_the_papers(name: str) -> None:
    own = METHODS[name]
    assert differing(own.search, SEARCH) == {}
    assert own.search.order == (2 if name == "darts-second-order" else 1)
    assert own.method.rule == "darts-top2"  # section 2.4
    assert differing(own.search_recipe, WEIGHTS) == {}


@pytest.mark.parametrize("own", SETTINGS.methods, ids=lambda own: own.name)
def test_the_evaluation_is_the_papers(own: MethodSettings) -> None:
    assert differing(own.recipe, EVALUATION) == {}


def test_the_networks_are_the_papers() -> None:
    assert differing(space(), NETWORKS) == {}
    assert len(space().operations) == 8  # 3.1.1: seven operations, and zero


def test_learning_rates_fall_as_the_authors_schedulers_let_them() -> None:
    """CosineAnnealingLR with eta_min 0.001 over 50 epochs (cnn/train_search.py), with 0 over 600 (cnn/train.py)."""
    own = METHODS["darts-first-order"]
    searching = [learning_rate(own.search_recipe, epoch, 50) for epoch in (1, 26, 51)]
    assert searching == pytest.approx([0.025, 0.013, 0.001], rel=1e-12)
    training = [learning_rate(own.recipe, epoch, 600) for epoch in (1, 301, 601)]
    assert training == pytest.approx([0.025, 0.0125, 0.0], rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("name", SEARCHED)
def test_the_best_of_four_searches_is_chosen_after_100_epochs(name: str) -> None:
    """Section 3.2; on the half of the images that the search trained on, by the other half."""
    plan = make(SETTINGS, space().rules, strategy)
    row = plan.rows[f"{name}-best-of-4@50"]
    assert (row.best_of, row.search_epochs) == (4, 50)
    (trained,) = [job for job in plan.jobs.values() if job.method == row.method]
    scores = [plan.jobs[key].settings for key in trained.needs]
    assert [(one["search"]["score_epochs"], one["search"]["alpha_portion"]) for one in scores] == [(100, 0.5)] * 4
    assert [one["seed"] for one in scores] == [0, 1, 2, 3]
    assert "alpha_portion" not in trained.settings.get("search", trained.settings)  # the chosen one: on all images
