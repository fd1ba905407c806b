"""nas-harness: what each command does. With pages.py the only file that knows both the harness and the analysis.

Imports wait for the command that needs them, so that `--help` answers at once and `report` never loads torch.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness import given
from harness.errors import NO_ROOM, BadInput, Stopped
from harness.options import parser
from harness.vocabulary import Status

if TYPE_CHECKING:
    from harness.running import Session
    from harness.study import Study


def main(arguments: Sequence[str] | None = None) -> None:
    """Exit status 0: all is there; 1: trials are missing or failed; 2: bad input, with one line that says what."""
    options = parser().parse_args(arguments)
    options.line = given.portable(sys.argv[1:] if arguments is None else arguments)
    try:
        sys.exit(COMMANDS[options.command](options))
    except BadInput as error:
        print(f"nas-harness: {error}", file=sys.stderr)
        sys.exit(2)
    except Stopped as stop:
        print(f"nas-harness: {stop}", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        print(f"nas-harness: {error.filename or 'output'}: no space left on the disk", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("nas-harness: interrupted; the same command again carries on", file=sys.stderr, flush=True)
        _leave(130)


def _leave(status: int) -> None:
    """Without Ray's own tear-down, which can crash after an interrupt; it dies with this process."""
    if "ray" not in sys.modules:
        sys.exit(status)
    sys.stdout.flush()
    os._exit(status)


def run(options: argparse.Namespace) -> int:
    from harness import pages
    from harness.running import run as run_prepared

    study, session = given.study(options), given.session(options)
    if options.until:
        missing = _until_decided(options, study, session)
    else:
        missing = run_prepared(given.prepared(options, study, session), session)
    folder = Path(options.results) / study.name
    pages.show([folder])
    if missing:
        print(f"nas-harness: {missing} trials are missing or failed: nas-harness status {folder}", file=sys.stderr)
    return 1 if missing else 0


def plan(options: argparse.Namespace) -> int:
    from harness.estimate import describe

    session = given.session(options)
    prepared = given.prepared(options, given.study(options), session)
    print(describe(prepared, session.device, session.shares))
    return 0


def probe(options: argparse.Namespace) -> int:
    """Trains for a few seconds at each share; nothing of it is kept."""
    from harness import probe as probe_

    session = given.session(options)
    prepared = given.prepared(options, given.study(options), session)
    found = []
    for measured in probe_.probe(prepared, session.device, session.root, options.seconds):
        print(f"{measured.kind}: {measured.at_once} at once measured", file=sys.stderr)
        found.append(measured)
    print(probe_.table(found))
    return 0 if probe_.recommended(found) else 1


def tune(options: argparse.Namespace) -> int:
    """Runs the tuning jobs alone; the exports read the rows that are there."""
    from dataclasses import replace

    from harness import pages, records, tuning_export
    from harness.running import run as run_prepared

    study, session = given.study(options), given.session(options)
    if not study.tuning:
        raise BadInput(f"{options.study} has no [[tuning]]")
    name = options.tuning or study.tuning[0].name
    if name not in (known := [tuning.name for tuning in study.tuning]):
        raise BadInput(f"--tuning {name}: {options.study} has {', '.join(known)}")
    prepared = given.prepared(options, study, session)
    exporting = options.export or options.export_sqlite
    missing = 0 if exporting else run_prepared(prepared, replace(session, kinds=("tune",)))
    rows = [row for key, row in records.latest(prepared.folder).items() if key in prepared.plan.jobs]
    if options.export_sqlite:
        print("\n".join(tuning_export.export_sqlite(rows, Path(options.export_sqlite))))
    if options.export:
        Path(options.export).write_text(tuning_export.export_recipe(rows, name))
    if not exporting:
        if any(row["status"] == Status.DONE and name in row["methods"] for row in rows):
            print(tuning_export.export_recipe(rows, name))
        pages.show([prepared.folder])
    return 1 if missing else 0


def status(options: argparse.Namespace) -> int:
    from harness import status as status_

    folder = Path(options.study)
    if not folder.is_dir():
        folder = Path(options.results) / Path(options.study).stem
    print(status_.report(folder))
    return 0


def report(options: argparse.Namespace) -> int:
    from harness import pages

    folders = given.folders(options)
    if len(folders) > 1 and not options.out:
        raise BadInput("several folders make a report of their own: say where, with --out DIR")
    if options.published:
        try:
            shutil.copyfile(options.published, folders[0] / "published.csv")
        except OSError as error:
            raise BadInput(f"--published {options.published}: {error.strerror}") from None
    pages.show(folders, Path(options.out) if options.out else None)
    return 0


def verify(options: argparse.Namespace) -> int:
    """Exit status 1 where anything does not hold."""
    from contextlib import nullcontext

    from spaces.plugins import untrusted

    with nullcontext() if options.trust else untrusted():
        wrong = sum(_verified(folder, options) for folder in given.folders(options))
    return 1 if wrong else 0


def _verified(folder: Path, options: argparse.Namespace) -> int:
    """How much does not hold."""
    from harness import data, pages
    from harness import verify as verify_

    found = pages.differences(folder) + verify_.problems(folder)
    print(f"{folder}: " + ("tables, keys and architectures hold" if not found else f"{len(found)} problems"))
    print("".join(f"  {line}\n" for line in found), end="")
    wrong = len(found)
    keys = [key for key in options.keys.split(",") if key]
    for what, differences in verify_.rerun(folder, options.rerun, keys, data.data_root(options.data_root)):
        print(f"  {what} trained again: {'; '.join(differences) or 'identical'}", flush=True)
        wrong += bool(differences)
    return wrong


def decode(options: argparse.Namespace) -> int:
    from harness import decode as decode_
    from harness.opening import opened

    found = decode_.decode(options.given, opened(options.space, options.space_options), options.rule)
    print(found)
    if options.svg:
        from analysis.drawings import draw
        from analysis.style import rendered

        Path(options.svg).write_bytes(rendered(draw(found.architecture))["svg"])
        print(f"{'drawing':14} {options.svg}")
    return 0


def check(options: argparse.Namespace) -> int:
    """Exit status 1 where anything does not hold."""
    from harness import check as check_
    from harness.opening import opened

    wrong = 0
    for what, why in check_.verdicts(opened(options.space, options.space_options)):
        print(f"FAILED  {what}: {why}" if why else f"ok      {what}", flush=True)
        wrong += bool(why)
    print(f"{options.space}: {f'{wrong} checks failed' if wrong else 'the contract holds'}")
    return 1 if wrong else 0


def _until_decided(options: argparse.Namespace, study: "Study", session: "Session") -> int:
    from dataclasses import replace

    from analysis.comparisons import still_open
    from analysis.rows import load
    from analysis.table import family, lines
    from harness import protocol
    from harness.folder import claim
    from harness.running import run as run_prepared
    from harness.running import unfinished
    from harness.until import Seeds, planned_looks, run_until

    looks = planned_looks(study.looks, options.max_seeds)
    study, session = study.model_copy(update={"looks": looks}), replace(session, sequential=True)
    folder = Path(options.results) / study.name
    before = claim(folder, study.name)
    if before.get("sequential") and list(looks) != before["looks"]:
        raise BadInput(f"{folder}: its looks were fixed as {before['looks']}, and rows were looked at since; "
                       f"now they would be {list(looks)}")  # fmt: skip

    bad = 0

    def once(seeds: Seeds) -> int:
        nonlocal bad
        prepared = given.prepared(options, study, session, seeds)
        bad = run_prepared(prepared, session)
        return unfinished(prepared)

    def open_rows() -> tuple[int, list[str]]:
        loaded = load(folder)
        looks_done, rows = still_open(loaded, lines(loaded))
        counts = len(loaded.trials), len(loaded.study["plan"])
        protocol.note(folder, protocol.Event.LOOKED, {"looks": looks_done}, *counts)
        return looks_done, [family(row) for row in rows]

    run_until([method.name for method in study.method], looks, once, open_rows)
    return bad


COMMANDS = {"run": run, "plan": plan, "tune": tune, "probe": probe, "status": status, "report": report,
            "verify": verify, "decode": decode, "check": check}  # fmt: skip
