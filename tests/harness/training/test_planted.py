"""Made-up tasks in which something clearly helps: every strategy finds it more often than chance would.

Shortcuts: a VGG whose blocks pass nothing on, so that only shortcuts lead from the first block to the classifier.
Cells: of two operations, one gives noise, so that only a way of convolutions tells anything about the image.
"""

import gc
from dataclasses import dataclass
from random import Random

import numpy as np
import pytest
import torch
from scipy.stats import binomtest
from torch import nn

from harness.data.images import DataSet, Images
from harness.plan.make import make
from harness.plan.methods import merged
from harness.plan.resolve import resolve
from harness.plan.strategies import strategy
from harness.study.schema import Study
from harness.study.validation import validated
from harness.training.epochs import returned
from harness.training.place import Place
from harness.training.run_job import run
from spaces.cells.graph import live
from spaces.cells.operations import OPERATIONS
from spaces.cells.space import CellSpace
from spaces.registry import load
from spaces.shortcuts.space import ShortcutSpace

pytestmark = pytest.mark.training

SEEDS, CLASSES, CHANCE_DRAWS = 16, 4, 2000


def quarters(root, download):
    """32×32 images in which one quarter is brighter; which one is the class."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, CLASSES, 256)
    images = rng.integers(0, 100, (256, 1, 32, 32)).astype(np.uint8)
    for image, label in zip(images, labels, strict=True):
        top, left = 16 * (label // 2), 16 * (label % 2)
        image[0, top : top + 16, left : left + 16] += 120
    images, labels = torch.from_numpy(images), torch.from_numpy(labels)
    parts = (Images(images[half], labels[half]) for half in (slice(128), slice(128, None)))
    return DataSet(*parts, CLASSES, (0.3,), (0.25,))


class OnlyShortcuts(ShortcutSpace):
    """Every block but the first passes on nothing of its own; what reaches the classifier came along shortcuts."""

    def supernet(self, classes, channels=3, gate="sigmoid"):
        return _without_blocks(super().supernet(classes, channels, gate))

    def build(self, architecture, classes, channels=3):
        return _without_blocks(super().build(architecture, classes, channels))


def _without_blocks(network):
    for block in network.blocks[1:]:
        block.register_forward_hook(lambda module, inputs, output: torch.zeros_like(output))
    return network


def leads_through(architecture):
    """Whether shortcuts lead from the first block to the last of VGG11's eight."""
    reached = {1}
    for source, target in sorted(architecture.pairs, key=lambda pair: pair[1]):
        if source in reached:
            reached.add(target)
    return 8 in reached


class Noise(nn.Module):
    def forward(self, values):
        return torch.randn_like(values)


@dataclass(frozen=True)
class Noisy(CellSpace):
    """One cell with a choice between a convolution and noise."""

    nodes: int = 3
    concat: int = 1
    operations: tuple = ("noise", "conv_3x3")
    cells: int = 1
    channels: int = 8


def is_free_of_noise(architecture):
    edges = live(architecture.normal, architecture.inputs, architecture.concat)
    return all(edge.operation != "noise" for edge in edges)


TASKS = {
    "shortcuts": (
        "tests.harness.training.test_planted:OnlyShortcuts",
        {"vgg": "vgg11", "width": 0.0625},
        32,
        "B",
        leads_through,
    ),
    "cells": ("tests.harness.training.test_planted:Noisy", {}, 8, "node-wise", is_free_of_noise),
}
SEARCHES = {
    "darts": {"gate": "softmax", "alpha_lr": 0.05},
    "darts with sigmoid gates": {"gate": "sigmoid", "alpha_lr": 0.1, "warmup_epochs": 2},
    "darts of second order": {"gate": "softmax", "alpha_lr": 0.05, "order": 2, "epochs": 4},
    "gumbel": {  # what a path's scale says of α is of use once paths are trained, at a rate that suits each of them
        "gate": "gumbel",
        "alpha_lr": 0.02,
        "warmup_epochs": 20,
        "epochs": 10,
        "recipe": {"lr": 0.01},
    },
    "dirichlet": {"gate": "dirichlet", "alpha_lr": 0.1, "warmup_epochs": 4, "epochs": 8},
    "exponentiated": {"gate": "exponentiated", "alpha_lr": 0.5},
    "darts by perturbation": {"gate": "softmax", "alpha_lr": 0.05, "reading": "perturbation", "group": 8},
    "fixed α by perturbation": {"gate": "sigmoid", "train_alpha": False, "reading": "perturbation", "tune_epochs": 0},
    "noise on weights": {"gate": "softmax", "alpha_lr": 0.05, "perturb": 0.3},
    "partial channels": {
        "alpha_lr": 0.1,
        "partial": 2,
        "edge_normalisation": True,
        "warmup_epochs": 4,
        "epochs": 12,
    },
    "auxiliary skips": {"alpha_lr": 0.05, "auxiliary_skip": 1.0},
    "random search": {"strategy": "random-search"},
    "random search in a supernet": {"strategy": "random-search", "score": "supernet", "alpha_lr": 1e-6},
    "single paths": {"strategy": "random-search", "score": "supernet", "gate": "uniform", "epochs": 20},
    "evolution": {"strategy": "evolution"},
    "evolution in a supernet": {"strategy": "evolution", "score": "supernet", "alpha_lr": 1e-6},
}
QUICK = ("darts", "darts with sigmoid gates", "evolution in a supernet")
OF_CELLS = ("partial channels", "auxiliary skips")
CASES = [pytest.param(task, search, marks=[] if search in QUICK else [pytest.mark.slow]) for task in TASKS
         for search in SEARCHES if task == "cells" or search not in OF_CELLS]  # fmt: skip
RECIPE = {"epochs": 1, "batch_size": 16, "lr": 0.05, "augment": "none", "precision": "fp32"}


@pytest.fixture(autouse=True)
def _noise_is_an_operation(monkeypatch):
    monkeypatch.setitem(OPERATIONS, "noise", lambda channels, stride, affine: Noise())


@pytest.fixture(scope="module", autouse=True)
def _what_is_imported_is_no_garbage():
    """Trials collect garbage, and there are hundreds of them here."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.parametrize(("task", "search"), CASES)
def test_what_helps_is_found_more_often_than_by_chance(task, search, tmp_path):
    space, options, size, rule, is_found = TASKS[task]
    study = validated(Study, {
        "name": "planted", "space": space, "space_options": options, "recipe": RECIPE,
        "seeds": {"search": SEEDS, "study": 1},  # the settings of `gumbel` were chosen on 0
        "data": {"name": "tests.harness.training.test_planted:quarters", "image_size": size},
        "search": {"epochs": 6, "candidates": 10, "population": 4, "score_epochs": 5, **SEARCHES[search]},
        "method": [{"name": "sought", "rule": rule}],
    }, "planted")  # fmt: skip
    found = sum(map(is_found, architectures(study, tmp_path)))
    drawn = [load(space, options).draw(rule, Random(seed)) for seed in range(CHANCE_DRAWS)]
    chance = sum(map(is_found, drawn)) / CHANCE_DRAWS
    assert 0.2 < chance < 0.5
    p = binomtest(found, SEEDS, chance, "greater").pvalue
    assert p < 0.01, f"found in {found} of {SEEDS} repetitions, by chance in {chance:.0%}"


def architectures(study, folder):
    """What a study's search jobs find: its plan in order, up to the final trainings."""
    space, rows, found = load(study.space, study.space_options), {}, []
    place = Place(str(folder), "cpu", 1, 0, None, keep_weights=True)
    for key, job in make(merged(study), space.rules, strategy).jobs.items():
        settings = resolve(job, rows, space)
        if job.kind == "train":
            found.append(space.parse(settings["architecture"]))
            continue
        rows[key] = returned(run(key, settings, place))
        assert rows[key]["status"] == "done", rows[key]["error"]
    return found
