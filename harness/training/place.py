"""Where a trial runs, what it may use, and how far it is."""

from dataclasses import dataclass, field
from pathlib import Path

from harness.engine.cores import cores
from harness.storage import stop
from harness.storage.store import Store, store_of


@dataclass(frozen=True)
class Place:
    """Where a trial runs and what it may use: `cpus` cores and `gpus` GPUs, either may be a fraction."""

    folder: str
    device: str
    cpus: float
    gpus: float
    data_root: str | None
    home: str | None = None  # the study file's folder, from which its relative paths go
    pack: int = 1  # trials that take turns in this process
    keep_weights: bool = False  # a later job reads them
    keep_network: bool = False  # of a final training, for the user
    time_limit: float | None = None  # seconds in which an epoch must end
    engine_path: str | None = None  # one of harness.engine.device.known_paths; null: the device's default
    checkpoints: str | None = None  # URL of what lies below `folder` otherwise
    pack_gpus: float | None = None  # GPUs of the trials in this process together; null: all have what this one has

    @property
    def path(self) -> Path:
        return Path(self.folder)

    @property
    def store(self) -> Store:
        """Where checkpoints, kept weights and predictions go."""
        return store_of(self.path, self.checkpoints)

    @property
    def asked_to_stop(self) -> bool:
        """By the driver. A store that does not answer at once is not waited for."""
        return stop.asked(self.path, store_of(self.path, self.checkpoints, patience=0))

    @property
    def threads(self) -> int:
        return max(1, int(self.cpus))

    @property
    def process_gpus(self) -> float:
        return self.gpus * self.pack if self.pack_gpus is None else self.pack_gpus

    @property
    def part_of_process(self) -> float:
        """By the shares: one whose share had to grow takes more than the others."""
        return self.gpus / self.process_gpus if self.process_gpus else 1 / self.pack

    @property
    def share(self) -> float:
        """Of the device: the GPU's fraction, or threads of all cores."""
        return self.gpus if self.device.startswith("cuda") else min(1.0, self.threads / cores())


@dataclass(frozen=True)
class Progress:
    """How far a trial is, for displays."""

    epoch: int
    epochs: int
    seconds: float
    scalars: dict[str, float] = field(default_factory=dict)  # what the epoch measured
    note: str = ""  # what the user should know of it
    memory: float = 0.0  # the most that it took of its device so far, as a part of the whole
