"""One run of a prepared study: claims the folder, writes `study.json`, hands the plan to an executor."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import NO_ROOM, NO_SPACE_LEFT, BadInput, Ended, Stopped, say
from harness.plan.jobs import Job, Plan
from harness.run import engine_paths, stopping
from harness.run.admission import Admission, DiskCap, Shares
from harness.run.checkpoints_at import claimed, opened, tidy, url_of_study
from harness.run.display import Screen
from harness.run.driver import Driver
from harness.run.kept_networks import Networks
from harness.run.prepare import Elsewhere, Prepared, protocol_of
from harness.run.reuse import Lacking, adopt, lacking
from harness.run.tracked import Tracked
from harness.storage import protocol
from harness.storage.files import write_atomically
from harness.storage.folder import claim, running_file, study_file
from harness.storage.protocol import Event
from harness.storage.rows import Records, latest_rows
from harness.storage.store import Store, Unreachable
from harness.trackers.feed import Trackers
from harness.training.place import Place

Execute = Callable[[Driver], None]
Room = tuple[float, float]  # (cores, GPUs)


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
    checkpoints: str | None = None  # URL below which they lie, where machines share no disk
    sequential: bool = False  # seeds are added until comparisons are decided
    trackers: Trackers = field(default_factory=Trackers)
    elsewhere: Elsewhere | None = None  # asks the machines that run the study, where this one may lack the device
    room: Room | None = None  # what the machine has for all trials, where that is known before they start


def run(prepared: Prepared, session: Session) -> int:
    """Runs what is missing; returns how many jobs have no final row. One that diverged has.

    Raises Stopped where the run had to end before, Ended where a signal asked for it; the same call again carries on.
    """
    try:
        return _run(prepared, session)
    except Unreachable as error:
        raise Stopped(f"{error}; nothing is lost, the same command carries on") from None
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise Stopped(NO_SPACE_LEFT.format(folder=error.filename or prepared.folder)) from None


@dataclass(frozen=True)
class Begun:
    """What a run settles before its first job."""

    plan: Plan  # what it shall do of the study
    store: Store
    paths: Mapping[str, str]  # how steps run, as study.json says
    entry: str | None  # the protocol's last one; None where the study is not preregistered


def _run(prepared: Prepared, session: Session) -> int:
    check(prepared, session)
    reached = opened(prepared.folder, url_of_study(session.checkpoints, prepared.study.name))
    with Records(prepared.folder) as book:
        begun = _begin(prepared, session, reached, book)
        try:
            driver = _drive(prepared, session, begun, book)
        except Unreachable:
            raise
        except OSError as error:
            if error.errno in NO_ROOM or error.errno is None:
                raise
            where = error.filename or prepared.folder
            raise Stopped(f"{where}: {error.strerror}; nothing is lost, the same command carries on") from None
    if driver.halted:
        raise Stopped(driver.halted)
    if driver.stopped and driver.frontier.left:
        raise Ended(driver.stopped)
    return sum(key not in driver.rows for key in begun.plan.jobs)


def _begin(prepared: Prepared, session: Session, reached: Store, book: Records) -> Begun:
    """Writes study.json, the protocol and the rows that are taken over."""
    folder, plan = prepared.folder, prepared.plan.only(session.kinds)
    running_file(folder).unlink(missing_ok=True)  # of a driver that died
    before = claim(folder, prepared.study.name)
    store = claimed(folder, reached)
    paths = engine_paths.settled(prepared, plan, session.device, session.engine_path, session.reuse)
    values = {**prepared.as_json(session.command), "paths": paths, "sequential": session.sequential}
    if before.get("sequential"):  # what was looked at once stays so, at the looks that were fixed then
        values |= {"sequential": True, "looks": before["looks"]}
    entry = _settle(prepared, values["looks"])
    write_atomically(study_file(folder), json.dumps(values, indent=1, sort_keys=True).encode())
    if found := lacking(plan, folder, session.reuse):
        _record_reuse(prepared, found)
        entry = _settle(prepared, values["looks"])
        adopt(found, plan, folder, book, entry, keep=prepared.study.keep_weights != "none")
    book.guard(study_file(folder), protocol.protocol_file(folder))
    return Begun(plan, store, paths, entry)


def _drive(prepared: Prepared, session: Session, begun: Begun, book: Records) -> Driver:
    """Runs jobs until all are done, or the run has to end."""
    folder = prepared.folder
    admission = Admission(session.shares, session.device, DiskCap(folder, session.disk_limit))
    place: Callable[[Job], Place] = lambda job: _place(job, prepared, session, admission, begun)  # noqa: E731
    kept = Networks(folder, prepared.plan, prepared.study.keep_weights)
    with Screen() as screen, session.trackers.follow(folder) as feeds:
        driver = Driver(begun.plan, prepared.plan, prepared.space, folder, place, admission, book,
                        Tracked(screen, feeds), kept, begun.entry is not None, prepared.home, begun.store)  # fmt: skip
        for note in kept.notes(driver.rows):
            say(note)
        driver.look_up()
        if not driver.over:
            with stopping.at_signals(driver):
                session.execute(driver)
        tidy(begun.store, folder, driver.rows)
    return driver


def _place(job: Job, prepared: Prepared, session: Session, admission: Admission, begun: Begun) -> Place:
    cpus, gpus = admission.start(job)
    root = str(session.root) if session.root else None
    home = str(prepared.home) if prepared.home else None
    return Place(str(prepared.folder.resolve()), session.device, cpus, gpus, root, home, time_limit=session.time_limit,
                 engine_path=engine_paths.of(job.kind, begun.paths), pack=session.shares.pack(job.kind),
                 checkpoints=begun.store.url)  # fmt: skip


def check(prepared: Prepared, session: Session) -> None:
    """What is checked without a look at any other place; writes nothing. Raises BadInput."""
    engine_paths.check(session.device, session.engine_path)
    if session.checkpoints and prepared.study.keep_weights != "none":
        raise BadInput("keep_weights needs a results folder that all machines share; leave it or --checkpoints out")
    most_cpus, most_gpus = session.room or (math.inf, math.inf)
    for kind in dict.fromkeys(job.kind for job in prepared.plan.only(session.kinds).jobs.values()):
        cpus, gpus = session.shares.of(kind, session.device)
        if cpus > most_cpus:
            raise BadInput(f"a {kind} trial asks for {cpus:g} cores, and all trials together have {most_cpus:g}: see "
                           "--cpus-per-trial and --cpus")  # fmt: skip
        if gpus > most_gpus:
            raise BadInput(f"a {kind} trial asks for {gpus:g} GPUs, and all trials together have {most_gpus:g}: see "
                           "--gpus-per-trial")  # fmt: skip


def _settle(prepared: Prepared, looks: Sequence[int]) -> str | None:
    """The hash of the protocol's last entry as this run begins; None where the study is not preregistered."""
    wanted = {**protocol_of(prepared.settings, prepared.plan), "looks": list(looks), "classes": prepared.classes}
    return protocol.settle(prepared.folder, wanted, len(latest_rows(prepared.folder)), len(prepared.plan.jobs))


def _record_reuse(prepared: Prepared, found: Lacking) -> None:
    """Before the first of the rows is there, so that no fault leaves rows without an entry; each of them once, however
    often a run that takes them over is cut off."""
    said = (one.content.get("keys", ()) for one in protocol.read(prepared.folder) if one.event == Event.REUSED)
    if new := sorted(found.keys() - {key for keys in said for key in keys}):
        others = list(dict.fromkeys(found[key][0].name for key in new))
        content = {"rows": len(new), "from": others, "keys": new}
        rows, planned = len(latest_rows(prepared.folder)), len(prepared.plan.jobs)
        protocol.note(prepared.folder, Event.REUSED, content, rows, planned)
