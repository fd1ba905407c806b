"""What every tracker does. Any exception means that it is not there now; what it lacks is sent later, from rows."""

from collections.abc import Sequence
from typing import Protocol

from harness.trackers.values import Point, Trial
from harness.vocabulary.rows import Row


class Tracker(Protocol):
    def known(self) -> dict[str, str]:
        """Key → digest of its row, of every run that was ended; the others are incomplete."""
        ...

    def start(self, trial: Trial) -> None:
        """A new run, in place of what there is of this key."""
        ...

    def log(self, trial: Trial, points: Sequence[Point]) -> None:
        """Into the run that was started."""
        ...

    def end(self, trial: Trial, points: Sequence[Point], row: Row, digest: str) -> None:
        """The points that it lacks, and all else of the row; `digest` last, so that what breaks off is incomplete."""
        ...

    def leave(self, trial: Trial) -> None:
        """The trial was interrupted: it has no row."""
        ...
