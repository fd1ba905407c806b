"""The driver's side: a process for each tracker, which reads the rows itself and hears of epochs through a pipe.

Nothing here waits for a tracker before the run has ended: where the pipe is full an epoch is left out, and the row
brings it later. So a tracker can neither slow nor break a trial, and nothing is held for one.
"""

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from harness import errors
from harness.errors import Stopped, visible
from harness.trackers.targets import Target

PATIENCE = 10.0  # seconds for all trackers together, once the run has ended
CODE = "import sys; sys.path.append(sys.argv[1]); from harness.trackers.process import main; main()"
HOME = Path(__file__).parents[2]


class Feed:
    """One tracker's process. `said`: targets of which it was said already that they lack something."""

    def __init__(self, target: Target, folder: Path, said: set[Target]) -> None:
        self.target, self.folder, self.report = target, folder, dict[str, Any]()
        self._said = said
        self._process = subprocess.Popen([sys.executable, "-P", "-c", CODE, str(HOME)], start_new_session=True,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.DEVNULL)  # fmt: skip
        assert self._process.stdin
        self._pipe = self._process.stdin.fileno()
        start = {"kind": target.kind, "uri": target.uri, "folder": str(folder.resolve())}
        self._write(json.dumps(start).encode() + b"\n")
        os.set_blocking(self._pipe, False)
        self._listener = threading.Thread(target=self._listen, daemon=True, name=f"tracker {target.kind}")
        self._listener.start()

    def epoch(self, key: str, step: int, numbers: Mapping[str, float]) -> None:
        """Lines of this length are written whole or not at all."""
        line = json.dumps({"key": key, "step": step, "at": time.time(), "numbers": numbers}).encode() + b"\n"
        if len(line) <= select.PIPE_BUF:
            self._write(line)

    def _write(self, line: bytes) -> None:
        with suppress(OSError):  # it is full, or nobody reads it any more
            os.write(self._pipe, line)

    def end(self) -> None:
        """No more will come."""
        assert self._process.stdin
        with suppress(OSError):
            self._process.stdin.close()

    def wait(self, seconds: float | None) -> None:
        """Until everything was sent, or so long; then the process is ended."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        self.kill()
        self._listener.join(1)

    def kill(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)  # its own group: a library's processes, too
            self._process.wait()

    def _listen(self) -> None:
        assert self._process.stdout
        with self._process.stdout as lines:
            for line in lines:
                with suppress(ValueError):  # the last one of a process that was ended
                    self.report |= json.loads(line)
                if why := self.report.get("down"):
                    self.say(why)

    def say(self, why: str) -> None:
        say(self.target, self.folder, why, self._said)


def say(target: Target, folder: Path, why: str, said: set[Target]) -> None:
    """Once for each tracker."""
    if target not in said:
        said.add(target)
        later = f"nas-harness track {folder} --to {target.shown}"
        errors.say(f"{target.shown}: {why}; the run does not wait for it, and later this sends what it lacks: {later}")


class Feeds:
    """Those of one run."""

    def __init__(self, feeds: Iterable[Feed]) -> None:
        self._feeds = tuple(feeds)

    def epoch(self, key: str, step: int, numbers: Mapping[str, float]) -> None:
        for feed in self._feeds:
            feed.epoch(key, step, numbers)

    def close(self, patience: float) -> None:
        until = time.monotonic() + patience
        for feed in self._feeds:
            feed.end()
        try:
            for feed in self._feeds:
                feed.wait(max(0.0, until - time.monotonic()))
                if "done" not in feed.report:
                    feed.say(f"not everything was sent within {patience:g} s after the run's end")
        finally:
            for feed in self._feeds:
                feed.kill()


class Trackers:
    """Those that a command names; of each it is said once what it lacks, however many runs the command makes."""

    def __init__(self, targets: Iterable[Target] = (), patience: float = PATIENCE) -> None:
        self.targets, self.patience = tuple(targets), patience
        self._said: set[Target] = set()

    @contextmanager
    def follow(self, folder: Path) -> Iterator[Feeds]:
        """While a run in this folder goes on, and as long after it as is needed or allowed."""
        feeds = Feeds(feed for target in self.targets if (feed := self._started(target, folder)))
        try:
            yield feeds
        finally:
            feeds.close(self.patience)

    def _started(self, target: Target, folder: Path) -> Feed | None:
        try:
            return Feed(target, folder, self._said)
        except (OSError, RuntimeError) as error:  # no more processes or threads
            say(target, folder, target.reason(error), self._said)
            return None


def catch_up(target: Target, folder: Path) -> dict[str, Any]:
    """Sends what a tracker lacks of a folder's rows. Returns numbers of trials: `sent`, `there` before, `refused`; and
    `why` some were refused.

    Raises Stopped where the tracker does not take them.
    """
    feed = Feed(target, folder, {target})
    try:
        feed.end()
        feed.wait(None)
    finally:
        feed.kill()
    if "done" not in feed.report:
        why = feed.report.get("down", "its process died")
        raise Stopped(f"{visible(f'{target.shown}: {why}')}; the same command again sends what it lacks")
    return {**feed.report["done"], "why": feed.report.get("down", "")}
