"""`nas-harness slurm`: a batch script that runs a study on a Slurm cluster, and starts again until it is done."""

import argparse
import math
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from harness.commands import context, sessions
from harness.commands.options import parser
from harness.commands.run import check_words, checked
from harness.commands.slurm_options import run_words
from harness.errors import BadInput
from harness.run.admission import KINDS, Shares
from harness.run.display import duration
from harness.run.session import Session
from harness.storage.files import write_over

FIRST = "#!/bin/bash\n# Written by `nas-harness slurm`"


def command(options: argparse.Namespace) -> int:
    _refuse_what_the_job_does(options)
    check_words(options)
    options.device = _device(options)
    options.data_root = options.data_root or os.environ.get("NAS_HARNESS_DATA")
    session = sessions.of_a_script(options)
    _refuse_secrets(session)
    options.cpus_per_node = options.cpus_per_node or cores(session.shares, options.device, options.gpus_per_node)
    _check_room(session.shares, options)
    study = context.study(options)
    checked(options, study, session)
    path = Path(options.out or f"{plain(study.name)}.sbatch")
    write_over(path, script(options, study.name).encode(), (FIRST.encode(),))
    print(f"{path}: {options.nodes} nodes with {options.cpus_per_node} cores and {options.gpus_per_node} GPUs each, "
          f"for {duration(options.time)} a start")  # fmt: skip
    print(_submitted(path) if options.submit else f"submit it with: sbatch {shlex.quote(str(path))}")
    return 0


def script(options: argparse.Namespace, name: str) -> str:
    """Of options as they are parsed, but for `device` and `cpus_per_node`, which are settled."""
    words = [*run_words(parser_of("run"), options), f"--device={options.device}"]
    values = {
        "DIRECTIVES": "\n".join(f"#SBATCH --{line}" for line in directives(options, plain(name))),
        "FOLDER": shlex.quote(os.getcwd()),
        "RESULTS": shlex.quote(str(Path(options.results).absolute() / name)),
        "SETUP": "".join(f"{line}\n" for line in options.setup),
        "BIN": shlex.quote(str(Path(sys.executable).parent)),
        "WARNING": str(options.warning),
        "WORDS": " \\\n        ".join(map(shlex.quote, words)),
        "GPUS": str(options.gpus_per_node),
        "STEP": f"--gpus-per-node={options.gpus_per_node} " if options.gpus_per_node else "",
    }
    template = (resources.files("harness.commands") / "slurm.sh").read_text()
    return re.sub("@([A-Z]+)@", lambda found: values[found[1]], template)


def directives(options: argparse.Namespace, name: str) -> list[str]:
    """What a job asks of Slurm; the user's own come last, for the last of several counts."""
    days, rest = divmod(options.time, 86_400)
    gpus = [f"gpus-per-node={options.gpus_per_node}"] if options.gpus_per_node else []
    partition = [f"partition={options.partition}"] if options.partition else []
    return [
        f"job-name=nas-{name}", f"nodes={options.nodes}", "ntasks-per-node=1",
        f"cpus-per-task={options.cpus_per_node}", *gpus,
        f"time={days}-{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}", f"signal=B:USR1@{options.warning}",
        "requeue", "no-kill", "open-mode=append", f"output=nas-{name}-%j.log", *partition, *options.sbatch,
    ]  # fmt: skip


def plain(name: str) -> str:
    """A study's name as a file's or a job's, which no shell and no Slurm reads anything into."""
    return re.sub(r"[^A-Za-z0-9_.-]", "-", name)


def parser_of(name: str) -> argparse.ArgumentParser:
    choices: Any = next(action.choices for action in parser()._actions if action.dest == "command")
    found: argparse.ArgumentParser = choices[name]
    return found


def cores(shares: Shares, device: str, gpus: int) -> int:
    """How many the trials need that fit on so many GPUs; without GPUs, as many as the largest trial."""
    needed = []
    for kind in KINDS:
        each, part = shares.of(kind, device)
        needed.append(math.ceil(each * max(1, shares.processes(kind, device, gpus) if part else 1)))
    return max(needed)


def _check_room(shares: Shares, options: argparse.Namespace) -> None:
    """Raises BadInput where a node is too small for one trial, or the warning leaves no time to work."""
    for kind in KINDS:
        cpus, gpus = shares.of(kind, options.device)
        if cpus > options.cpus_per_node or gpus > options.gpus_per_node:
            raise BadInput(f"a {kind} trial asks for {cpus:g} cores and {gpus:g} GPUs, a node has "
                           f"{options.cpus_per_node} and {options.gpus_per_node}: see --cpus-per-node and "
                           "--gpus-per-node")  # fmt: skip
    if options.time < options.warning + 60:
        raise BadInput(f"--warning {options.warning} leaves less than a minute of --time: {options.time} seconds")


def _refuse_what_the_job_does(options: argparse.Namespace) -> None:
    given = {"--address": options.address, "--cpus": options.cpus, "--executor": options.executor != "ray"}
    if found := [name for name, value in given.items() if value]:
        raise BadInput(f"{found[0]}: the job starts a Ray of its own on all its nodes; leave it out")
    if options.submit and not shutil.which("sbatch"):
        raise BadInput("--submit: there is no sbatch here; give the command where jobs are submitted, or leave it out")


def _refuse_secrets(session: Session) -> None:
    """Others may read a script. Raises BadInput; of a URL of checkpoints the session's own checks do."""
    if any(target.secret for target in session.trackers.targets):
        raise BadInput("--track mlflow: the address holds a login or a query, which would stand in the script; give it "
                       "without, and the login by MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD where you "
                       "submit")  # fmt: skip


def _device(options: argparse.Namespace) -> str:
    if options.device not in ("auto", "cpu", "cuda"):
        raise BadInput(f"--device {options.device}: on a cluster write cpu or cuda; Ray hands out the GPUs")
    return str(options.device if options.device != "auto" else "cuda" if options.gpus_per_node else "cpu")


def _submitted(path: Path) -> str:
    """What sbatch says. Raises BadInput where it refuses."""
    line: Sequence[str] = ("sbatch", str(path.absolute()))
    done = subprocess.run(line, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise BadInput(f"sbatch {path}: {' '.join(done.stderr.split())}")
    return done.stdout.strip()
