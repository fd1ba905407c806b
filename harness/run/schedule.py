"""Which jobs may start now: those whose dependencies have ended, the longest way to the end first. No stages."""

import heapq
from collections import defaultdict
from collections.abc import Callable, Collection

from harness.plan.jobs import Job, Plan
from harness.plan.settings import by_table

Rank = tuple[float, int]
LOOK_UP = "look-up"  # the queue of jobs of any kind that a table answers: they need no executor
WEIGHT = {"search": 8.0, "perturbation": 4.0, "train": 2.0, "tune": 1.0, "score": 0.5}  # about how long each takes


class Frontier:
    """The jobs still to run. `take` gives one out, `put` takes it back, `finish` frees what waited for it."""

    def __init__(self, plan: Plan, ended: Collection[str]) -> None:
        self._jobs = {key: job for key, job in plan.jobs.items() if key not in ended}
        self._waits = {key: sum(need in self._jobs for need in job.needs) for key, job in self._jobs.items()}
        self._frees: dict[str, list[str]] = defaultdict(list)
        for job in self._jobs.values():
            for need in job.needs:
                self._frees[need].append(job.key)
        ways = self._ways()
        self._rank = {key: (-ways[key], position) for position, key in enumerate(self._jobs)}
        self._ready: dict[str, list[tuple[Rank, str]]] = defaultdict(list)  # kind, or LOOK_UP → heap
        for key, waits in self._waits.items():
            if not waits:
                self.put(key)
        self.left, self.held = len(self._jobs), 0
        self.total, self.done = sum(WEIGHT.get(job.kind, 1.0) for job in self._jobs.values()), 0.0  # work

    def take(self, allowed: Callable[[str], bool] = lambda kind: kind != LOOK_UP) -> Job | None:
        """The first of the `allowed` kinds; None while everything left waits, for what is running or for room."""
        heaps = [heap for kind, heap in self._ready.items() if heap and allowed(kind)]
        return self._jobs[heapq.heappop(min(heaps))[1]] if heaps else None

    def put(self, key: str) -> None:
        job = self._jobs[key]
        heapq.heappush(self._ready[LOOK_UP if by_table(job.settings) else job.kind], (self._rank[key], key))

    def finish(self, key: str) -> None:
        self.left -= 1
        self.done += WEIGHT.get(self._jobs[key].kind, 1.0)
        for waiting in self._frees[key]:
            self._waits[waiting] -= 1
            if not self._waits[waiting]:
                self.put(waiting)

    def hold(self, key: str) -> None:
        """It got no final row: what needs it, directly or not, is left to another run."""
        held = [key]
        while held:
            if (job := self._jobs.pop(held.pop(), None)) is not None:
                self.left -= 1
                self.held += 1
                self.total -= WEIGHT.get(job.kind, 1.0)
                held += self._frees[job.key]

    def _ways(self) -> dict[str, float]:
        """The longest way from each job to the end. Plans list a job after what it needs."""
        ways: dict[str, float] = {}
        for job in reversed(self._jobs.values()):
            ways[job.key] = WEIGHT.get(job.kind, 1.0) + max((ways[key] for key in self._frees[job.key]), default=0.0)
        return ways


def seconds_left(total: float, done: float, elapsed: float) -> float | None:
    """`total`, `done`: this run's work in the weights of `schedule`; None until an epoch has ended."""
    return elapsed * (total - done) / done if done else None
