"""A trial's frame: its epochs, with a checkpoint after each."""

import json
import time
from collections.abc import Callable, Generator
from copy import deepcopy
from typing import Any, Protocol, TypeVar

from harness.engine import memory
from harness.errors import first_line
from harness.storage.checkpoint import Checkpoints, of_job
from harness.storage.checks import finite, is_number
from harness.storage.row_fields import faults
from harness.training.place import Place, Progress
from harness.vocabulary.rows import MOVED, Outcome

# Of one kind of job, which fills the outcome that it is given: None after a step, a Progress after an epoch.
Epochs = Generator[Progress | None, None, None]
Steps = Generator[None, None, dict[str, Any]]  # an epoch that stops after every step, and returns what it measured


class Asked(Exception):
    """The run ends, and asked this trial to go on later from its newest checkpoint."""


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


def epochs(key: str, work: Work, place: Place, outcome: Outcome, after: After = lambda *_: False,
           before: int = 0) -> Generator[Progress | None, None, Checkpoints]:  # fmt: skip
    """Runs `work` from its newest checkpoint on, filling the outcome's `curve`, `epochs` and totals.

    `before`: epochs of `work` that another job has done, and that this one does not count as its own.

    Returns its claim on the job, for what is written after the last epoch.

    Raises OSError where a checkpoint cannot be written, Superseded where the trial was started again elsewhere, Asked
    where the run asks its trials to end.
    """
    checkpoints = of_job(place.store, key)
    checkpoints.claim()
    outcome.update(Outcome(curve=[], epochs=0, warnings=[]))
    note = _resumed(checkpoints, work, outcome, before)
    ended, own, asked = outcome.pop("ended", False), work.epochs - before, place.asked_to_stop
    while outcome["epochs"] < own and not ended:
        if asked:
            raise Asked(f"after epoch {outcome['epochs']} of {own}; goes on from there")
        clock = time.perf_counter()
        number = before + outcome["epochs"] + 1
        outcome["curve"].append({"epoch": number, **(yield from work.steps(number))})
        outcome["epochs"] = number - before
        ended = after(number, outcome)
        outcome["curve"][-1]["seconds"] = round(time.perf_counter() - clock, 4)
        asked = place.asked_to_stop
        state = {"work": work.state(), "outcome": json.dumps({**outcome, "ended": ended})}
        checkpoints.save(number - before, state, due=asked)
        yield Progress(number - before, own, _seconds(outcome), _scalars(outcome["curve"][-1]), note)
        note = ""
    outcome.update(Outcome(seconds=_seconds(outcome), train_loss=outcome["curve"][-1]["train_loss"]))
    return checkpoints


def _resumed(checkpoints: Checkpoints, work: Work, outcome: Outcome, before: int) -> str:
    """Goes on from the newest checkpoint; where that does not fit, sets it aside, starts anew, and says so."""
    if (newest := checkpoints.load()) is None:
        return ""
    epoch, state = newest
    start = deepcopy(work.state())
    why = checkpoints.fault(state)
    if not why:
        try:
            work.restore(state["work"])
            found = _outcome(state, epoch, before)
            over = found.get("ended") or found["epochs"] >= work.epochs - before
            outcome.update(found if over else _begun(found, outcome))
            return ""
        except MISFITS as error:
            if memory.exhausted(error):
                raise
            why = first_line(error)
            work.restore(start)
    checkpoints.set_aside()
    return f"{checkpoints.store}: the checkpoint of epoch {epoch} does not fit ({why}); set aside, trained anew"


OF_A_PLACE = ("device", "threads", "host", "hardware", "path", "precision")


def _begun(found: Outcome, now: Outcome) -> Outcome:
    """The outcome `found` of the epochs so far, as it goes on where `now` says; with a warning where that is another
    kind of processor or GPU, since a row has room for one."""
    here = {name: now[name] for name in OF_A_PLACE if name in now}  # type: ignore[literal-required]
    said = found.get("warnings", [])
    if found.get("hardware") and found["hardware"] != now.get("hardware"):
        said = [*said, f"{MOVED} {found['hardware']}, the last ones on {now.get('hardware')}"]
    return {**found, **here, "warnings": said}  # type: ignore[typeddict-item]


MISFITS = (KeyError, IndexError, TypeError, ValueError, AttributeError, RuntimeError)  # of contents of another shape


def _outcome(state: dict[str, Any], epoch: int, before: int) -> Outcome:
    """Raises ValueError where it is not that of an epoch."""
    found: Outcome = json.loads(state["outcome"])
    numbers = list(range(before + 1, before + epoch + 1))
    if found["epochs"] != epoch or [point["epoch"] for point in found["curve"]] != numbers:
        raise ValueError("its curve does not reach its epoch")
    if not all(is_number(point["seconds"]) for point in found["curve"]):
        raise ValueError("its curve has no times")
    if fault := next(faults(finite(found)), ""):
        raise ValueError(fault)
    return found


def _scalars(point: dict[str, Any]) -> dict[str, float]:
    """Its numbers, also those in objects: counts.A."""
    flat = {**point, **{f"{name}.{inner}": one for name, value in point.items() if isinstance(value, dict)
                        for inner, one in value.items()}}  # fmt: skip
    return {name: value for name, value in flat.items() if isinstance(value, int | float)}


def _seconds(outcome: Outcome) -> float:
    return float(sum(point["seconds"] for point in outcome["curve"]))
