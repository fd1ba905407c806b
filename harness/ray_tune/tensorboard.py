"""Live curves for TensorBoard, below the study's folder: a run per trial. Needs the extra `tensorboard`."""

from pathlib import Path
from typing import Any

from harness.errors import BadInput
from harness.plan.jobs import Job
from harness.training.place import Progress


class Curves:
    """Writes the numbers of every epoch. Raises BadInput where TensorBoard is not installed."""

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise BadInput("--tensorboard needs TensorBoard: pip install 'nas-harness[tensorboard]'") from None
        self._writer, self._folder = SummaryWriter, folder / "tensorboard"
        self._open: dict[str, Any] = {}

    def add(self, job: Job, progress: Progress) -> None:
        if job.key not in self._open:
            name = f"{job.method} seed {job.seed} {job.key[:6]}"
            self._open[job.key] = self._writer(str(self._folder / name))
        for scalar, value in progress.scalars.items():
            self._open[job.key].add_scalar(scalar, value, progress.epoch)

    def close(self, job: Job) -> None:
        """After the trial has ended, in whatever way."""
        if writer := self._open.pop(job.key, None):
            writer.close()

    def close_all(self) -> None:
        """Where the run ends before its trials."""
        while self._open:
            self._open.popitem()[1].close()
