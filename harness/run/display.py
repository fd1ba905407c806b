"""What a terminal shows while a study runs: which trials run, how far each is, when the whole will be done."""

import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from harness.errors import visible
from harness.run.driver import Driver
from harness.run.schedule import WEIGHT, seconds_left


class Silenced(Console):
    """Says no more once nobody reads it, where rich would end the process."""

    def on_broken_pipe(self) -> None:
        self.quiet = True


class Screen:
    """A live table on a terminal; a line per finished trial elsewhere. A terminal that is gone ends no run."""

    def __init__(self) -> None:
        self.console = Silenced(stderr=True, highlight=False)
        self.live = Live(console=self.console, refresh_per_second=2, transient=True) if sys.stderr.isatty() else None
        self.started = time.monotonic()

    def __enter__(self) -> "Screen":
        if self.live:
            self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.live:
            with suppress(OSError):
                self.live.stop()

    def __call__(self, driver: Driver, ended: Mapping[str, Any] | None) -> None:
        try:
            self._show(driver, ended)
        except OSError:
            self.console.quiet = True

    def _show(self, driver: Driver, ended: Mapping[str, Any] | None) -> None:
        headline = _headline(driver, time.monotonic() - self.started)
        if ended is not None:
            self.console.print(Text(visible(f"{_line(ended)}  |  {headline}")), soft_wrap=True)
        if self.live:
            self.live.update(Group(_table(driver), Text(headline)))


LONGEST = 100 * 365 * 86400.0  # seconds


def duration(seconds: float | None) -> str:
    """The seconds in words: none below 0, where a clock was set back; none above a hundred years."""
    known = seconds is not None and seconds < LONGEST
    return str(timedelta(seconds=round(max(0.0, seconds or 0.0)))) if known else "unknown"


def _headline(driver: Driver, elapsed: float) -> str:
    under_way = sum(WEIGHT[r.job.kind] * r.progress.epoch / r.progress.epochs
                    for r in driver.running.values() if r.progress)  # fmt: skip
    work = driver.frontier
    remaining = seconds_left(work.total, work.done + under_way, elapsed)
    near = remaining is not None and remaining < LONGEST
    when = f", done about {datetime.now() + timedelta(seconds=remaining or 0):%H:%M:%S}" if near else ""
    ended = len(driver.plan.jobs) - work.left - work.held
    return f"{ended}/{len(driver.plan.jobs)} trials, {duration(remaining)} left{when}"


def _line(row: Mapping[str, Any]) -> str:
    said = [f"{row[name]:.2f} % {name[:4].rstrip('_')}" for name in ("test_accuracy", "val_accuracy")
            if row[name] is not None]  # fmt: skip
    said += [f"score {row['score']:.6g}"] if row.get("score") is not None else []
    result = (*said, row["error"] or "")[0]
    return f"{row['status']:8} {row['kind']:6} {row['method']} seed {row['seed']}: {result} ({row['seconds']:.0f} s)"


def _table(driver: Driver) -> Table:
    table = Table("trial", "seed", "epoch", "", "left", box=None, pad_edge=False)
    for running in driver.running.values():
        if (progress := running.progress) is None:
            table.add_row(running.job.method, str(running.job.seed), "starting", "", "")
            continue
        part = progress.epoch / progress.epochs
        left = progress.seconds * (1 - part) / part
        bar = ("█" * round(part * 20)).ljust(20, "░")
        epoch = f"{progress.epoch}/{progress.epochs}"
        table.add_row(running.job.method, str(running.job.seed), epoch, bar, duration(left))
    return table
