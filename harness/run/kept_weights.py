"""Weights that jobs leave for others: supernets, pretrained starts, and short trainings that go on in successive
halving. Kept until the last reader has its row."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness.plan.jobs import Plan
from harness.plan.resolve import starts
from harness.storage.checkpoint import unpacked, weights
from harness.storage.store import Store, Unreachable, store_at
from harness.vocabulary.rows import Status


class Weights:
    """The weights that jobs of a study keep for others, also for jobs that this run leaves out.

    `readers`: the jobs that start from the weights of a job, or may.
    """

    def __init__(self, where: Path | Store, whole: Plan) -> None:
        self.files, self.jobs = weights(store_at(where)), whole.jobs
        self.readers: Mapping[str, list[str]] = defaultdict(list)
        for job in whole.jobs.values():
            for key in job.reads:
                self.readers[key].append(job.key)

    def lost(self, plan: Plan, rows: Mapping[str, Any]) -> set[str]:
        """Done jobs that must run again, because something left of `plan` starts from weights that are not there.

        A trial may have ended before anything was to start from it, and it may itself start from another's weights.
        """
        again: set[str] = set()
        for job in reversed(plan.jobs.values()):  # a plan lists a job after what it needs
            if job.key in rows and job.key not in again:
                continue
            again |= {key for key in starts(job, rows) if key in rows and rows[key]["status"] == Status.DONE
                      and unpacked(self.files.get(f"{key}.pt")) is None}  # fmt: skip
        return again

    def sweep(self, final: Mapping[str, Any], keys: Iterable[str] | None = None) -> None:
        """Takes away what nobody will read any more, among `keys` or all; `final`: the final rows."""
        keys = set(self.readers if keys is None else keys)
        waiting = {reader for key in keys for reader in self.readers[key] if reader not in final}
        wanted = {key for reader in waiting for key in starts(self.jobs[reader], final)}
        for key in keys - wanted:
            with suppress(Unreachable):  # the next sweep finds it
                self.files.delete(f"{key}.pt")
