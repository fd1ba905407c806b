"""Options of `nas-harness slurm`, and the command line of `run` that it passes on. Standard library only."""

import argparse
import re
from typing import Any

from harness.commands.arguments import path

EXAMPLE = "--nodes 2 --gpus-per-node 4 --time 8:00:00"
TIME = re.compile(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?", re.ASCII)
SAFE = re.compile(r"[\w.,:/=@%+*&|()\[\]-]+", re.ASCII)  # in a line of #SBATCH, which no shell reads


def add(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("Slurm")
    group.add_argument("--nodes", type=_number(1, 10_000), default=1, metavar="N", help="nodes of the job; default: 1")
    group.add_argument("--gpus-per-node", type=_number(0, 64), default=0, metavar="N",
                       help="GPUs of each node; default: none")  # fmt: skip
    group.add_argument("--cpus-per-node", type=_number(1, 100_000), metavar="N",
                       help="cores of each node; default: what the trials need that fit on its GPUs")  # fmt: skip
    group.add_argument("--time", type=seconds, required=True, metavar="TIME",
                       help="limit of one start of the job: HOURS:MINUTES:SECONDS or DAYS-HOURS; it starts again until "
                       "the study is done")  # fmt: skip
    group.add_argument("--warning", type=_number(60, 86_400), default=120, metavar="SECONDS",
                       help="how long before that limit trials are asked to end; default: 120")  # fmt: skip
    group.add_argument("--partition", type=safe, metavar="NAME", help="partition, or several with commas")
    group.add_argument("--sbatch", type=option, action="append", default=[], metavar="OPTION=VALUE",
                       help="another option of sbatch, such as account=physics; may be given again")  # fmt: skip
    group.add_argument("--setup", type=_line, action="append", default=[], metavar="COMMAND",
                       help="run this first in the job, such as 'module load cuda'; may be given again")  # fmt: skip
    group.add_argument("--out", type=path, metavar="FILE",
                       help="where to write the script; default: STUDY.sbatch here")  # fmt: skip
    group.add_argument("--submit", action="store_true", help="submit it, too")


def seconds(text: str) -> int:
    """As Slurm reads a time: minutes, or with colons and days. Raises ArgumentTypeError."""
    if not (found := TIME.fullmatch(text)) or (
        found[1] is None and found[4] is None and found[3] and len(found[3]) > 2
    ):
        raise argparse.ArgumentTypeError(f"'{text}' is no time of Slurm's: write HOURS:MINUTES:SECONDS, as in 8:00:00, "
                                         "or DAYS-HOURS, as in 2-12")  # fmt: skip
    days, *parts = (int(part or 0) for part in found.groups())
    if found[1] is not None or found[4] is not None:
        hours, minutes, rest = parts
    else:  # minutes, or minutes:seconds
        hours, minutes, rest = 0, parts[0], parts[1]
    total = ((days * 24 + hours) * 60 + minutes) * 60 + rest
    if not 120 <= total <= 365 * 86_400:
        raise argparse.ArgumentTypeError(f"'{text}' is {total} seconds: at least 2 minutes, at most a year")
    return total


def safe(text: str) -> str:
    """A word that stands in a line of #SBATCH as it is. Raises ArgumentTypeError."""
    if not SAFE.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} holds characters that a line of #SBATCH may not")
    return text


def option(text: str) -> str:
    """NAME or NAME=VALUE. Raises ArgumentTypeError."""
    if not re.match(r"[a-z][a-z-]*(=|$)", text):
        raise argparse.ArgumentTypeError(f"{text!r}: write OPTION=VALUE without dashes, as in account=physics")
    if (name := text.partition("=")[0]) in OURS:
        raise argparse.ArgumentTypeError(f"{text!r}: the script sets {name} itself")
    return safe(text)


OURS = ("array", "cpus-per-task", "gpus-per-node", "nodes", "no-requeue", "ntasks", "ntasks-per-node", "open-mode",
        "requeue", "signal", "time")  # fmt: skip


def run_words(run: argparse.ArgumentParser, options: argparse.Namespace) -> list[str]:
    """The words after `run` that mean the same as these options, but for those at their defaults. Where two options
    are one value, as `--tensorboard` and `--track`, the first one says it."""
    words: list[str] = []
    for action in reversed({action.dest: action for action in reversed(run._actions)}.values()):
        value = getattr(options, action.dest, action.default)
        if not action.option_strings:
            words.append(value)
        elif value == action.default or action.dest in ("help", "device", "address"):
            continue
        elif action.nargs == 0:
            words.append(action.option_strings[-1])
        else:
            many = value if isinstance(value, list) else [value]
            words += [f"{action.option_strings[-1]}={one}" for one in many]
    return words


def _line(text: str) -> str:
    if not text.isprintable() or not text.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is no line of a shell script")
    return text


def _number(low: int, high: int) -> Any:
    def value(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and low <= int(text[:9]) <= high):
            raise argparse.ArgumentTypeError(f"'{text}' is no whole number from {low} to {high:,}")
        return int(text)

    return value
