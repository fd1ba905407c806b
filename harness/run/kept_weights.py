"""Weights that jobs leave for others: supernets and pretrained starts. Kept until the last reader has its row."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from harness.plan.jobs import Plan
from harness.storage.checkpoint import unpacked
from harness.storage.folder import weights_file
from harness.vocabulary.rows import Status


class Weights:
    """The weights that jobs of a study keep for others, also for jobs that this run leaves out.

    `readers`: the jobs that start from the weights of a job.
    """

    def __init__(self, folder: Path, whole: Plan) -> None:
        self.folder = folder
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
            again |= {key for key in job.reads if key in rows and rows[key]["status"] == Status.DONE
                      and unpacked(weights_file(self.folder, key)) is None}  # fmt: skip
        return again

    def sweep(self, final: Collection[str], keys: Iterable[str] | None = None) -> None:
        """Takes away what nobody will read any more, among `keys` or all; `final`: the jobs with a final row."""
        for key in list(self.readers) if keys is None else keys:
            if all(reader in final for reader in self.readers[key]):
                weights_file(self.folder, key).unlink(missing_ok=True)
