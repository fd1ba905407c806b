"""The driver of a study: gives out jobs that can run, appends rows, shows progress.

Executors ask `next` for work, call `progress` after each epoch and `end` when a trial has ended, and stop at `halted`.
The rows and `study.json` are the whole state; the same command again runs what is missing.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from harness.errors import NO_ROOM, NO_SPACE_LEFT, say
from harness.plan import resolve
from harness.plan.jobs import Job, Plan, described
from harness.plan.settings import Settings
from harness.run.admission import Admission, fits
from harness.run.checkpoints_at import tidy, trouble
from harness.run.kept_networks import Networks
from harness.run.kept_weights import Weights
from harness.run.row import new_row, readable_row
from harness.run.running import Running, save
from harness.run.schedule import LOOK_UP, Frontier
from harness.storage import stop
from harness.storage.checkpoint import of_job, sweep
from harness.storage.folder import watch_file
from harness.storage.protocol import last_hash
from harness.storage.rows import Records, final_rows
from harness.storage.store import Folder, Store
from harness.training import looked_up
from harness.training.place import Place, Progress
from harness.training.watchdog import timeout_reason
from harness.vocabulary.rows import EMPTY, FINAL, Row, Status, Trouble
from spaces.space import Space


@dataclass(frozen=True)
class Assignment:
    """A job that can run now."""

    job: Job
    settings: Settings
    place: Place


class Display(Protocol):
    def __call__(self, driver: "Driver", ended: Mapping[str, Any] | None) -> None:
        """`ended`: the row just appended, or that of a trial that will be tried again; None after an epoch."""
        ...


@dataclass
class Driver:
    """`places` gives the place of a job that `admission` lets in; `show` is called whenever something happened.

    `plan`: what this run shall do of the `whole` study. `rows`: its final ones; nothing is built on others.
    `halted`: why the run must end before everything is done, in one line. `stopped`: the signal that ends it.
    """

    plan: Plan
    whole: Plan
    space: Space
    folder: Path
    places: Callable[[Job], Place]
    admission: Admission
    book: Records
    show: Display
    networks: Networks
    preregistered: bool = False
    home: Path | None = None  # from which a table's relative path goes
    elsewhere: Store | None = None  # where checkpoints lie, if not in the folder
    running: dict[str, Running] = field(default_factory=dict)
    halted: str | None = None
    stopped: str | None = None

    def __post_init__(self) -> None:
        self.rows = {key: row for key, row in final_rows(self.folder).items() if key in self.whole.jobs}
        self.store = self.elsewhere or Folder(self.folder)
        self.weights = Weights(self.store, self.whole)
        for key in sorted(self.weights.lost(self.plan, self.rows)):
            say("{kind} {method} seed {seed} ({key}) runs again: the weights are not there from which others start"
                .format_map(self.rows.pop(key)))  # fmt: skip
        self.frontier = Frontier(self.plan, self.rows)
        sweep(self.folder, self.rows)
        tidy(self.store, self.folder, self.rows)
        self.weights.sweep(self.rows)
        stop.clear(self.folder, self.store)
        self.ask_elsewhere = stop.asking(self.store)
        self._save_state()

    @property
    def over(self) -> bool:
        return not self.frontier.left or self.halted is not None or self.stopped is not None

    def pack(self) -> list[Assignment]:
        """The next job that can run now, and of its kind as many more as shall take turns in one process with it.

        Together they take one GPU at most: a process has one.
        """
        if (first := self.next()) is None:
            return []
        found, room = [first], 1 - first.place.gpus
        most = 1 if self.admission.alone(first.job) else first.place.pack
        while len(found) < most and (more := self.next(first.job.kind, room)):
            found.append(more)
            room -= more.place.gpus
        gpus = sum(one.place.gpus for one in found)
        return [replace(one, place=replace(one.place, pack=len(found), pack_gpus=gpus)) for one in found]

    def next(self, kind: str | None = None, room: float = math.inf) -> Assignment | None:
        """The next job that can run now; what turns out to be unbuildable becomes a row on the way.

        `kind`: only of this one, for a process that has `room`, a part of a GPU, beside others of it.
        """
        self.look_up()
        while not self.over and (job := self.frontier.take(lambda one: self._allows(one, kind))):
            if (settings := self._resolved(job)) is None:
                continue
            if not fits(self.admission.share(job)[1], room) or (kind and self.admission.alone(job)):
                self.frontier.put(job.key)
                return None
            return self._assigned(job, settings)
        if not self.running and not self.over:
            self.halted = self.admission.disk.refusal()
        return None

    def _allows(self, one: str, kind: str | None) -> bool:
        """Whether a job of the kind `one` may start now, in a process of `kind` where that is not None."""
        return one != LOOK_UP and kind in (None, one) and self.admission.allows(one, packed=kind is not None)

    def _resolved(self, job: Job) -> Settings | None:
        """None where the job hung in the run before, or cannot be built, and is a row now."""
        if why := timeout_reason(watch_file(self.folder, job.key)):
            self.record(job, job.settings, {"status": Status.FAILED, "error": why})
            return None
        try:
            return resolve.resolve(job, self.rows, self.space)
        except resolve.Unbuildable as none:
            self.record(job, job.settings, none.outcome)
            self.look_up()
            return None

    def _assigned(self, job: Job, settings: Settings) -> Assignment:
        self.running[job.key] = Running(job, time.time())
        place = replace(self.places(job), keep_weights=bool(self.weights.readers[job.key]),
                        keep_network=self.networks.keeps(job))  # fmt: skip
        self._save_state()
        return Assignment(job, settings, place)

    def look_up(self) -> None:
        """Appends the rows of all jobs that a table can answer now. They are durable when it returns."""
        shown = time.monotonic()
        while not self.over and (job := self.frontier.take(lambda queue: queue == LOOK_UP)):
            try:
                settings = resolve.resolve(job, self.rows, self.space)
                row = new_row(job, settings, looked_up.outcome(settings, self.space, self.home), self._entry)
            except resolve.Unbuildable as none:
                row = new_row(job, job.settings, none.outcome, self._entry)
            if self._append(row, durable=False):
                self._count(job, row)
            if time.monotonic() - shown >= 1 or not self.frontier.left:
                shown = time.monotonic()
                self.show(self, row)
        self.book.sync()

    def progress(self, key: str, progress: Progress) -> None:
        self.running[key].progress = progress
        if progress.note:
            say(progress.note)
        self.halted = self.admission.seen(self.running[key].job, progress) or self.halted
        if time.monotonic() - self._saved_at >= 1:
            self._save_state()
        self.show(self, None)

    def end(self, assignment: Assignment, outcome: Mapping[str, Any]) -> None:
        """A trial has ended: with its row, or to be tried again, or because the whole run cannot go on."""
        job, place = assignment.job, assignment.place
        if (running := self.running.pop(job.key, None)) and running.progress:
            outcome = {"epochs": running.progress.epoch, "seconds": running.progress.seconds, **outcome}
        if outcome["status"] == Trouble.LOST and (why := timeout_reason(watch_file(self.folder, job.key))):
            outcome = {**outcome, "status": Status.FAILED, "error": why}
        if outcome["status"] == Trouble.LOST:  # with the folder, perhaps
            self.book.check()
        again = self.admission.end(job, outcome["status"], place.gpus, place.pack)
        cut_off = trouble(self.store) if outcome["status"] == Trouble.LOST and not again else None
        self.halted = cut_off or self.halted  # no trial is to blame
        if outcome["status"] == Trouble.NO_SPACE:
            self.halted = NO_SPACE_LEFT.format(folder=self.folder)
        elif again or cut_off:
            self.frontier.put(job.key)
            self._save_state()
            self.show(self, {**EMPTY, **described(job), **outcome})
        else:
            status = Status.FAILED if outcome["status"] in (Trouble.NO_MEMORY, Trouble.LOST) else outcome["status"]
            self.record(job, assignment.settings, {"device": place.device, "threads": place.threads, **outcome,
                                                   "status": status})  # fmt: skip

    def record(self, job: Job, settings: Settings, outcome: Mapping[str, Any]) -> None:
        """Appends the row of a job that is done with; halts where the disk is full."""
        row = readable_row(job, settings, outcome, self._entry)
        if not self._append(row):
            return
        self._count(job, row)
        if row["status"] in FINAL:
            tidy(self.store, self.folder)
            of_job(self.store, job.key).remove()
            self.weights.sweep(self.rows, (job.key, *job.reads))
            self.networks.sweep(self.rows)
        self._save_state()
        self.show(self, row)

    @property
    def _entry(self) -> str | None:
        """Of the protocol: rows name its last one, so that none before it can be taken away."""
        return last_hash(self.folder) if self.preregistered else None

    def _append(self, row: Row, durable: bool = True) -> bool:
        """False where the disk is full, which halts the run."""
        try:
            self.book.append(row, durable)
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            self.halted = NO_SPACE_LEFT.format(folder=self.folder)
            return False
        return True

    def _count(self, job: Job, row: Row) -> None:
        """Frees what waited for the job, or holds it back."""
        if row["status"] in FINAL:
            self.rows[job.key] = row
            self.frontier.finish(job.key)
        else:
            self.frontier.hold(job.key)

    def stop(self, signal: str) -> None:
        """Gives out nothing more; trials end before their next epoch. May be called by a signal's handler."""
        self.stopped = signal
        stop.ask(self.folder, signal)
        self.ask_elsewhere(signal)

    def leave(self) -> None:
        """Writes down that it was stopped; what still runs is ended with the process."""
        self.running.clear()
        self._save_state()

    def _save_state(self) -> None:
        self._saved_at = time.monotonic()
        save(self.folder, self.running, self.stopped)
