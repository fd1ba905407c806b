"""A display that passes every epoch on to the trackers."""

from collections.abc import Mapping
from typing import Any

from harness.run.driver import Display, Driver
from harness.trackers.feed import Feeds
from harness.trackers.values import numbers
from harness.training.place import Progress


class Tracked:
    def __init__(self, show: Display, feeds: Feeds) -> None:
        self._show, self._feeds = show, feeds
        self._seen: dict[str, Progress] = {}

    def __call__(self, driver: Driver, ended: Mapping[str, Any] | None) -> None:
        now = {key: running.progress for key, running in driver.running.items() if running.progress}
        for key, progress in now.items():
            if self._seen.get(key) is not progress:
                step = int(progress.scalars.get("epoch", progress.epoch))  # of the curve, as in the row
                self._feeds.epoch(key, step, numbers(progress.scalars))
        self._seen = now
        self._show(driver, ended)
