"""nas-harness: what each command does. The only file that knows both the harness and the analysis.

Imports wait for the command that needs them, so that `--help` answers at once and `report` never loads torch.
"""

import argparse
import os
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import NO_ROOM, BadInput, Stopped
from harness.options import parser

if TYPE_CHECKING:
    from harness.admission import Shares
    from harness.prepare import Prepared
    from harness.running import Execute, Session
    from harness.study import Study


def main(arguments: Sequence[str] | None = None) -> None:
    """Exit status 0: all is there; 1: trials are missing or failed; 2: bad input, with one line that says what."""
    options = parser().parse_args(arguments)
    options.line = portable(sys.argv[1:] if arguments is None else arguments)
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


def portable(arguments: Sequence[str]) -> str:
    """The command as it can be given on any machine: data lie in DATA there, and results where they are kept."""
    words: list[str] = []
    for argument in arguments:
        words += argument.split("=", 1) if argument.startswith("--") else [argument]
    out = ["nas-harness"]
    for word, before in zip(words, ["", *words], strict=False):
        if before == "--data-root":
            out.append("DATA")
        elif word != "--results" and before != "--results":
            out.append(word)
    return shlex.join(out)


def run(options: argparse.Namespace) -> int:
    from harness.running import run as run_prepared

    study, session = _study(options), _session(options)
    if options.until:
        missing = _until_decided(options, study, session)
    else:
        missing = run_prepared(_prepared(options, study, session), session)
    folder = Path(options.results) / study.name
    _show_report([folder])
    if missing:
        print(f"nas-harness: {missing} trials are missing or failed: nas-harness status {folder}", file=sys.stderr)
    return 1 if missing else 0


def plan(options: argparse.Namespace) -> int:
    from harness.estimate import describe

    session = _session(options)
    prepared = _prepared(options, _study(options), session)
    print(describe(prepared, session.device, session.shares))
    return 0


def probe(options: argparse.Namespace) -> int:
    """Trains for a few seconds at each share; nothing of it is kept."""
    from harness import probe as probe_

    session = _session(options)
    prepared = _prepared(options, _study(options), session)
    found = []
    for measured in probe_.probe(prepared, session.device, session.root, options.seconds):
        print(f"{measured.kind}: {measured.at_once} at once measured", file=sys.stderr)
        found.append(measured)
    print(probe_.table(found))
    return 0 if probe_.recommended(found) else 1


def tune(options: argparse.Namespace) -> int:
    """Runs the tuning jobs alone; the exports read the rows that are there."""
    from dataclasses import replace

    from harness import records, tuning_export
    from harness.running import run as run_prepared

    study, session = _study(options), _session(options)
    if not study.tuning:
        raise BadInput(f"{options.study} has no [[tuning]]")
    prepared = _prepared(options, study, session)
    exporting = options.export or options.export_sqlite
    missing = 0 if exporting else run_prepared(prepared, replace(session, kinds=("tune",)))
    rows = [row for key, row in records.latest(prepared.folder).items() if key in prepared.plan.jobs]
    name = options.tuning or study.tuning[0].name
    if options.export_sqlite:
        print("\n".join(tuning_export.export_sqlite(rows, Path(options.export_sqlite))))
    if options.export:
        Path(options.export).write_text(tuning_export.export_recipe(rows, name))
    if not exporting:
        print(tuning_export.export_recipe(rows, name))
        _show_report([prepared.folder])
    return 1 if missing else 0


def status(options: argparse.Namespace) -> int:
    from harness import status as status_

    folder = Path(options.study)
    if not folder.is_dir():
        folder = Path(options.results) / Path(options.study).stem
    print(status_.report(folder))
    return 0


def report(options: argparse.Namespace) -> int:
    folders = _folders(options)
    if options.published:
        try:
            shutil.copyfile(options.published, folders[0] / "published.csv")
        except OSError as error:
            raise BadInput(f"--published {options.published}: {error.strerror}") from None
    _show_report(folders, Path(options.out) if options.out else None)
    return 0


def verify(options: argparse.Namespace) -> int:
    """Exit status 1 where anything does not hold."""
    from analysis import report as report_
    from harness import data
    from harness import verify as verify_

    wrong = 0
    for folder in _folders(options):
        found = [f"report/{name} is not what the rows give" for name in report_.differences(folder)]
        pages = _tuning_pages([folder])
        stored = {name: folder / "report" / name for name in pages}
        found += [f"{path.relative_to(folder)} is not what the rows give" for name, path in stored.items()
                  if not path.is_file() or path.read_bytes() != pages[name]]  # fmt: skip
        found += verify_.problems(folder)
        print(f"{folder}: " + ("tables, keys and architectures hold" if not found else f"{len(found)} problems"))
        print("".join(f"  {line}\n" for line in found), end="")
        wrong += len(found)
        keys = [key for key in options.keys.split(",") if key]
        for what, differences in verify_.rerun(folder, options.rerun, keys, data.data_root(options.data_root)):
            print(f"  {what} trained again: {'; '.join(differences) or 'identical'}", flush=True)
            wrong += bool(differences)
    return 1 if wrong else 0


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
    from analysis.comparisons import still_open
    from analysis.rows import load
    from analysis.table import lines
    from harness.running import run as run_prepared
    from harness.until import Seeds, planned_looks, run_until

    looks = planned_looks(study.looks, options.max_seeds)
    study = study.model_copy(update={"looks": looks})
    folder = Path(options.results) / study.name

    def once(seeds: Seeds) -> int:
        return run_prepared(_prepared(options, study, session, seeds), session)

    def open_rows() -> tuple[int, list[str]]:
        loaded = load(folder)
        return still_open(loaded, lines(loaded))

    return run_until([method.name for method in study.method], looks, once, open_rows)


def _study(options: argparse.Namespace) -> "Study":
    from harness.prepare import load

    return load(options.study, options.changes, options.recipe)


def _session(options: argparse.Namespace) -> "Session":
    from harness import data, engine
    from harness.running import Session

    remote = getattr(options, "address", None) and options.device != "auto"
    device = options.device if remote else str(engine.device_named(options.device))
    gigabytes = getattr(options, "disk_limit", None)
    return Session(_executor(options), _shares(options), device, data.data_root(options.data_root), options.line,
                   time_limit=getattr(options, "time_limit", None),
                   disk_limit=gigabytes and gigabytes * 1e9,
                   engine_path=getattr(options, "path", None))  # fmt: skip


def _shares(options: argparse.Namespace) -> "Shares":
    from harness.admission import Shares, parse_shares

    return Shares(parse_shares("--cpus-per-trial", options.cpus_per_trial),
                  parse_shares("--gpus-per-trial", options.gpus_per_trial))  # fmt: skip


def _prepared(options: argparse.Namespace, study: "Study", session: "Session",
              seeds: Mapping[str, int] | None = None) -> "Prepared":  # fmt: skip
    """The study, checked in full."""
    from harness.prepare import prepare

    return prepare(study, Path(options.results), session.root, options.download, session.device, seeds)


def _executor(options: argparse.Namespace) -> "Execute":
    if getattr(options, "executor", "in-process") == "in-process":
        from harness import in_process

        return in_process.run
    from harness import data, on_ray

    root = data.data_root(options.data_root)
    chosen = on_ray.Options(options.address, options.cpus, options.tensorboard, root)
    return lambda driver: on_ray.run(driver, chosen)


def _folders(options: argparse.Namespace) -> list[Path]:
    """Raises BadInput where one holds no study."""
    from harness.folder import read_study

    folders = [Path(folder) for folder in options.folders]
    for folder in folders:
        read_study(folder)
    return folders


def _show_report(folders: list[Path], out: Path | None = None) -> None:
    from analysis import report as report_

    page = report_.write(folders, out)
    print(report_.text(folders))
    print(f"\nreport: {page / 'index.html'}")
    for name, content in _tuning_pages(folders).items():
        (page / name).parent.mkdir(parents=True, exist_ok=True)
        (page / name).write_bytes(content)
        if name.endswith(".html"):
            print(f"tuning: {page / name}")


def _tuning_pages(folders: list[Path]) -> dict[str, bytes]:
    """File of the report → content; Optuna's studies are rebuilt from the rows."""
    from harness import records
    from harness.folder import read_study

    plan = [job for folder in folders for job in read_study(folder)["plan"] if job["kind"] == "tune"]
    if not plan:
        return {}
    from analysis import tuning_pages
    from harness import tuning_export

    rows = {key: row for folder in folders for key, row in records.latest(folder).items()}
    mine = [rows[job["key"]] for job in plan if job["key"] in rows]
    return tuning_pages.rebuild(folders[0].name, tuning_export.studies(mine)) if mine else {}


COMMANDS = {"run": run, "plan": plan, "tune": tune, "probe": probe, "status": status, "report": report,
            "verify": verify, "decode": decode, "check": check}  # fmt: skip
