"""A tracker's own process: hears of epochs on its standard input, reads rows from the results folder, sends both.

Its input and output are the driver's alone; what the tracker's library prints goes nowhere. It ends after one last try
when its input ends, which the death of the driver does, too.
"""

import json
import os
import select
import signal
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness.errors import BadInput
from harness.storage.folder import read_study
from harness.storage.new_rows import NewRows
from harness.trackers.lock import turn
from harness.trackers.registry import opened
from harness.trackers.sender import Sender
from harness.trackers.targets import Target
from harness.trackers.values import Point, trial

NICENESS = 5  # a trial on the same core comes first
EVERY = 1.0  # seconds between two looks at the rows
PAUSES = (1, 2, 5, 10, 30)  # seconds before the next try at a tracker that is not there
MOST_REFUSED = 10  # rows, after which nothing is tried any more
LONGEST = 300  # seconds for a call of a tracker, whatever its library does
BLOCK = 1 << 16  # bytes


class Ears:
    """Lines from the driver."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._rest, self.over = descriptor, b"", False
        self._early: list[Any] = []  # what came with the first line

    def first(self) -> Any:
        """What to do. Raises IndexError where the driver has died before it said so."""
        while not self._early and not self.over:
            self.wait(EVERY)
            self._early = self.lines()
        return self._early.pop(0)

    def wait(self, seconds: float) -> None:
        if not self.over:
            select.select([self._descriptor], [], [], seconds)

    def lines(self) -> list[Any]:
        """Whatever was written until now."""
        while not self.over and select.select([self._descriptor], [], [], 0)[0]:
            block = os.read(self._descriptor, BLOCK)
            self.over, self._rest = not block, self._rest + block
        *whole, self._rest = self._rest.split(b"\n")
        early, self._early = self._early, []
        return early + [json.loads(line) for line in whole]


class Follower:
    """One tracker and one folder, until the driver has ended."""

    def __init__(self, target: Target, folder: Path, ears: Ears, voice: Any) -> None:
        self._target, self._folder, self._ears, self._voice = target, folder, ears, voice
        self._rows, self._refusals = NewRows(folder), Counter[str]()
        self._sender: Sender | None = None
        self._failed, self._next = 0, 0.0
        self._sent = self._tries = 0

    def run(self) -> None:
        while not (last := self._ears.over):
            self._look(last)
            self._ears.wait(EVERY)
        while not (done := self._look(last)) and self._refused_one():
            pass
        if done:
            self._end()

    def _refused_one(self) -> bool:
        """Whether the last look failed at a row, so that the next one may come further."""
        before, self._tries = self._tries, self._refusals.total()
        return before < self._tries and len(self._refusals) <= MOST_REFUSED

    def _look(self, last: bool) -> bool:
        """Whether the tracker has all that is there now. Rows up to the mark have no epochs in the pipe after it."""
        mark, heard = self._rows.mark(), self._ears.lines()
        if not last and time.monotonic() < self._next:
            return False
        signal.alarm(LONGEST)
        try:
            self._send(mark, heard)
        except Exception as error:
            self._down(error)
            return False
        finally:
            signal.alarm(0)
        self._failed = 0
        return True

    def _send(self, mark: int, heard: list[Any]) -> None:
        self._sender = sender = self._sender or self._opened()
        self._epochs(sender, heard)
        for digest, row in self._rows.up_to(mark):
            sender.row(digest, row)
            signal.alarm(LONGEST)
            self._epochs(sender, self._ears.lines())

    def _opened(self) -> Sender:
        study = read_study(self._folder)
        planned = {str(job["key"]): trial(job, self._folder) for job in study["plan"]}
        turn(self._folder, self._target)
        tracker = opened(self._target, self._folder, str(study["name"]))
        return Sender(tracker, self._folder, planned, self._refusals)

    def _epochs(self, sender: Sender, heard: list[Any]) -> None:
        for one in heard:
            sender.epoch(one["key"], Point(one["step"], one["numbers"], one["at"]))
            signal.alarm(LONGEST)

    def _down(self, error: Exception) -> None:
        self._sent += self._sender.sent if self._sender else 0
        self._sender, self._rows = None, NewRows(self._folder)  # what it holds may not be what it was sent
        self._next = time.monotonic() + PAUSES[min(self._failed, len(PAUSES) - 1)]
        self._failed += 1
        self._say({"down": str(error) if isinstance(error, BadInput) else self._target.reason(error)})

    def _end(self) -> None:
        assert self._sender
        with suppress(Exception):
            self._sender.leave()
        refused = len(self._refusals)
        self._say({"done": {"sent": self._sent + self._sender.sent, "there": self._sender.there, "refused": refused}})

    def _say(self, report: dict[str, Any]) -> None:
        with suppress(BrokenPipeError):
            self._voice.write(json.dumps(report) + "\n")
            self._voice.flush()


def main() -> None:
    os.nice(NICENESS)
    signal.signal(signal.SIGALRM, _too_long)
    ears, voice = Ears(os.dup(0)), os.fdopen(os.dup(1), "w")
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(null, descriptor)
    first = ears.first()
    Follower(Target(first["kind"], first["uri"]), Path(first["folder"]), ears, voice).run()


def _too_long(*_: object) -> None:
    raise TimeoutError
