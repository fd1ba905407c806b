"""Which jobs may start now: those whose dependencies have ended, the longest way to the end first. No stages."""

import heapq
from collections import defaultdict
from collections.abc import Collection

from harness.plan import Job, Plan

WEIGHT = {"search": 8.0, "train": 2.0, "tune": 1.0, "score": 0.5}  # roughly how long a kind takes, for the order alone


class Frontier:
    """The jobs still to run. `take` gives one out, `finish` frees what waited for it."""

    def __init__(self, plan: Plan, ended: Collection[str]) -> None:
        self._jobs = {key: job for key, job in plan.jobs.items() if key not in ended}
        self._waits = {key: sum(need in self._jobs for need in job.needs) for key, job in self._jobs.items()}
        self._frees: dict[str, list[str]] = defaultdict(list)
        for job in self._jobs.values():
            for need in job.needs:
                self._frees[need].append(job.key)
        ways = self._ways()
        self._rank = {key: (-ways[key], position) for position, key in enumerate(self._jobs)}
        self._ready = [(self._rank[key], key) for key, waits in self._waits.items() if not waits]
        heapq.heapify(self._ready)
        self.left = len(self._jobs)

    def take(self) -> Job | None:
        """None while everything left waits for what is running."""
        return self._jobs[heapq.heappop(self._ready)[1]] if self._ready else None

    def finish(self, key: str) -> None:
        self.left -= 1
        for waiting in self._frees[key]:
            self._waits[waiting] -= 1
            if not self._waits[waiting]:
                heapq.heappush(self._ready, (self._rank[waiting], waiting))

    def _ways(self) -> dict[str, float]:
        """The longest way from each job to the end. Plans list a job after what it needs."""
        ways: dict[str, float] = {}
        for job in reversed(self._jobs.values()):
            ways[job.key] = WEIGHT.get(job.kind, 1.0) + max((ways[key] for key in self._frees[job.key]), default=0.0)
        return ways
