"""Brings epochs and rows of a results folder into one tracker, each trial once."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from harness.trackers.tracker import Tracker
from harness.trackers.values import Point, Trial, points, trial
from harness.vocabulary.rows import Row

TRIES = 3  # at a row that a tracker refuses while it answers


class Sender:
    """`planned`: the trials that may run. `refusals`: key → how often its row was refused, over several senders.

    Where a method raises, the tracker is not there, and what it holds is unknown: go on with a new sender.
    """

    def __init__(self, tracker: Tracker, folder: Path, planned: Mapping[str, Trial], refusals: Counter[str]) -> None:
        self._tracker, self._folder, self._planned, self._refusals = tracker, folder, planned, refusals
        self._known = tracker.known()
        self._live: dict[str, list[Point]] = {}  # key of a run that has no row yet → what it was sent
        self.sent = self.there = 0

    def epoch(self, key: str, point: Point) -> None:
        """Of a trial that runs; an epoch that is trained again, after a checkpoint, is left out."""
        if (found := self._planned.get(key)) is None:
            return
        if key not in self._live:
            self._tracker.start(replace(found, began=point.at))
            self._known.pop(key, None)
            self._live[key] = []
        mine = self._live[key]
        if not mine or point.step > mine[-1].step:
            self._tracker.log(found, [point])
            mine.append(point)

    def row(self, digest: str, row: Row) -> None:
        """A run is made anew where it is another row's, or where its epochs are not the row's."""
        key = row["key"]
        if self._known.get(key) == digest:
            self.there += 1
            return
        if self._refusals[key] >= TRIES:
            return
        self._refusals[key] += 1  # until it was taken
        found, curve = trial(row, self._folder), points(row)
        mine = self._live.get(key)
        if mine is None or (curve and mine != curve[: len(mine)]):
            self._start(found)
            mine = []
        self._tracker.end(found, curve[len(mine) :], row, digest)
        self._live.pop(key, None)
        self._known[key] = digest
        self._refusals.pop(key)
        self.sent += 1

    def _start(self, trial: Trial) -> None:
        """Where even that fails, the tracker is not there: the row was not refused."""
        try:
            self._tracker.start(trial)
        except Exception:
            del self._refusals[trial.key]
            raise

    def leave(self) -> None:
        """The run ends; trials without a row were interrupted."""
        for key in list(self._live):
            self._tracker.leave(self._planned[key])
            del self._live[key]
