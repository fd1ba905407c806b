"""A training that goes on from a shorter one's end: with a constant learning rate as from the start, bit for bit."""

import subprocess
import sys
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest
import torch

from harness.commands.verify import problems
from harness.engine.optimiser import learning_rate
from harness.plan.make import make
from harness.plan.methods import merged
from harness.plan.resolve import resolve
from harness.plan.settings import recipe_of
from harness.plan.strategies import strategy
from harness.storage.checkpoint import kept, packed
from harness.storage.folder import weights_file
from harness.storage.rows import latest_rows
from harness.training import run_job
from harness.training.epochs import returned
from harness.training.place import Place
from harness.vocabulary.rows import Status, Trouble
from spaces import registry as spaces
from tests.studies import TINY, as_toml, tiny

pytestmark = pytest.mark.training
RECIPE = {"epochs": 1, "batch_size": 32, "lr": 0.05, "weight_decay": 1e-3, "cutout": 4, "augment": "crop-flip",
          "precision": "fp32"}  # fmt: skip
METHODS = [{"name": "halving", "rule": "B", "strategy": "successive-halving", "search": {"score_epochs": 2}},
           {"name": "long", "rule": "B", "strategy": "random-search", "search": {"score_epochs": 4}}]  # fmt: skip
CHANGES: dict[str, Any] = {"seeds": {"search": 1}, "search": {"candidates": 2, "reduction": 2}, "method": METHODS}


Rows = dict[str, dict[str, Any]]


def scored(folder: Path, **recipe: Any) -> Rows:
    """The scores of two candidates after two epochs, of the better one after four, and of both after four from the
    start, by key; what each leaves behind lies in `folder`."""
    study = tiny(**CHANGES, recipe={**RECIPE, **recipe})
    space = spaces.load(study.space, study.space_options)
    rows: Rows = {}
    for job in make(merged(study), space.rules, strategy).jobs.values():
        if job.kind == "score":
            settings = resolve(job, rows, space)
            rows[job.key] = {**returned(run_job.run(job.key, settings, place(folder))), "settings": settings}
    assert [row["status"] for row in rows.values()] == ["done"] * 5
    return rows


def place(folder: Path) -> Place:
    return Place(str(folder), "cpu", 1, 0, None, keep_weights=True)


def pair(rows: Rows) -> tuple[str, str]:
    """The training that went on, and the one of the same network from the start."""
    (longer,) = [key for key in rows if "continues" in rows[key]["settings"]]
    (whole,) = [key for key, row in rows.items()
                if row["architecture"] == rows[longer]["architecture"] and row["epochs"] == 4]  # fmt: skip
    return longer, whole


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Rows]:
    """With a constant learning rate."""
    folder = tmp_path_factory.mktemp("continued")
    return folder, scored(folder)


def leaves(value: Any) -> list[Any]:
    """All that lies inside nested dictionaries and lists, in their order."""
    if isinstance(value, dict):
        return [leaf for name in value for leaf in leaves(value[name])]
    return [leaf for one in value for leaf in leaves(one)] if isinstance(value, list) else [value]


def equal(one: Any, other: Any) -> bool:
    ours, theirs = leaves(one), leaves(other)
    return len(ours) == len(theirs) and all(
        torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b for a, b in zip(ours, theirs, strict=True)
    )


def test_with_a_constant_rate_it_is_the_training_from_the_start(run: tuple[Path, Rows]) -> None:
    folder, rows = run
    longer, whole = pair(rows)
    its, other = rows[longer], rows[whole]
    assert its["epochs"] == 2
    assert (its["val_accuracy"], its["train_loss"]) == (other["val_accuracy"], other["train_loss"])
    for ours, theirs in zip(its["curve"], other["curve"][2:], strict=True):
        assert {**ours, "seconds": 0} == {**theirs, "seconds": 0}
    left = kept(folder, longer)
    assert any("momentum_buffer" in state for state in left["optimiser"]["state"].values())
    assert equal(left, kept(folder, whole))


def test_a_cosine_is_that_of_all_epochs_of_the_longer_one(tmp_path: Path) -> None:
    rows = scored(tmp_path, scheduler={"kind": "cosine"})
    its, other = (rows[key] for key in pair(rows))
    recipe = recipe_of(its["settings"])
    assert [point["lr"] for point in its["curve"]] == [learning_rate(recipe, epoch, 4) for epoch in (3, 4)]
    assert [point["lr"] for point in other["curve"][2:]] == [learning_rate(recipe, epoch, 4) for epoch in (3, 4)]
    assert its["train_loss"] != other["train_loss"]  # its second epoch had the rate of a cosine of two


def test_a_longer_training_that_is_lost_in_the_middle_is_the_undisturbed_one(
    run: tuple[Path, Rows], tmp_path: Path
) -> None:
    folder, rows = run
    key, _ = pair(rows)
    settings, shorter = rows[key]["settings"], rows[key]["settings"]["continues"]
    weights_file(tmp_path, shorter).parent.mkdir(parents=True)
    copyfile(weights_file(folder, shorter), weights_file(tmp_path, shorter))
    progress = next(run_job.run(key, settings, place(tmp_path)))
    assert (progress.epoch, progress.epochs) == (1, 2)
    lost = returned(run_job.run(key, settings, place(tmp_path)))
    same = ("architecture", "val_accuracy", "train_loss", "epochs")
    assert {name: lost.get(name) for name in same} == {name: rows[key][name] for name in same}
    assert [point["epoch"] for point in lost["curve"]] == [3, 4]
    assert equal(kept(tmp_path, key), kept(folder, key))


@pytest.mark.parametrize("damage", [None, b"torn", "other"])
def test_without_the_shorter_ones_state_it_does_not_start_anew(
    run: tuple[Path, Rows], tmp_path: Path, damage: Any
) -> None:
    """The shorter one must run again: its place is in trouble, or its state is set aside."""
    _, rows = run
    key, _ = pair(rows)
    settings = rows[key]["settings"]
    path = weights_file(tmp_path, settings["continues"])
    path.parent.mkdir(parents=True)
    if damage:
        path.write_bytes(packed({"other": torch.ones(1)}) if damage == "other" else damage)
    found = returned(run_job.run(key, settings, place(tmp_path)))
    assert found["status"] == (Status.FAILED if damage == "other" else Trouble.LOST)
    assert found.get("epochs", 0) == 0
    assert path.exists() == (damage == b"torn")


@pytest.mark.slow
@pytest.mark.ray
def test_through_the_command_with_both_executors(tmp_path: Path) -> None:
    path, found = tmp_path / "study.toml", []
    path.write_text(as_toml({**TINY, **CHANGES, "recipe": RECIPE, "method": METHODS[:1]}))
    for executor in ("in-process", "ray"):
        results = tmp_path / executor
        words = ["run", str(path), "--results", str(results), "--executor", executor, "--path", "eager contiguous"]
        done = subprocess.run([sys.executable, "-m", "harness", *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        rows = latest_rows(results / "tiny")
        assert sorted(row["epochs"] for row in rows.values() if row["kind"] == "score") == [2, 2, 2]
        assert not list((results / "tiny" / "checkpoints").rglob("*.pt"))
        assert problems(results / "tiny") == []
        same = ("architecture", "val_accuracy", "test_accuracy", "train_loss", "epochs", "settings")
        found.append({key: {name: row[name] for name in same} for key, row in rows.items()})
    assert found[0] == found[1]
