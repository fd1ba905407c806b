"""nas-harness: the command line. The only file that knows both the harness and the analysis.

Imports wait for the command that needs them, so that `--help` answers at once and `report` never loads torch.
"""

import argparse
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from harness.errors import BadInput

Command = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> None:
    """Exit status 0: all is there; 1: trials are missing or failed; 2: bad input, with one line that says what."""
    options = parser().parse_args(arguments)
    options.line = shlex.join(["nas-harness", *(sys.argv[1:] if arguments is None else arguments)])
    try:
        sys.exit(options.call(options))
    except BadInput as error:
        print(f"nas-harness: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("nas-harness: interrupted; the same command again carries on", file=sys.stderr)
        sys.exit(130)


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        "nas-harness",
        description="Compares architecture-search methods: one study file, Ray trials, tables that lead to their runs.",
        epilog="example: nas-harness run demo",
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    _study_command(commands, "run", run, "run what is missing of a study, then print its table", _add_execution)
    _study_command(commands, "plan", plan, "show what would run: jobs, dependencies, MACs, time; starts nothing")
    status_ = commands.add_parser("status", help="how far a study is, from any terminal")
    status_.add_argument("study", help="a study's name or file, or a results folder")
    status_.add_argument("--results", default="results", metavar="DIR")
    status_.set_defaults(call=status)
    report_ = commands.add_parser("report", help="tables, figures and the offline page of results folders")
    report_.add_argument("folders", nargs="+", metavar="FOLDER", help="results folders; several are merged")
    report_.add_argument("--out", metavar="DIR", help="default: report/ in the first folder")
    report_.set_defaults(call=report)
    return top


def _study_command(commands: Any, name: str, call: Command, help_: str,
                   more: Callable[[argparse.ArgumentParser], None] = lambda _: None) -> None:  # fmt: skip
    command = commands.add_parser(name, help=help_, epilog=f"example: nas-harness {name} demo --set recipe.epochs=3")
    command.add_argument("study", help="a study file, or the name of a study that comes with the package")
    command.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", dest="changes",
                         help="override any field, as in recipe.lr=0.1 or method.darts-A.twins=2")  # fmt: skip
    command.add_argument("--recipe", metavar="FILE", help="a recipe that `tune --export` wrote")
    command.add_argument("--results", default="results", metavar="DIR", help="default: results")
    command.add_argument("--data-root", metavar="DIR", help="where data sets lie (or NAS_HARNESS_DATA)")
    command.add_argument("--download", action="store_true", help="fetch a missing data set into --data-root")
    command.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps")
    command.add_argument("--cpus-per-trial", nargs="+", default=[], metavar="N", help="1, or per kind: search=2")
    command.add_argument("--gpus-per-trial", nargs="+", default=[], metavar="N", help="0.25, or per kind: train=0.25")
    more(command)
    command.set_defaults(call=call)


def _add_execution(command: argparse.ArgumentParser) -> None:
    command.add_argument("--executor", choices=["ray", "in-process"], default="ray")
    command.add_argument("--address", help="of a running Ray cluster, such as auto; default: a Ray of its own")
    command.add_argument("--cpus", type=int, help="cores that a Ray of its own may use; default: all")


def run(options: argparse.Namespace) -> int:
    from harness.running import Shares, parse_shares
    from harness.running import run as run_prepared

    shares = Shares(parse_shares("--cpus-per-trial", options.cpus_per_trial),
                    parse_shares("--gpus-per-trial", options.gpus_per_trial))  # fmt: skip
    prepared, root, device = _prepared(options)
    missing = run_prepared(prepared, _executor(options), shares, device, root, options.line)
    _show_report(prepared.folder)
    if missing:
        print(f"nas-harness: {missing} of {len(prepared.plan.jobs)} trials are missing or failed: "
              f"nas-harness status {prepared.folder}", file=sys.stderr)  # fmt: skip
    return 1 if missing else 0


def plan(options: argparse.Namespace) -> int:
    from harness.estimate import describe
    from harness.running import Shares, parse_shares

    shares = Shares(parse_shares("--cpus-per-trial", options.cpus_per_trial),
                    parse_shares("--gpus-per-trial", options.gpus_per_trial))  # fmt: skip
    prepared, _, device = _prepared(options)
    print(describe(prepared, device, shares))
    return 0


def status(options: argparse.Namespace) -> int:
    from harness import status as status_

    folder = Path(options.study)
    if not folder.is_dir():
        folder = Path(options.results) / Path(options.study).stem
    print(status_.report(folder))
    return 0


def report(options: argparse.Namespace) -> int:
    folders = [Path(folder) for folder in options.folders]
    from harness.folder import read_study

    for folder in folders:
        read_study(folder)
    _show_report(folders, Path(options.out) if options.out else None)
    return 0


def _prepared(options: argparse.Namespace) -> tuple[Any, Path | None, str]:
    """The study, checked in full, with the data root and the device's own name."""
    from harness import data, engine
    from harness.prepare import load, prepare

    loaded = load(options.study, options.changes, options.recipe)
    remote = getattr(options, "address", None) and options.device != "auto"
    device = options.device if remote else str(engine.device_named(options.device))
    root = data.data_root(options.data_root)
    prepared = prepare(loaded, Path(options.results), root, options.download, device)
    return prepared, root, device


def _executor(options: argparse.Namespace) -> Any:
    if options.executor == "in-process":
        from harness import in_process

        return in_process.run
    from harness import on_ray

    chosen = on_ray.Options(options.address, options.cpus)
    return lambda driver: on_ray.run(driver, chosen)


def _show_report(folders: Any, out: Path | None = None) -> None:
    from analysis import report as report_

    page = report_.write(folders, out)
    print(report_.text(folders))
    print(f"\nreport: {page / 'index.html'}")
