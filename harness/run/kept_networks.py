"""Which trained networks a study keeps for its user: `keep_weights`."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from harness.plan.jobs import Job, Plan
from harness.storage import networks
from harness.vocabulary.kinds import Kind, Role

Rows = Mapping[str, Mapping[str, Any]]
NAMED = 3  # keys in a message


class Networks:
    """The networks of the final trainings of a study's `whole` plan; `setting` is its `keep_weights`."""

    def __init__(self, folder: Path, whole: Plan, setting: str) -> None:
        self.folder, self.setting = folder, setting
        self._methods = {job.key: job.methods for job in whole.jobs.values() if is_final(job)}  # rows of the table

    def keeps(self, job: Job) -> bool:
        """Whether the job's trial leaves its network behind."""
        return self.setting != "none" and job.key in self._methods

    def sweep(self, rows: Rows) -> int:
        """With "best", removes the networks of finished trainings that are the best of no row of the table.

        Returns how many.
        """
        if self.setting != "best":
            return 0
        there = {key for key in self._there() & rows.keys() if rows[key].get("weights")}
        chosen = (networks.best(rows[key] for key in keys) for keys in self._by_method(there).values())
        superfluous = there - {row["key"] for row in chosen if row}
        for key in superfluous:
            networks.file(self.folder, key).unlink(missing_ok=True)
        return len(superfluous)

    def lost(self, rows: Rows) -> list[str]:
        """Finished trainings whose networks should be there and are not: with "best", of rows that keep none at all."""
        there, done = self._there(), [key for key in self._methods if key in rows and networks.is_final(rows[key])]
        lacking = [keys for keys in self._by_method(done).values() if self.setting == "all" or not there & {*keys}]
        return list(dict.fromkeys(key for keys in lacking for key in keys if key not in there))

    def notes(self, rows: Rows) -> list[str]:
        """What a run should say before it starts."""
        if self.setting == "none":
            return []
        said, head = [], f'keep_weights = "{self.setting}":'
        if taken := self.sweep(rows):
            said.append(f"{head} {taken} networks that are not the best of their rows were removed")
        if lost := self.lost(rows):
            named = ", ".join([*lost[:NAMED], *["…"] * (len(lost) > NAMED)])
            said.append(f"{head} the networks of {len(lost)} finished trainings are not there ({named}): they were not "
                        f"kept then; {networks.AGAIN}")  # fmt: skip
        return said

    def _there(self) -> set[str]:
        """Of this plan, the keys whose files are there."""
        return {path.stem for path in (self.folder / networks.FOLDER).glob("*.pt")} & self._methods.keys()

    def _by_method(self, keys: Iterable[str]) -> Mapping[str, list[str]]:
        found: Mapping[str, list[str]] = defaultdict(list)
        for key in keys:
            for method in self._methods[key]:
                found[method].append(key)
        return found


def is_final(job: Job) -> bool:
    """Whether the job trains a network that the table judges."""
    return job.kind == Kind.TRAIN and job.role != Role.PRETRAINING
