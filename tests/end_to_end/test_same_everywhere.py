"""What is sampled is the same on every machine: nothing of it starts from precision, device, threads or path."""

from collections.abc import Mapping
from random import Random
from typing import Any

import numpy as np
import pytest
import torch

from harness.plan.jobs import Plan
from harness.plan.make import make
from harness.plan.methods import merged
from harness.plan.resolve import resolve
from harness.plan.strategies import strategy
from harness.study.schema import Study
from spaces.cells.operations import drop_path
from spaces.registry import load as load_space
from tests.studies import TINY, tiny

METHODS = [
    {"name": "darts-A", "rule": "A", "twins": 2},
    {"name": "darts-B", "rule": "B", "twins": 1},
    {"name": "drawn", "strategy": "random", "rule": "A", "twins": 1},
    {"name": "best-of", "strategy": "random-search", "rule": "B", "twins": 1},
    {"name": "evolved", "strategy": "evolution", "rule": "A", "twins": 1},
    {"name": "baseline"},
]
MACHINES: dict[str, dict[str, Any]] = {
    "a CPU without bf16 units": {"precision": "fp32"},
    "a CPU with them": {"precision": "bf16"},
    "one that looks at the test set after each epoch": {"precision": "fp32", "test_curve": True},
    "another learning rate": {"precision": "bf16", "lr": 0.5},
}


def study(precision: str, test_curve: bool = False, lr: float = 0.02) -> Study:
    search = {**TINY["search"], "candidates": 4, "population": 2, "lag": 2}
    recipe = {**TINY["recipe"], "precision": precision, "lr": lr}
    return tiny(method=METHODS, search=search, recipe=recipe, test_curve=test_curve, seeds={"search": 2, "train": 2})


def outcome(settings: Mapping[str, Any]) -> dict[str, Any]:
    """A row as every machine might have it: α and accuracies follow from the seed and the architecture alone."""
    seed = settings["seed"]
    alpha = {
        str(epoch): {"pairs": np.random.default_rng([seed, epoch]).normal(size=(8, 8)).tolist()} for epoch in (1, 2)
    }
    accuracy = Random(f"{seed} {settings.get('architecture')}").random()
    return {"status": "done", "snapshots": alpha, "architecture": settings.get("architecture"), "error": None,
            "val_accuracy": accuracy, "recipe": settings["recipe"]}  # fmt: skip


def trained(plan: Plan) -> dict[tuple[Any, ...], str]:
    """(table row, seed, training, twin) → architecture, after every job has been resolved in turn."""
    space, rows, found = load_space("shortcut-vgg11", {"width": 0.0625}), {}, {}
    for job in plan.jobs.values():
        settings = resolve(job, rows, space)
        rows[job.key] = outcome(settings)
        for method in job.methods:
            found[job.kind, method, job.seed, job.train_seed, job.twin, settings.get("source", {}).get("index")] = str(
                settings.get("architecture")
            )
    return found


@pytest.fixture(scope="module")
def reference() -> dict[tuple[Any, ...], str]:
    return trained(make(merged(study(**MACHINES["a CPU without bf16 units"])), ("A", "B"), strategy))


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES.keys())
def test_every_machine_trains_the_same_architectures(machine: dict[str, Any], reference: dict[Any, str]) -> None:
    plan = make(merged(study(**machine)), ("A", "B"), strategy)
    keys = set(make(merged(study("fp32")), ("A", "B"), strategy).jobs)
    assert trained(plan) == reference
    assert (set(plan.jobs) == keys) == (machine == {"precision": "fp32"}), "though the keys differ"


def test_twins_differ_by_row_seed_and_index_and_not_by_training(reference: dict[Any, str]) -> None:
    twins = {place: text for place, text in reference.items() if place[1].startswith("random-") and place[0] == "train"}
    assert len(twins) == 2 * 2 * (2 * 2 + 2 + 3)
    for (kind, method, seed, training, twin, index), text in twins.items():
        assert text == twins[kind, method, seed, 1 - training, twin, index], (
            "the second training is of the same network"
        )
    once = [text for place, text in twins.items() if place[3] == 0 and place[1].startswith("random-A")]
    assert len(set(once)) == len(once)


def test_the_first_schema_drew_twins_by_the_whole_key() -> None:
    """Which is why a machine of another precision had other twins; kept folders go on as they began."""
    one, other = (
        trained(make(merged(study(precision)), ("A", "B"), strategy, schema=1)) for precision in ("fp32", "bf16")
    )
    differ = {place[1] for place in one if one[place] != other[place]}
    assert differ
    assert all(method.startswith("random-") for method in differ)


def test_drop_path_drops_the_same_images_in_every_precision() -> None:
    kept = []
    for dtype in (torch.float32, torch.bfloat16, torch.float64):
        torch.manual_seed(5)
        kept.append(drop_path(torch.ones(64, 3, 2, 2, dtype=dtype), 0.5)[:, 0, 0, 0].bool())
    assert 0 < kept[0].sum() < 64
    assert torch.equal(kept[0], kept[1])
    assert torch.equal(kept[0], kept[2])
