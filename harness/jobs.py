"""A job as an executor drives it: a generator that yields one `Progress` per epoch and returns the outcome."""

import gc
import resource
import time
from collections.abc import Generator
from datetime import UTC, datetime

import torch

from harness import provenance
from harness.kinds import kind
from harness.plan import Settings
from harness.train import Diverged
from harness.trial import Outcome, Place, Progress

Run = Generator[Progress, None, Outcome]


def run(key: str, settings: Settings, place: Place) -> Run:
    """Any failure of the trial itself becomes an outcome with a status and a reason; OSErrors of the disk do not."""
    clock = time.perf_counter()
    torch.set_num_threads(place.threads)
    outcome: Outcome = {"started": _now(), "device": place.device, "threads": place.threads,
                        "host": provenance.host(), "status": "done", "error": None}  # fmt: skip
    try:
        yield from kind(settings)(key, settings, place, outcome)
    except Diverged as error:
        outcome.update(status="diverged", error=str(error))
    except (RuntimeError, ValueError, ArithmeticError, LookupError, TypeError, AssertionError) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        outcome.update(status="failed", error=f"{type(error).__name__}: {error}"[:2000])
    outcome.setdefault("seconds", time.perf_counter() - clock)
    outcome.update(device_seconds=outcome["seconds"] * place.share, finished=_now(), peak_memory_bytes=_peak(place))
    gc.collect()
    return outcome


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _peak(place: Place) -> int:
    """Of this process so far, in bytes."""
    if place.device.startswith("cuda"):
        return torch.cuda.max_memory_allocated(torch.device(place.device))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
