"""Every command and option of the command line. Standard library only, so that `--help` answers at once."""

import argparse
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn, TypeVar

from harness.commands import slurm_options, study_options
from harness.commands.arguments import path, something
from harness.errors import BadInput, say

N = TypeVar("N", int, float)


class InFull(argparse.ArgumentParser):
    """Takes options in full alone: what a command line holds is read elsewhere, too, as by `context.portable`."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **{**more, "allow_abbrev": False})

    def error(self, message: str) -> NoReturn:
        """One line, where argparse would show how all options are written."""
        say(f"{message}; see {self.prog} --help")
        self.exit(2)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        words = sys.argv[1:] if args is None else list(args)
        for word in (word.partition("=")[0] for word in words[: words.index("--") if "--" in words else None]):
            known = [option for option in self._option_string_actions if option.startswith(word)]
            if word[2:] and word.startswith("--") and known and word not in known:
                self.error(f"{word}: write the option in full, as in {known[0]}")
        return super().parse_known_args(words, namespace)


def parser(kind: type[argparse.ArgumentParser] = InFull) -> argparse.ArgumentParser:
    """Parsed options hold the command's name in `command`."""
    top = kind(
        "nas-harness",
        description="Compares architecture-search methods fairly: one study file gives trials, tables, figures.",
        epilog="example: nas-harness run demo. Exit status: 0 all is there, 1 trials are missing or failed, "
        "2 bad input, 75 ended by SIGTERM, SIGHUP or SIGUSR1, 130 by Ctrl-C",
    )
    top.add_argument("--version", action=Version, nargs=0, help="show the version, and exit")
    commands = top.add_subparsers(required=True, metavar="COMMAND", dest="command")
    _study(commands, "run", "run what a study still lacks, then print its table", _execution, _until, _changing)
    _study(commands, "plan", "show what would run: jobs, dependencies, MACs, estimated time; start nothing", _json)
    _study(commands, "tune", "run only a study's tuning, or export its result", _execution, _changing, _exports)
    _study(commands, "slurm", "write or submit a batch script that runs a study on a Slurm cluster", _execution, _until,
           _changing, slurm_options.add)  # fmt: skip
    _study(commands, "probe", "measure how many trials should share this machine", _probing)
    _status(commands)
    _report(commands)
    _verify(commands)
    _decode(commands)
    _check(commands)
    study_options.add(commands)
    return top


def parsed(*words: str) -> argparse.Namespace:
    """The options of a command line that nobody typed. Raises BadInput, where a typed one would end the process."""
    return parser(_Raising).parse_args(words)


class _Raising(InFull):
    def error(self, message: str) -> NoReturn:
        raise BadInput(" ".join(message.split()))


class Version(argparse.Action):
    """Looked up when it is asked for: finding an installed package's version takes time."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import version

        print(f"nas-harness {version('nas-harness')}")
        parser.exit()


def _study(commands: Any, name: str, words: str, *more: Callable[[argparse.ArgumentParser], None]) -> None:
    """A command on a study, with the options that all of these share."""
    example = (
        f"example: nas-harness {name} demo {slurm_options.EXAMPLE if name == 'slurm' else '--set recipe.epochs=3'}"
    )
    command = commands.add_parser(name, help=words, epilog=example)
    command.add_argument("study", type=path, help="a study file, or the name of a study in the package")
    command.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", dest="changes",
                         help="override any field, such as recipe.lr=0.1 or method.darts-A.twins=2")  # fmt: skip
    command.add_argument("--recipe", type=path, metavar="FILE", help="use the recipe that `tune --export` wrote")
    command.add_argument(
        "--results", type=path, default="results", metavar="DIR", help="folder for results; default: results"
    )
    command.add_argument(
        "--data-root", type=path, metavar="DIR", help="folder of the data sets; default: NAS_HARNESS_DATA"
    )
    command.add_argument("--download", action="store_true", help="fetch a missing data set into --data-root")
    command.add_argument("--device", default="auto", help="auto, cpu, cuda or mps; without Ray also cuda:1")
    command.add_argument("--cpus-per-trial", action="append", default=[], metavar="N",
                         help="cores for each trial, or per kind of job: search=2,train=1; default: 1")  # fmt: skip
    command.add_argument("--gpus-per-trial", action="append", default=[], metavar="N",
                         help="GPUs for each trial, or per kind of job: train=0.25; default: 1 on CUDA")  # fmt: skip
    for add in more:
        add(command)


def _keys(text: str) -> list[str]:
    if not (found := [key for key in text.split(",") if key.strip()]):
        raise argparse.ArgumentTypeError("it names no key; say which, or leave it out")
    return found


def _positive(text: str) -> float:
    return _within(text, float, 1e-9, 1e9, "number above 0")


def _count(text: str) -> int:
    return _within(text, int, 0, 10**9, "whole number from 0 on")


def _cores(text: str) -> int:
    return _within(text, int, 1, 100_000, "number of cores")


def _within(text: str, kind: type[N], low: float, high: float, what: str) -> N:
    """Raises ArgumentTypeError where it is no number from `low` to `high`."""
    with suppress(ValueError):
        if low <= (value := kind(text)) <= high:
            return value
    raise argparse.ArgumentTypeError(f"'{text}' is no {what}, at most {high:,}")


def _execution(command: argparse.ArgumentParser) -> None:
    command.add_argument("--executor", choices=["ray", "in-process"], default="ray",
                         help="what runs the trials; default: ray")  # fmt: skip
    command.add_argument(
        "--address",
        type=something,
        help="address of a running Ray cluster, such as auto; default: start a Ray here",
    )
    command.add_argument("--cpus", type=_cores, help="cores that a Ray started here may use; default: all")
    command.add_argument("--pack", action="append", default=[], metavar="N",
                         help="trials that share a GPU in one process, or per kind: train=4; default: 1")  # fmt: skip
    command.add_argument("--path", type=something, metavar="PATH",
                         help="how steps run, such as 'eager channels_last'; default: measured")  # fmt: skip
    command.add_argument("--reuse", action="append", type=path, default=[], metavar="FOLDER",
                         help="take trials with equal settings from this results folder; may be given again"
                         )  # fmt: skip
    command.add_argument("--track", action="append", type=something, default=[], metavar="TRACKER",
                         help="show the trials in mlflow:URI, wandb or tensorboard; may be given again")  # fmt: skip
    command.add_argument("--tensorboard", action="append_const", dest="track", const="tensorboard",
                         help="the same as --track tensorboard")  # fmt: skip
    command.add_argument("--time-limit", type=_positive, metavar="SECONDS",
                         help="a trial fails if no epoch ends within this time; default: no limit")  # fmt: skip
    command.add_argument("--checkpoints", type=something, metavar="URL",
                         help="put checkpoints there, as s3://bucket/prefix, where machines share no disk; default: "
                         "the results folder")  # fmt: skip
    command.add_argument("--disk-limit", type=_positive, metavar="GB",
                         help="space for the study's checkpoints; default: the whole disk")  # fmt: skip


def _json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print one JSON object, for programs")


def _probing(command: argparse.ArgumentParser) -> None:
    command.add_argument("--seconds", type=_positive, default=10.0, metavar="N",
                         help="time for each measurement; default: 10")  # fmt: skip


def _until(command: argparse.ArgumentParser) -> None:
    command.add_argument("--until", choices=["decided"],
                         help="add seeds where a comparison is open, at the seed counts in `looks`")  # fmt: skip
    command.add_argument("--max-seeds", type=int, metavar="N", help="with --until: the largest number of seeds")


def _changing(command: argparse.ArgumentParser) -> None:
    command.add_argument("--change", action="store_true",
                         help="go on with a study that leaves out rows which its folder has")  # fmt: skip


def _exports(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--tuning", type=something, metavar="NAME", help="which [[tuning]] to export; default: the first"
    )
    command.add_argument("--export", type=path, metavar="FILE", help="write the tuned recipe, for `run --recipe`")
    command.add_argument("--export-sqlite", type=path, metavar="FILE",
                         help="write the trials as Optuna studies, for optuna-dashboard")  # fmt: skip


def _status(commands: Any) -> None:
    command = commands.add_parser("status", help="show how far a study is, from any terminal",
                                  epilog="example: nas-harness status demo")  # fmt: skip
    command.add_argument("study", type=path, help="a study's name or file, or a results folder")
    command.add_argument(
        "--results", type=path, default="results", metavar="DIR", help="folder for results; default: results"
    )
    _json(command)


def _report(commands: Any) -> None:
    command = commands.add_parser("report", help="write tables, figures and an offline page for results folders",
                                  epilog="example: nas-harness report results/demo")  # fmt: skip
    command.add_argument(
        "folders", type=path, nargs="+", metavar="FOLDER", help="results folders; several become one report"
    )
    command.add_argument("--out", type=path, metavar="DIR",
                         help="where to write; default: report/ in the folder; required for several")  # fmt: skip
    command.add_argument("--published", type=path, metavar="CSV", help="published numbers to compare with")


def _verify(commands: Any) -> None:
    command = commands.add_parser("verify", help="check tables, keys and rows of results folders against each other",
                                  epilog="example: nas-harness verify results/demo --rerun 2")  # fmt: skip
    command.add_argument("folders", type=path, nargs="+", metavar="FOLDER", help="results folders")
    command.add_argument("--rerun", type=_count, default=0, metavar="N", help="train N random rows again and compare")
    command.add_argument("--seed", type=int, metavar="N", help="draw the rows that an earlier --rerun drew")
    command.add_argument(
        "--keys", type=_keys, default=(), metavar="K1,K2", help="train exactly these rows again and compare"
    )
    command.add_argument("--trust", action="store_true",
                         help="load spaces, rules and data of packages from outside that the folder names")  # fmt: skip
    command.add_argument(
        "--data-root", type=path, metavar="DIR", help="folder of the data sets; default: NAS_HARNESS_DATA"
    )
    _json(command)


def _decode(commands: Any) -> None:
    command = commands.add_parser("decode", help="explain a published θ table or an architecture's text",
                                  epilog="example: nas-harness decode theta.csv --space cell-study1")  # fmt: skip
    command.add_argument("given", type=path, metavar="TABLE",
                         help="a θ table (source,target,OPERATION…), an architecture's text, DARTS's Genotype(…), or a "
                         "file with one of these, also FILE:NAME")  # fmt: skip
    command.add_argument("--space", required=True, help="a space's name, or package.module:Class")
    command.add_argument("--rule", type=something, help="the rule that reads the table; default: the space's first")
    command.add_argument("--svg", type=path, metavar="FILE", help="draw the architecture into this file")
    _space_options(command)


def _check(commands: Any) -> None:
    command = commands.add_parser("check", help="check whether a search space of your own keeps to the contract",
                                  epilog="example: nas-harness check package.module:MySpace")  # fmt: skip
    command.add_argument("space", help="a space's name, or package.module:Class")
    _space_options(command)


def _space_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", dest="space_options",
                         help="an option of the space, such as width=0.125")  # fmt: skip
