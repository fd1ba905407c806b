"""Which starts of a job put it back into the queue. Slurm's commands and the driver are scripts of a line."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness import cli
from tests.harness.commands.test_slurm import STUDY

pytestmark = pytest.mark.long

SLURM = {
    "srun": 'touch "$own.ray"; mkdir -p "$own"; touch "$own/ray_current_cluster"; '
            'while [ -e "$own.ray" ]; do sleep 0.1; done; rm -r "$own"',
    "scancel": 'rm -f "$own.ray"',
    "squeue": "echo RUNNING",
    "scontrol": 'echo "$@" >> said',
    "getent": "echo 127.0.0.1 STREAM",
}  # fmt: skip


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NAS_HARNESS_DATA", raising=False)
    (tmp_path / "study.toml").write_text(STUDY.format(name="small"))
    for name, line in SLURM.items():
        command(tmp_path / "bin" / name, line)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "env" / "python"))
    with pytest.raises(SystemExit, match="0"):
        cli.main(["slurm", "study.toml", "--time", "1:00:00", "--results", "my results"])
    (tmp_path / "my results" / "small" / "checkpoints" / "key").mkdir(parents=True)
    return tmp_path


def command(path: Path, line: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/bash\n{line}\n")
    path.chmod(0o755)


def start(here: Path, number: int, driver: str) -> tuple[int, str, bool]:
    """The status and the output of the job's start, and whether it went back, where the driver does this."""
    command(here / "env" / "python", driver)
    slurm = {"SLURM_JOB_ID": str(os.getpid()), "SLURM_RESTART_COUNT": str(number - 1), "SLURM_JOB_NUM_NODES": "1",
             "SLURMD_NODENAME": "lab1", "SLURM_JOB_NODELIST": "lab1", "SLURM_CPUS_ON_NODE": "2"}  # fmt: skip
    path = f"{here / 'bin'}:{os.environ['PATH']}"
    with open(here / "log", "w") as log:
        job = subprocess.Popen(["bash", here / "small.sbatch"], env={**os.environ, **slurm, "PATH": path}, cwd=here,
                               stdout=log, stderr=log, start_new_session=True)  # fmt: skip
    try:
        status = job.wait(60)
    finally:  # as Slurm does with what a job leaves behind
        os.killpg(job.pid, signal.SIGKILL)
    said = here / "said"
    back = said.exists() and said.read_text() == f"requeue {os.getpid()}\n"
    said.unlink(missing_ok=True)
    return status, (here / "log").read_text(), back


KILLED = "kill -KILL $$"
WARNED = "trap 'kill -KILL $$' USR1; kill -USR1 $PPID; while :; do sleep 0.1; done"
TOUCHED = "touch 'my results'/small/{}; kill -KILL $$"


def test_a_driver_that_dies_in_each_start_ends_the_job(here: Path) -> None:
    (here / "my results" / "small" / "trials.jsonl").touch()
    os.utime(here / "my results" / "small" / "trials.jsonl", (1, 1))  # of an earlier start
    assert start(here, 1, KILLED)[::2] == (75, True)
    status, said, back = start(here, 2, KILLED)
    assert (status, back) == (137, False)
    assert "nothing was written since this start: see above why, mend it, and submit this file again" in said


@pytest.mark.parametrize("written", ["trials.jsonl", "checkpoints/key/000003.pt"])
def test_a_start_that_wrote_something_puts_the_job_back(written: str, here: Path) -> None:
    assert start(here, 5, TOUCHED.format(written))[::2] == (75, True)


def test_what_says_nothing_of_trials_does_not_count(here: Path) -> None:
    assert start(here, 5, TOUCHED.format("running.json"))[::2] == (137, False)


def test_a_study_that_was_stopped_goes_back(here: Path) -> None:
    assert start(here, 5, "exit 75")[::2] == (75, True)
    assert start(here, 5, WARNED)[::2] == (75, True)


@pytest.mark.parametrize("status", [0, 1, 2])
def test_an_end_is_an_end(status: int, here: Path) -> None:
    assert start(here, 1, f"exit {status}")[::2] == (status, False)
