"""Curves of every trial, as TensorBoard reads them."""

from pathlib import Path

from harness.plan import Job
from harness.tensorboard import Curves
from harness.trial import Progress


def test_every_epochs_numbers_are_there(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    curves, job = Curves(tmp_path), Job("0123456789abcdef", "train", "darts-A@2", "method", {"seed": 1})
    for epoch in (1, 2, 3):
        curves.add(job, Progress(epoch, 3, 1.0, {"train_loss": 1 / epoch}))
    curves.close(job)
    curves.close(job)  # one that never had an epoch
    (run,) = (tmp_path / "tensorboard").iterdir()
    assert run.name == "darts-A@2 seed 1 012345"
    found = EventAccumulator(str(run)).Reload().Scalars("train_loss")
    assert [(point.step, round(point.value, 3)) for point in found] == [(1, 1.0), (2, 0.5), (3, 0.333)]
