"""Which trained networks a study keeps for its user: `keep_weights`."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
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
        self._trained: Mapping[str, list[str]] = defaultdict(list)  # row of the table → keys
        for job in whole.jobs.values():
            for method in job.methods if is_final(job) else ():
                self._trained[method].append(job.key)

    def keeps(self, job: Job) -> bool:
        """Whether the job's trial leaves its network behind."""
        return self.setting != "none" and is_final(job)

    def sweep(self, rows: Rows, methods: Collection[str] | None = None) -> int:
        """With "best", takes away the networks of rows of the table (all, or `methods`) that are not the best of any.

        Returns how many.
        """
        if self.setting != "best":
            return 0
        chosen = self._trained.keys() if methods is None else methods
        asked = {key for method in chosen for key in self._trained[method]} & rows.keys()
        there = {key for key in asked if networks.file(self.folder, key).exists()}
        superfluous = there - self._best(rows)
        for key in superfluous:
            networks.file(self.folder, key).unlink(missing_ok=True)
        return len(superfluous)

    def lost(self, rows: Rows) -> list[str]:
        """Finished trainings whose networks should be there and are not: with "best", of rows that keep none at all."""
        there = {key for keys in self._trained.values() for key in _done(keys, rows)
                 if networks.file(self.folder, key).exists()}  # fmt: skip
        open_rows = [keys for keys in self._trained.values() if self.setting == "all" or not there & {*keys}]
        return list(dict.fromkeys(key for keys in open_rows for key in _done(keys, rows) if key not in there))

    def notes(self, rows: Rows) -> list[str]:
        """What a run should say before it starts."""
        if self.setting == "none":
            return []
        taken, lost = self.sweep(rows), self.lost(rows)
        said = [f'keep_weights = "best": {taken} networks that are not the best of their rows were removed'] * bool(taken)
        named = ", ".join([*lost[:NAMED], *(["…"] * (len(lost) > NAMED))])
        return [*said, *([f'keep_weights = "{self.setting}": the networks of {len(lost)} finished trainings are not '
                          f"there ({named}): they were not kept then; {networks.AGAIN}"] * bool(lost))]  # fmt: skip

    def _best(self, rows: Rows) -> set[str]:
        found = (networks.best(rows[key] for key in _done(keys, rows) if rows[key].get("weights"))
                 for keys in self._trained.values())  # fmt: skip
        return {row["key"] for row in found if row}


def is_final(job: Job) -> bool:
    """Whether the job trains a network that the table judges."""
    return job.kind == Kind.TRAIN and job.role != Role.PRETRAINING


def _done(keys: Iterable[str], rows: Rows) -> list[str]:
    return [key for key in keys if key in rows and networks.is_final(rows[key])]
