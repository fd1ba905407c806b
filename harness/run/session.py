"""One run of a prepared study: claims the folder, writes `study.json`, hands the plan to an executor."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import NO_ROOM, Ended, Stopped
from harness.plan.jobs import Job
from harness.run import engine_paths, stopping
from harness.run.admission import Admission, DiskCap, Shares
from harness.run.display import Screen
from harness.run.driver import NO_SPACE_LEFT, Driver
from harness.run.prepare import Prepared, protocol_of
from harness.run.reuse import adopt
from harness.storage import protocol
from harness.storage.files import write_atomically
from harness.storage.folder import claim, running_file, study_file
from harness.storage.rows import Records, latest_rows
from harness.training.place import Place

Execute = Callable[[Driver], None]


@dataclass(frozen=True)
class Session:
    """How this run runs: the executor, shares, device, data and the command line; `kinds` limits it to such jobs."""

    execute: Execute
    shares: Shares
    device: str
    root: Path | None
    command: str
    kinds: tuple[str, ...] = ()
    time_limit: float | None = None  # seconds in which an epoch must end
    disk_limit: float | None = None  # bytes of checkpoints
    engine_path: str | None = None  # forces a path, where it would be measured
    reuse: tuple[Path, ...] = ()  # other results folders, whose rows stand for jobs with equal keys
    sequential: bool = False  # seeds are added until comparisons are decided


def run(prepared: Prepared, session: Session) -> int:
    """Runs what is missing; returns how many jobs have no final row. One that diverged has.

    Raises Stopped where the run had to end before, Ended where a signal asked for it; the same call again carries on.
    """
    try:
        return _run(prepared, session)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise Stopped(NO_SPACE_LEFT.format(folder=prepared.folder)) from None


def _run(prepared: Prepared, session: Session) -> int:
    folder = prepared.folder
    admission = Admission(session.shares, session.device, DiskCap(folder, session.disk_limit))

    def place(job: Job) -> Place:
        cpus, gpus = admission.start(job)
        root = str(session.root) if session.root else None
        home = str(prepared.home) if prepared.home else None
        return Place(str(folder.resolve()), session.device, cpus, gpus, root, home, time_limit=session.time_limit,
                     engine_path=engine_paths.of(job.kind, ways), pack=session.shares.pack(job.kind))  # fmt: skip

    plan = prepared.plan.only(session.kinds)
    with Records(folder) as book:
        running_file(folder).unlink(missing_ok=True)  # of a driver that died
        before = claim(folder, prepared.study.name)
        ways = engine_paths.settled(prepared, plan, session.device, session.engine_path)
        values = {**prepared.as_json(session.command), "paths": ways, "sequential": session.sequential}
        if before.get("sequential"):  # what was looked at once stays so, at the looks that were fixed then
            values |= {"sequential": True, "looks": before["looks"]}
        entry = _settle(prepared, values["looks"])
        content = json.dumps(values, indent=1, sort_keys=True)
        write_atomically(study_file(folder), content.encode())
        if session.reuse and (taken := adopt(plan, folder, session.reuse, book, entry)):
            print(f"nas-harness: {taken} trials taken over from {', '.join(map(str, session.reuse))}", file=sys.stderr)
            _record_reuse(prepared, taken, session.reuse)
        book.guard(study_file(folder), protocol.protocol_file(folder))
        with Screen() as screen:
            driver = Driver(plan, prepared.plan, prepared.space, folder, place, admission, book, screen, entry,
                            prepared.home)  # fmt: skip
            driver.look_up()
            if not driver.over:
                with stopping.at_signals(driver):
                    session.execute(driver)
    if driver.halted:
        raise Stopped(driver.halted)
    if driver.stopped and driver.frontier.left:
        raise Ended(driver.stopped)
    return sum(key not in driver.rows for key in plan.jobs)


def _settle(prepared: Prepared, looks: Sequence[int]) -> str | None:
    """The hash of the protocol's entry that this run's rows name."""
    wanted = {**protocol_of(prepared.settings, prepared.plan), "looks": list(looks)}
    return protocol.settle(prepared.folder, wanted, len(latest_rows(prepared.folder)), len(prepared.plan.jobs))


def _record_reuse(prepared: Prepared, taken: int, others: Sequence[Path]) -> None:
    content = {"rows": taken, "from": [other.name for other in others]}
    rows, planned = len(latest_rows(prepared.folder)), len(prepared.plan.jobs)
    protocol.note(prepared.folder, protocol.Event.REUSED, content, rows, planned)
