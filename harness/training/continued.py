"""A training that goes on where another job's has ended, and what a job leaves behind for others."""

from collections.abc import Callable
from typing import Any

from harness.plan.settings import Settings, epochs_before
from harness.storage.checkpoint import Checkpoints, fitting, keep, kept
from harness.training.epochs import Work
from harness.training.place import Place


def begin(work: Work, settings: Settings, place: Place) -> int:
    """How many epochs the shorter training has had, from whose end `work` goes on; 0 where it starts anew.

    Raises OSError where the shorter one's state is missing or damaged, ValueError where it does not fit.
    """
    if (key := settings.get("continues")) is None:
        return 0
    with fitting(place.store, key):
        work.restore(kept(place.store, key))
    return epochs_before(settings)


def leave(state: Callable[[], dict[str, Any]], key: str, place: Place, claim: Checkpoints) -> None:
    """For the jobs that start from it. Raises OSError where the disk is full, Superseded."""
    if place.keep_weights:
        claim.check()
        keep(place.store, key, state())
