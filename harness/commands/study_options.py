"""Options of the commands around a study: write one, show those of the package, watch one, complete a command line.

Standard library only, so that `--help` answers at once.
"""

from collections.abc import Callable
from typing import Any

from harness.commands.arguments import path, something


def add(commands: Any) -> None:
    _new(commands)
    _studies(commands)
    _serve(commands)
    _measure(commands)
    _export(commands)
    _track(commands)
    _completion(commands)


def _new(commands: Any) -> None:
    command = commands.add_parser("new", help="write a commented study for a space and data of your own, and check it",
                                  epilog="example: nas-harness new pets.toml --data folder:pets --data-root DATA "
                                  "--image-size 32")  # fmt: skip
    command.add_argument("file", type=path, metavar="FILE", help="where to write; its name names the study")
    command.add_argument("--data", required=True, metavar="NAME",
                         help="digits, cifar10, folder:BELOW, torchvision:NAME or package.module:function")  # fmt: skip
    command.add_argument("--space", default="shortcut-vgg11", metavar="NAME",
                         help="a space's name, or package.module:Class; default: shortcut-vgg11")  # fmt: skip
    command.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", dest="space_options",
                         help="an option of the space, such as width=0.25")  # fmt: skip
    command.add_argument("--image-size", type=int, metavar="PIXELS", help="scale every image to a square of this side")
    command.add_argument("--test-part", type=float, metavar="PART",
                         help="hold out this part of each class, where data come without test images")  # fmt: skip
    command.add_argument(
        "--data-root", type=path, metavar="DIR", help="folder of the data sets; default: NAS_HARNESS_DATA"
    )
    command.add_argument("--download", action="store_true", help="fetch a missing data set into --data-root")


def _studies(commands: Any) -> None:
    command = commands.add_parser("studies", help="list the studies of the package, or show one",
                                  epilog="example: nas-harness studies demo")  # fmt: skip
    command.add_argument("name", nargs="?", type=something, metavar="NAME", help="show the file of this study")


def _serve(commands: Any) -> None:
    command = commands.add_parser("serve", help="show a study live in a browser on this machine",
                                  epilog="example: nas-harness serve results/demo")  # fmt: skip
    command.add_argument("folder", type=path, metavar="RESULTS", help="a study's results folder")
    command.add_argument("--port", type=int, default=0, metavar="N", help="port on 127.0.0.1; default: a free one")


def _measure(commands: Any) -> None:
    command = commands.add_parser("measure", help="measure latency and memory of a study's networks on this machine",
                                  epilog="example: nas-harness measure results/demo --threads 1")  # fmt: skip
    command.add_argument("folder", type=path, metavar="RESULTS", help="a study's results folder")
    command.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 or mps")
    command.add_argument("--threads", type=bounded(int, 1, 1024), default=1, metavar="N",
                         help="threads on a CPU; default: 1")  # fmt: skip
    command.add_argument("--seconds", type=bounded(float, 0.0, 3600.0), default=1.0, metavar="N",
                         help="time for each network and batch size; default: 1")  # fmt: skip
    _data_of_the_folder(command)


def _data_of_the_folder(command: Any) -> None:
    command.add_argument("--trust", action="store_true",
                         help="load spaces and data of packages from outside that the folder names")  # fmt: skip
    command.add_argument(
        "--data-root", type=path, metavar="DIR", help="folder of the data sets; default: NAS_HARNESS_DATA"
    )


def _export(commands: Any) -> None:
    command = commands.add_parser("export", help="write a network that a study kept as a file for other programs",
                                  epilog="example: nas-harness export results/demo darts-A@3 --to onnx")  # fmt: skip
    command.add_argument("folder", type=path, metavar="RESULTS", help="a study's results folder")
    command.add_argument("which", metavar="KEY|METHOD",
                         help="a training's key, or a row of the table: its kept network of the lowest training loss"
                         )  # fmt: skip
    command.add_argument("--to", required=True, choices=["pt2", "onnx", "state-dict", "python"], help="its format")
    command.add_argument("--out", type=path, metavar="FILE", help="where to write; default: STUDY-KEY.… here")
    command.add_argument("--check", action="store_true",
                         help="also compare the file's test accuracy with the row's; needs the data")  # fmt: skip
    _data_of_the_folder(command)


def _track(commands: Any) -> None:
    command = commands.add_parser("track", help="send a study's trials from its rows to a tracker",
                                  epilog="example: nas-harness track results/demo --to tensorboard")  # fmt: skip
    command.add_argument("folder", type=path, metavar="RESULTS", help="a study's results folder")
    command.add_argument("--to", action="append", required=True, metavar="TRACKER",
                         help="mlflow:URI, wandb or tensorboard; may be given again")  # fmt: skip


def bounded(kind: Callable[[str], float], low: float, high: float) -> Callable[[str], float]:
    """A type of values from `low` to `high`; argparse says what is wrong with others."""

    def value(text: str) -> float:
        if not low <= (found := kind(text)) <= high:
            raise ValueError
        return found

    value.__name__ = f"{kind.__name__} from {low:g} to {high:g}"
    return value


def _completion(commands: Any) -> None:
    command = commands.add_parser("completion", help="print what completes this command in a shell",
                                  epilog="example: source <(nas-harness completion bash)")  # fmt: skip
    command.add_argument("shell", choices=["bash", "zsh", "tcsh"])
