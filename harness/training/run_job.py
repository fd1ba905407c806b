"""A job as an executor drives it: a generator that yields a `Progress` per epoch and returns the outcome."""

import math
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import replace

import torch

from harness.engine import lost_gpu, memory
from harness.engine.hardware import hardware
from harness.errors import FROM_OUTSIDE, NO_ROOM, BadInput
from harness.plan.settings import Settings
from harness.storage import provenance
from harness.storage.checkpoint import Superseded
from harness.storage.checks import finite
from harness.storage.folder import watch_file
from harness.training.epochs import Asked
from harness.training.job_kinds import kind
from harness.training.place import Place, Progress
from harness.training.train import Diverged
from harness.training.watchdog import TrialWatch
from harness.vocabulary.rows import Outcome, Status, Trouble

WORKED = (Status.DONE, Status.PRUNED)

Run = Generator[Progress, None, Outcome]
Turns = Generator[Progress | None, None, Outcome]


def run(key: str, settings: Settings, place: Place) -> Run:
    """As `turns`, an epoch at a time."""
    trial = turns(key, settings, place)
    while True:
        try:
            if (progress := next(trial)) is not None:
                yield progress
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome


def turns(key: str, settings: Settings, place: Place) -> Turns:
    """Yields None after a step, when another trial may have its turn, and a Progress after an epoch.

    Any failure becomes an outcome with a status and a reason: the trial's own, or trouble that its place is in.

    Raises Superseded where the trial was started again elsewhere, ContextLost where its process must end.
    """
    clock = time.perf_counter()
    torch.set_num_threads(place.threads)
    outcome: Outcome = {"started": provenance.now(), "device": place.device, "threads": place.threads,
                        "host": provenance.host(), "hardware": None,
                        "status": Status.DONE, "error": None}  # fmt: skip
    watch = TrialWatch(watch_file(place.path, key), place.time_limit)
    try:
        if not (place.checkpoints or place.path.is_dir()):
            raise FileNotFoundError(f"{place.path} is not there on {provenance.host()}")
        memory.start(place.device, place.process_gpus)
        outcome["hardware"] = hardware(place.device)
        yield from _watched(kind(settings)(key, settings, place, outcome), place, watch)
    except Superseded:
        raise
    except FROM_OUTSIDE as error:
        outcome.update(_failure(error, place.device))
    finally:
        watch.close()
    return _complete(outcome, place, time.perf_counter() - clock)


def _watched(trial: Generator[Progress | None, None, None], place: Place,
             watch: TrialWatch) -> Iterator[Progress | None]:  # fmt: skip
    """The trial's turns, each epoch with the memory that it took; the watch stands still while others have theirs."""
    watch.start()
    with closing(trial):
        for progress in trial:
            if progress is None and place.pack == 1:
                yield None
                continue
            watch.stop()
            yield progress and replace(progress, memory=memory.part(place.device) * place.part_of_process)
            watch.start(anew=progress is not None)


def _complete(outcome: Outcome, place: Place, seconds: float) -> Outcome:
    """Of a trial that ended after so many seconds: numbers alone, and what it took."""
    outcome.update(_nonsense(outcome))
    if outcome["status"] not in WORKED:
        outcome.update(_numberless(outcome))
    outcome.setdefault("seconds", seconds)
    outcome.setdefault("device_seconds", outcome["seconds"] * place.share)
    outcome.update(Outcome(peak_memory_bytes=memory.peak(place.device), finished=provenance.now()))
    memory.release(place.device, seconds)
    return outcome


def _failure(error: BaseException, device: str) -> Outcome:
    """The status and the reason. An error of the disk, read in another's words or not, says nothing about the trial.

    Raises ContextLost.
    """
    if gone := lost_gpu.lost(error, device, provenance.host()):
        raise gone from error
    said = f"{type(error).__name__}: {error}"[:2000]
    if isinstance(error, Asked):
        return {"status": Trouble.STOPPED, "error": str(error)}
    if isinstance(error, Diverged):
        return {"status": Status.DIVERGED, "error": str(error)}
    if memory.exhausted(error):
        return {"status": Trouble.NO_MEMORY, "error": said.splitlines()[0]}
    if disk := _of_disk(error):
        full = disk.errno in NO_ROOM
        return {"status": Trouble.NO_SPACE if full else Trouble.LOST, "error": f"on {provenance.host()}: {said}"}
    return {"status": Status.FAILED, "error": said}


def _of_disk(error: BaseException) -> OSError | None:
    """What a loader that was asked for data found, and said as what is wrong with them."""
    cause: BaseException | None = error
    while isinstance(cause, BadInput):
        cause = cause.__context__
    return cause if isinstance(cause, OSError) else None


def _numberless(outcome: Outcome) -> Outcome:
    """The results of a trial that came to none."""
    none = Outcome(train_loss=None, val_accuracy=None, test_accuracy=None, test_loss=None)
    return {**none, "score": None} if "score" in outcome else none


def _nonsense(outcome: Outcome) -> Outcome:
    """Infinity and NaN as null, with a status. Evaluation can give them although the last loss was finite."""
    clean = Outcome()
    if "curve" in outcome:
        clean["curve"] = finite(outcome["curve"])
    if "snapshots" in outcome:
        clean["snapshots"] = finite(outcome["snapshots"])
    numbers = {"train_loss": outcome.get("train_loss"), "val_accuracy": outcome.get("val_accuracy"),
               "test_accuracy": outcome.get("test_accuracy"), "test_loss": outcome.get("test_loss"),
               "score": outcome.get("score")}  # fmt: skip
    bad = [f"{name} became {value}" for name, value in numbers.items() if not math.isfinite(value or 0.0)]
    bad += ["α became no number"] * (clean.get("snapshots") != outcome.get("snapshots"))
    worked = outcome["status"] in WORKED
    return {**clean, "status": Status.DIVERGED, "error": bad[0]} if bad and worked else clean
