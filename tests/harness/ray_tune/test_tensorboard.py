"""Curves of every trial, as TensorBoard reads them."""

import json
import threading
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.plan.jobs import Job
from harness.ray_tune.tensorboard import Curves
from harness.run.driver import Assignment
from harness.training.place import Place, Progress

JOB = Job("0123456789abcdef", "train", "darts-A@2", "method", {"seed": 1})
EPOCH = Progress(1, 3, 1.0, {"train_loss": 0.5})


def losses(folder: Path) -> list[tuple[int, float]]:
    """(epoch, loss) of the one run that is on the disk."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (run,) = (folder / "tensorboard").iterdir()
    assert run.name == "darts-A@2 seed 1 012345"
    found = EventAccumulator(str(run)).Reload()
    if "train_loss" not in found.Tags()["scalars"]:
        return []
    return [(point.step, round(point.value, 3)) for point in found.Scalars("train_loss")]


def test_every_epochs_numbers_are_there(tmp_path: Path) -> None:
    curves = Curves(tmp_path)
    for epoch in (1, 2, 3):
        curves.add(JOB, Progress(epoch, 3, 1.0, {"train_loss": 1 / epoch}))
    curves.close(JOB)
    curves.close(JOB)  # one that never had an epoch
    assert losses(tmp_path) == [(1, 1.0), (2, 0.5), (3, 0.333)]


def test_of_a_run_that_ends_early_everything_is_written(tmp_path: Path) -> None:
    curves = Curves(tmp_path)
    curves.add(JOB, EPOCH)
    curves.close_all()
    assert losses(tmp_path) == [(1, 0.5)]


@pytest.mark.ray
@pytest.mark.parametrize("status", ["done", "pruned", "diverged", "failed", "lost"])
def test_curves_are_complete_once_their_trial_has_ended(status: str, tmp_path: Path) -> None:
    from harness.ray_tune.searcher import PlanSearcher

    one = Assignment(JOB, {}, Place(str(tmp_path), "cpu", 1, 0, None))
    driver: Any = SimpleNamespace(pack=lambda: [one], end=lambda *_: None, progress=lambda *_: None)
    searcher = PlanSearcher(driver, Curves(tmp_path))
    searcher.suggest("trial")
    threads = set(threading.enumerate())
    searcher.on_trial_result("trial", {"key": JOB.key, "progress": json.dumps(asdict(EPOCH))})
    outcome = {"key": JOB.key, "outcome": json.dumps({"status": status})}
    searcher.on_trial_complete("trial", None if status == "lost" else outcome, error=status == "lost")
    assert losses(tmp_path) == [(1, 0.5)]
    assert set(threading.enumerate()) <= threads  # the writer's own has ended
