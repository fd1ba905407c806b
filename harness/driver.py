"""The one who keeps a study: gives out jobs that can run, appends rows, says how far it is.

Executors ask `next` for work, call `progress` after each epoch and `record` at the end. The rows and `study.json` are
the whole state; the same command again runs what is missing.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from harness import provenance, records, resolve
from harness.checkpoint import Checkpoints, write_atomically
from harness.plan import Job, Plan, Settings
from harness.schedule import Frontier
from harness.trial import Place, Progress, checkpoint_folder
from spaces.space import Space


@dataclass(frozen=True)
class Assignment:
    """A job that can run now."""

    job: Job
    settings: Settings
    place: Place


@dataclass
class Running:
    """What a display shows of a trial."""

    job: Job
    since: float
    progress: Progress | None = None


class Display(Protocol):
    def __call__(self, driver: "Driver", ended: Mapping[str, Any] | None) -> None:
        """`ended`: the row just appended, or None after an epoch."""
        ...


@dataclass
class Driver:
    """`places` gives the share of a job; `show` is called whenever something happened."""

    plan: Plan
    space: Space
    folder: Path
    places: Callable[[Job], Place]
    book: records.Records
    show: Display
    running: dict[str, Running] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rows = {key: row for key, row in records.latest(self.folder).items() if key in self.plan.jobs}
        self.rows = {key: row for key, row in self.rows.items() if row["status"] in records.FINAL}
        self.frontier = Frontier(self.plan, self.rows)
        self._awaited = {j.settings["search"]["supernet"] for j in self.plan.jobs.values()
                         if "supernet" in j.settings.get("search", {})}  # fmt: skip
        self._saved_at = 0.0

    @property
    def over(self) -> bool:
        return not self.frontier.left

    def next(self) -> Assignment | None:
        """The next job that can run now; what turns out to be unbuildable becomes a row on the way."""
        while job := self.frontier.take():
            try:
                settings = resolve.resolve(job, self.rows, self.space)
            except resolve.Unbuildable as none:
                self._unbuildable(job, none)
                continue
            self.running[job.key] = Running(job, time.time())
            place = replace(self.places(job), keep_weights=job.key in self._awaited)
            return Assignment(job, settings, place)
        return None

    def progress(self, key: str, progress: Progress) -> None:
        self.running[key].progress = progress
        self._save_state()
        self.show(self, None)

    def record(self, job: Job, settings: Settings, outcome: Mapping[str, Any]) -> None:
        """Appends the row of a job that has ended. Raises OSError where the disk is full."""
        self.running.pop(job.key, None)
        row = {**EMPTY, **_described(job), "host": provenance.host(), **outcome, **provenance.here(),
               "settings": {k: v for k, v in settings.items() if k != "thresholds"}}  # fmt: skip
        self.book.append(row)
        self.rows[job.key] = row
        if job.key not in self._awaited:
            Checkpoints(checkpoint_folder(self.folder, job.key)).remove()
        self.frontier.finish(job.key)
        self._save_state(now=True)
        self.show(self, row)

    def _unbuildable(self, job: Job, none: resolve.Unbuildable) -> None:
        facts = {"status": none.status, "error": none.reason, "architecture": none.architecture}
        if none.architecture:
            architecture = self.space.parse(none.architecture)
            facts |= {"shortcuts": architecture.shortcuts, "long_shortcuts": architecture.long_shortcuts}
        self.record(job, job.settings, facts)

    def _save_state(self, now: bool = False) -> None:
        """What `status` reads from other terminals, at most once a second."""
        if not now and time.time() - self._saved_at < 1:
            return
        self._saved_at = time.time()
        running = [{"key": key, "since": r.since, "progress": asdict(r.progress) if r.progress else None}
                   for key, r in self.running.items()]  # fmt: skip
        write_atomically(self.folder / "running.json", json.dumps({"at": self._saved_at, "running": running}).encode())


EMPTY: dict[str, Any] = dict.fromkeys(
    ("architecture", "recipe", "split", "error", "val_accuracy", "test_accuracy", "train_loss", "test_loss",
     "parameters", "macs", "shortcuts", "long_shortcuts", "device", "threads", "path", "precision", "started",
     "finished", "snapshots", "peak_memory_bytes")
) | {"epochs": 0, "seconds": 0.0, "device_seconds": 0.0, "curve": [], "warnings": []}  # fmt: skip


def _described(job: Job) -> dict[str, Any]:
    return {"schema": 1, "key": job.key, "kind": job.kind, "method": job.method, "methods": list(job.methods),
            "role": job.role, "twin_of": job.twin_of, "pair": job.pair, "needs": list(job.needs), "seed": job.seed,
            "train_seed": job.train_seed, "twin": job.twin}  # fmt: skip
