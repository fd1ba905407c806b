"""Runs studies 1 and 2 in full, in pieces of a few minutes that end by themselves and go on from what is brought back.

python3 -m gpu_kit.run --device cuda --out OUT [--back BACK] [--minutes 9] [STUDY …] [-- OPTION OF run …]

It runs in an unpacked kit, without Ray. Exit status 0: everything is there; 75: the next piece goes on; 1: trials are
missing or failed, or a piece was too short for an epoch; 2: something is missing or damaged, and a line says what.
"""

import argparse
import importlib.metadata
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

from gpu_kit import brought
from gpu_kit.pieces import positive
from gpu_kit.unpack import Unusable

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"
STUDIES = ("cell-cifar10", "shortcut-cifar10")
NOT_NEEDED = ("ray", "optuna", "torchvision", "shtab")  # by these studies, in one process
LATER = 75
SECONDS_TO_END = 20.0  # for a run to answer SIGTERM; then it is killed, which loses no row and no checkpoint
BYTES_PER_SECOND = 20e6  # of packing, at least
MB = 10**6


def missing() -> list[str]:
    """Packages of pyproject.toml that this Python and the kit's wheels lack."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[^\w.-]", text)[0] for text in project["dependencies"]} - set(NOT_NEEDED)
    path = [str(BUILD / "site"), *sys.path]
    return sorted(name for name in names if not any(importlib.metadata.distributions(name=name, path=path)))


def piece(studies: list[str], more: list[str], ends: float) -> int:
    """Runs one study after another until the monotonic clock says `ends`."""
    worst = 0
    for study in studies:
        status = _run(study, more, ends) if time.monotonic() < ends else LATER
        if status not in (0, 1):
            return status
        worst = max(worst, status)
    return worst


def _run(study: str, more: list[str], ends: float) -> int:
    path = os.pathsep.join([str(BUILD / "site"), str(ROOT)])
    command = [sys.executable, "-m", "harness", "run", study, "--executor", "in-process", *more]
    print(f"gpu-kit: {study}", file=sys.stderr, flush=True)
    child = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": path})
    try:
        return _known(child.wait(max(0.0, ends - time.monotonic())))
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        child.terminate()
    try:
        child.wait(SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    return LATER


def _known(status: int) -> int:
    if status < 0:
        say([f"the run was ended by {signal.Signals(-status).name}; the same command carries on"])
    return status if status >= 0 else LATER


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Runs studies in pieces of a few minutes.")
    parser.add_argument("studies", nargs="*", metavar="STUDY", help=f"default: {' '.join(STUDIES)}")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:1")
    parser.add_argument("--minutes", type=positive, default=9, help="after which the piece has ended; default: 9")
    parser.add_argument("--out", type=Path, required=True, help="what to bring back is packed into this folder")
    parser.add_argument("--back", type=Path, help="folder with what was brought back from a piece before")
    parser.add_argument("--out-mb", type=positive, default=64, help="the most that --out may take; default: 64")
    parser.add_argument("--piece-mb", type=positive, default=16, help="the largest file in --out; default: 16")
    parser.add_argument("--results", type=Path, default=BUILD / "results", help="default: build/results of the kit")
    parser.add_argument("--data-root", type=Path, default=BUILD / "data", help="default: build/data of the kit")
    return parser


def work(options: Any, more: list[str]) -> int:
    """Raises Unusable."""
    ends = time.monotonic() + options.minutes * 60 - SECONDS_TO_END - options.out_mb * MB / BYTES_PER_SECOND
    if lacks := missing():
        raise Unusable(f"{sys.executable} and the kit lack {', '.join(lacks)}; make the kit with --bare, which brings "
                       "all but torch")  # fmt: skip
    results = options.results.absolute()
    brought.own(options.out.absolute())
    say(brought.bring(options.back, results) if options.back else [])
    before = brought.all_progress(results)
    given = ["--device", options.device, "--results", str(results), "--data-root", str(options.data_root.absolute())]
    studies = [str(Path(name).absolute()) if Path(name).is_file() else name for name in options.studies or STUDIES]
    status = piece(studies, [*given, *more], ends)
    say(brought.take(results, options.out.absolute(), int(options.out_mb * MB), int(options.piece_mb * MB)))
    if status == LATER and brought.all_progress(results) == before:
        say(["no epoch was kept in this piece: give more --minutes"])
        return 1
    say(["the next piece goes on"] if status == LATER else [])
    return status


def say(lines: list[str]) -> None:
    for line in lines:
        print(f"gpu-kit: {line}", file=sys.stderr, flush=True)


def _ended(*_: object) -> None:
    raise KeyboardInterrupt


def main() -> None:
    signal.signal(signal.SIGTERM, _ended)
    words = sys.argv[1:]
    at = words.index("--") if "--" in words else len(words)
    try:
        sys.exit(work(_parser().parse_args(words[:at]), words[at + 1 :]))
    except Unusable as error:
        say([str(error)])
        sys.exit(2)
    except KeyboardInterrupt:
        say(["ended between runs; the same command carries on"])
        sys.exit(LATER)


if __name__ == "__main__":
    main()
