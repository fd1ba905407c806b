"""The command line's words: every command and option. Standard library only, so that `--help` answers at once."""

import argparse
from collections.abc import Callable
from typing import Any


def parser() -> argparse.ArgumentParser:
    """`command` holds the chosen one's name."""
    top = argparse.ArgumentParser(
        "nas-harness",
        description="Compares architecture-search methods: one study file, Ray trials, tables that lead to their runs.",
        epilog="example: nas-harness run demo",
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND", dest="command")
    _study(commands, "run", "run what is missing of a study, then print its table", _execution, _until)
    _study(commands, "plan", "show what would run: jobs, dependencies, MACs, time; starts nothing")
    _study(commands, "tune", "run a study's tuning alone, or export what it found", _execution, _exports)
    _study(commands, "probe", "measure how many of a study's trials should share this machine", _probing)
    _status(commands)
    _report(commands)
    _verify(commands)
    _decode(commands)
    _check(commands)
    return top


def _study(commands: Any, name: str, words: str, *more: Callable[[argparse.ArgumentParser], None]) -> None:
    """A command on a study: what it is, where it goes, what it may use."""
    command = commands.add_parser(name, help=words, epilog=f"example: nas-harness {name} demo --set recipe.epochs=3")
    command.add_argument("study", help="a study file, or the name of a study that comes with the package")
    command.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", dest="changes",
                         help="override any field, as in recipe.lr=0.1 or method.darts-A.twins=2")  # fmt: skip
    command.add_argument("--recipe", metavar="FILE", help="a recipe that `tune --export` wrote")
    command.add_argument("--results", default="results", metavar="DIR", help="default: results")
    command.add_argument("--data-root", metavar="DIR", help="where data sets lie (or NAS_HARNESS_DATA)")
    command.add_argument("--download", action="store_true", help="fetch a missing data set into --data-root")
    command.add_argument("--device", default="auto", help="auto, cpu, cuda, mps; without Ray also cuda:1")
    command.add_argument("--cpus-per-trial", nargs="+", default=[], metavar="N", help="1, or per kind: search=2")
    command.add_argument("--gpus-per-trial", nargs="+", default=[], metavar="N", help="0.25, or per kind: train=0.25")
    for add in more:
        add(command)


def _positive(text: str) -> float:
    if not (value := float(text)) > 0:
        raise ValueError(text)
    return value


def _execution(command: argparse.ArgumentParser) -> None:
    command.add_argument("--executor", choices=["ray", "in-process"], default="ray")
    command.add_argument("--address", help="of a running Ray cluster, such as auto; default: a Ray of its own")
    command.add_argument("--cpus", type=int, help="cores that a Ray of its own may use; default: all")
    command.add_argument("--pack", nargs="+", default=[], metavar="N",
                         help="trials that take turns in one process, for GPUs; or per kind: train=4")  # fmt: skip
    command.add_argument("--path", metavar="PATH", help="how steps run, as 'eager channels_last'; default: measured")
    command.add_argument("--reuse", nargs="+", default=[], metavar="FOLDER",
                         help="results of other studies: what has equal settings there is not run again")  # fmt: skip
    command.add_argument("--tensorboard", action="store_true", help="with Ray: live curves below FOLDER/tensorboard")
    command.add_argument("--time-limit", type=_positive, metavar="SECONDS",
                         help="a trial of which no epoch ends in this time has failed; default: none")  # fmt: skip
    command.add_argument("--disk-limit", type=_positive, metavar="GB",
                         help="what the study's checkpoints may take; default: what the disk has")  # fmt: skip


def _probing(command: argparse.ArgumentParser) -> None:
    command.add_argument("--seconds", type=_positive, default=10.0, metavar="N", help="per measurement; default: 10")


def _until(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--until", choices=["decided"], help="add seeds where a comparison is open, at the study's looks"
    )
    command.add_argument("--max-seeds", type=int, metavar="N", help="of --until; the last look")


def _exports(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--tuning", metavar="NAME", help="of several [[tuning]]s, the one to export; default: the first"
    )
    command.add_argument("--export", metavar="FILE", help="write the recipe that was found, for `run --recipe`")
    command.add_argument("--export-sqlite", metavar="FILE", help="write Optuna studies, for optuna-dashboard")


def _status(commands: Any) -> None:
    command = commands.add_parser("status", help="how far a study is, from any terminal",
                                  epilog="example: nas-harness status demo")  # fmt: skip
    command.add_argument("study", help="a study's name or file, or a results folder")
    command.add_argument("--results", default="results", metavar="DIR")


def _report(commands: Any) -> None:
    command = commands.add_parser("report", help="tables, figures and the offline page of results folders",
                                  epilog="example: nas-harness report results/demo")  # fmt: skip
    command.add_argument("folders", nargs="+", metavar="FOLDER", help="results folders; several are merged")
    command.add_argument("--out", metavar="DIR", help="default: report/ in the folder; needed for several")
    command.add_argument("--published", metavar="CSV", help="published numbers to put beside ours")


def _verify(commands: Any) -> None:
    command = commands.add_parser("verify", help="whether a results folder's tables, keys and rows hold together",
                                  epilog="example: nas-harness verify results/demo --rerun 2")  # fmt: skip
    command.add_argument("folders", nargs="+", metavar="FOLDER")
    command.add_argument("--rerun", type=int, default=0, metavar="N", help="train N random rows again and compare")
    command.add_argument("--keys", default="", metavar="K1,K2", help="train exactly these rows again and compare")
    command.add_argument("--trust", action="store_true",
                         help="load spaces, rules and data of packages from outside that the folder names")  # fmt: skip
    command.add_argument("--data-root", metavar="DIR", help="where data sets lie (or NAS_HARNESS_DATA)")


def _decode(commands: Any) -> None:
    command = commands.add_parser("decode", help="what a published θ table or an architecture's text stands for",
                                  epilog="example: nas-harness decode theta.csv --space cell-study1")  # fmt: skip
    command.add_argument("given", metavar="TABLE", help="a θ table (source,target,OPERATION…), an architecture's text, "
                         "DARTS's Genotype(…), or a file that holds one of them")  # fmt: skip
    command.add_argument("--space", required=True, help="a space's name, or package.module:Class")
    command.add_argument("--rule", help="how the table is read; default: the space's first rule")
    command.add_argument("--svg", metavar="FILE", help="draw it there")
    _space_options(command)


def _check(commands: Any) -> None:
    command = commands.add_parser("check", help="run the contract of search spaces on one of your own",
                                  epilog="example: nas-harness check package.module:MySpace")  # fmt: skip
    command.add_argument("space", help="a space's name, or package.module:Class")
    _space_options(command)


def _space_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", dest="space_options",
                         help="one of the space's options, as in width=0.125")  # fmt: skip
