"""A trial's frame: where it runs, its epochs with a checkpoint after each, what it leaves behind."""

import json
import os
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from harness.checkpoint import Checkpoints
from harness.vocabulary import Outcome


@dataclass(frozen=True)
class Place:
    """Where a trial runs and what it may use: `cpus` cores and `gpus` GPUs, either may be a fraction."""

    folder: str
    device: str
    cpus: float
    gpus: float
    data_root: str | None
    pack: int = 1  # trials that take turns in this process
    keep_weights: bool = False  # a later job reads them
    time_limit: float | None = None  # seconds in which an epoch must end
    engine_path: str | None = None  # one of harness.engine.paths; null: the device's default

    @property
    def path(self) -> Path:
        return Path(self.folder)

    @property
    def threads(self) -> int:
        return max(1, int(self.cpus))

    @property
    def share(self) -> float:
        """Of the device: the GPU's fraction, or threads of all cores."""
        return self.gpus if self.device.startswith("cuda") else min(1.0, self.threads / (os.cpu_count() or 1))


@dataclass(frozen=True)
class Progress:
    """How far a trial is, for displays."""

    epoch: int
    epochs: int
    seconds: float
    scalars: dict[str, float] = field(default_factory=dict)  # what the epoch measured
    memory: float = 0.0  # the most that it took of its device so far, as a part of the whole


# Of one kind of job, which fills the outcome that it is given: None after a step, a Progress after an epoch.
Epochs = Generator[Progress | None, None, None]
Steps = Generator[None, None, dict[str, Any]]  # an epoch that stops after every step, and returns what it measured


class Work(Protocol):
    """What every kind of job is made of: epochs that can be saved and restored."""

    @property
    def epochs(self) -> int: ...
    def steps(self, number: int) -> Steps: ...
    def state(self) -> dict[str, Any]: ...
    def restore(self, state: dict[str, Any]) -> None: ...


T = TypeVar("T")


def returned(generator: Generator[Any, None, T]) -> T:
    """What it returns in the end, whatever it yields on the way."""
    while True:
        try:
            next(generator)
        except StopIteration as end:
            found: T = end.value
            return found


After = Callable[[int, Outcome], bool]  # called after an epoch; True ends the trial there


def epochs(key: str, work: Work, place: Place, outcome: Outcome,
           after: After = lambda *_: False) -> Generator[Progress | None, None, Checkpoints]:  # fmt: skip
    """Runs `work` from its newest checkpoint on, filling the outcome's `curve`, `epochs` and totals.

    Returns its claim on the job, for what is written after the last epoch.

    Raises OSError where a checkpoint cannot be written, Superseded where the trial was started again elsewhere.
    """
    checkpoints = Checkpoints(checkpoint_folder(place.path, key))
    checkpoints.claim()
    outcome.update(Outcome(curve=[], epochs=0))
    if found := checkpoints.load():
        work.restore(found[1]["work"])
        outcome.update(json.loads(found[1]["outcome"]))
    ended = outcome.pop("ended", False)
    while outcome["epochs"] < work.epochs and not ended:
        clock = time.perf_counter()
        number = outcome["epochs"] + 1
        outcome["curve"].append({"epoch": number, **(yield from work.steps(number))})
        outcome["epochs"] = number
        ended = after(number, outcome)
        outcome["curve"][-1]["seconds"] = round(time.perf_counter() - clock, 4)
        checkpoints.save(number, {"work": work.state(), "outcome": json.dumps({**outcome, "ended": ended})})
        yield Progress(number, work.epochs, _seconds(outcome), _scalars(outcome["curve"][-1]))
    outcome.update(Outcome(seconds=_seconds(outcome), train_loss=outcome["curve"][-1]["train_loss"]))
    return checkpoints


def checkpoint_folder(folder: Path, key: str) -> Path:
    return folder / "checkpoints" / key


def watch_file(folder: Path, key: str) -> Path:
    """Where a trial that hung says so."""
    return checkpoint_folder(folder, key) / "hung.txt"


def _scalars(point: dict[str, Any]) -> dict[str, float]:
    return {name: value for name, value in point.items() if isinstance(value, int | float)}


def _seconds(outcome: Outcome) -> float:
    return float(sum(point["seconds"] for point in outcome["curve"]))
