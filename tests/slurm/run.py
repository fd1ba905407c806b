"""A study on a Slurm of three hosts: stopped before its time limit, robbed of a node, taken off its nodes, struck by
signals at random moments; rows equal.

python tests/slurm/run.py [--signals 4] [--seed 0]

Where this machine cannot make hosts, or has no Slurm, it says so and ends with status 0.
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

for folder in ("cluster", "faults"):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / folder))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import drive
from hosts import REPOSITORY, Host, Impossible, hosts
from slurm_hosts import Slurm, refuse_without_slurm

from harness.commands.status import look, text

LIMIT = 600.0  # seconds for anything at all
RECENT = 3.0  # seconds
STARTED = time.monotonic()
SUBMIT = ("--nodes 3 --gpus-per-node 2 --cpus-per-node 2 --time 20:00 --partition all "
          "--device cpu --cpus-per-trial 0.5 --gpus-per-trial 1 --submit")  # fmt: skip
OTHERS = "/tmp/others"  # on a host


SIGNALS = ("TERM", "HUP", "USR1")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--signals", type=int, default=4)
    options.add_argument("--seed", type=int, default=0)
    chosen = options.parse_args()
    # Not below /tmp, of which every host has its own.
    workspace = Path(tempfile.mkdtemp(prefix="nas-harness-slurm-", dir="/var/tmp"))
    try:
        refuse_without_slurm()
        environment = {"PYTHONPATH": f"{REPOSITORY}:{REPOSITORY}/tests/faults", "OMP_NUM_THREADS": "1",
                       drive.LOG: str(workspace), "SLURM_CONF": f"{workspace}/slurm.conf",
                       "RAY_health_check_period_ms": "1000", "RAY_health_check_timeout_ms": "5000",
                       "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}  # fmt: skip
        with hosts(workspace, 3, environment) as made:
            slurm = Slurm(workspace, made)
            slurm.start()
            tell(f"Slurm on {', '.join(host.name for host in made)}")
            survives(slurm, chosen.signals, random.Random(chosen.seed))
    except Impossible as why:
        print(f"{'=' * 30}\nSKIPPED: make test-slurm: {why}\n{'=' * 30}", flush=True)
    finally:
        shutil.rmtree(workspace, ignore_errors=True)


def survives(slurm: Slurm, signals: int, rng: random.Random) -> None:
    """Raises AssertionError where something is lost."""
    workspace = slurm.workspace
    bench = drive.Bench(workspace, drive.study(workspace, 1.0, seeds=3, epochs=40 + 4 * signals))
    _, lost, shared = slurm.hosts
    with somebody_elses_ray(slurm, shared) as alive:
        job = Job(slurm, bench)
        job.until_at_work(start=1)
        job.reaches_its_time_limit()
        job.until_at_work(start=2)
        job.loses(lost)
        job.is_preempted()
        job.until_at_work(start=3)
        job.is_struck(signals, rng)
        bench.hurry()
        job.ends()
        assert alive(), "somebody else's Ray is gone"
        tell("somebody else's Ray lives on")
        cancelled_is_cancelled(slurm, bench)
    compare(bench, drive.undisturbed(workspace / "undisturbed", bench.study))


class Job:
    """The study as a job, submitted by `nas-harness slurm` on the first host."""

    def __init__(self, slurm: Slurm, bench: drive.Bench, results: str = "results") -> None:
        self.slurm, self.folder = slurm, bench.folder / results / "faults"
        line = (
            f"cd {bench.folder} && {sys.prefix}/bin/python -m harness slurm {bench.study} --results {results} {SUBMIT}"
        )
        done = slurm.on(slurm.hosts[0], line)
        assert done.returncode == 0, done
        self.number = done.stdout.split()[-1]
        tell(done.stdout.strip().splitlines()[-1])

    @property
    def log(self) -> str:
        path = self.slurm.workspace / f"nas-faults-{self.number}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def seen(self) -> dict[str, str]:
        """What Slurm knows of it."""
        words = self.slurm.said(f"scontrol show job {self.number}").split()
        return {name: value for name, sign, value in (word.partition("=") for word in words) if sign}

    def wait_for(self, done: Callable[[], bool], what: str) -> None:
        """Raises AssertionError where the job ends before, or it takes too long."""
        end = time.monotonic() + LIMIT
        while not done():
            over = self.seen().get("JobState") in ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT")
            assert not over or done(), f"the job ended before {what}: {self.seen()}\n{self.log}"
            assert time.monotonic() < end, f"no {what} within {LIMIT:.0f} s: {self.seen()}\n{self.log}"
            time.sleep(1)

    def until_at_work(self, start: int) -> None:
        self.wait_for(lambda: f"start {start} at" in self.log, f"start {start}")
        self.slurm.said(f"scontrol update JobId={self.number} TimeLimit=20:00")  # a requeued job keeps a nearer one
        self.wait_for(lambda: len(at_work(self.slurm.workspace)) == len(self.slurm.hosts), "epochs on all hosts")
        tell(f"start {start}: epochs on all hosts; {text(look(self.folder)).splitlines()[0]}")
        assert look(self.folder)["slurm_job"] == self.number

    def reaches_its_time_limit(self) -> None:
        """A limit so near that Slurm warns of it now: it looks twice a minute, and counts in minutes."""
        hours, minutes, _ = map(int, self.seen()["RunTime"].split(":"))
        self.slurm.said(f"scontrol update JobId={self.number} TimeLimit={hours * 60 + minutes + 3}")
        tell("the time limit is near")
        self.wait_for(lambda: "goes back into the queue" in self.log, "end before the time limit")
        assert f"stopped by SIGUSR1 in Slurm job {self.number}" in text(look(self.folder)), (
            f"{text(look(self.folder))}\n{self.log}"
        )
        tell("it went back into the queue")

    def loses(self, host: Host) -> None:
        """A node, and goes on without it."""
        self.slurm.said(f"scontrol update NodeName={host.name} State=DOWN Reason=test")
        self.wait_for(lambda: "lost " in self.log, "loss of a trial")
        before = len(drive_log(self.slurm.workspace))
        self.wait_for(lambda: len(drive_log(self.slurm.workspace)) > before + 10, "epochs without that node")
        names = {line.split()[-1] for line in drive_log(self.slurm.workspace)[before:]}
        assert host.name not in names, names
        self.slurm.said(f"scontrol update NodeName={host.name} State=RESUME")
        tell(f"{host.name} was down; epochs went on, on {', '.join(sorted(names))}")

    def is_preempted(self) -> None:
        self.slurm.said("sbatch --partition=urgent --nodes=3 --exclusive --time=1 --output=/dev/null --wrap='sleep 1'")
        self.wait_for(lambda: int(self.seen()["Restarts"]) == 2, "second restart")
        tell(f"it was preempted; {text(look(self.folder)).splitlines()[-1].strip()}")

    def is_struck(self, signals: int, rng: random.Random) -> None:
        """By as many, at random moments, to the job, to its steps or to the process of a trial."""
        for number in range(1, signals + 1):
            time.sleep(rng.uniform(0, 3))
            to = rng.choices(("the job", "its steps", "a trial"), (3, 1, 4))[0] if number > 1 else "the job"
            name = rng.choice(SIGNALS)
            if to == "a trial":
                self.strike_trial(name, rng)
            else:
                self.strike(name, to)
            tell(f"signal {number} of {signals}: {name} to {to}; {text(look(self.folder)).splitlines()[0]}")

    def strike(self, name: str, to: str) -> None:
        """Its script or, as `scancel --signal` does by itself, its steps: Ray. The job goes back into the queue."""
        starts = int(self.seen()["Restarts"]) + 1
        self.slurm.said(f"scancel {'--batch' if to == 'the job' else ''} --signal={name} {self.number}")
        self.wait_for(lambda: int(self.seen()["Restarts"]) == starts, f"restart {starts}")
        self.until_at_work(start=starts + 1)

    def strike_trial(self, name: str, rng: random.Random) -> None:
        """It goes on, and the job with it."""
        before = drive_log(self.slurm.workspace)
        _, _, _, pid, host = rng.choice(before[-4:]).split()
        self.slurm.on(next(one for one in self.slurm.hosts if one.name == host), f"kill -{name} {pid}")
        self.wait_for(
            lambda: len(drive_log(self.slurm.workspace)) > len(before) + 10, "epochs after a signal to a trial"
        )

    def ends(self) -> None:
        self.wait_for(lambda: self.seen()["JobState"] == "COMPLETED", "end")
        assert self.seen()["ExitCode"] == "0:0", self.seen()
        tell(f"the job ended: {self.log.splitlines()[-1]}")


def cancelled_is_cancelled(slurm: Slurm, bench: drive.Bench) -> None:
    """A job that its user cancels does not come back."""
    job = Job(slurm, bench, "cancelled")
    job.wait_for(lambda: "Ray at" in job.log, "start")
    slurm.said(f"scancel {job.number}")
    job.wait_for(lambda: job.seen()["JobState"] == "CANCELLED", "end after scancel")
    assert job.seen()["Restarts"] == "0", job.seen()
    tell("a job that was cancelled stays so")


@contextmanager
def somebody_elses_ray(slurm: Slurm, host: Host) -> Iterator[Callable[[], bool]]:
    """Another user's on that host, and whether all of its processes live on."""
    nobody = (
        "setpriv --reuid=65534 --regid=65534 --clear-groups "
        "--inh-caps=+dac_read_search --ambient-caps=+dac_read_search"
    )  # to read this environment, wherever it lies
    tried = slurm.on(host, f"{nobody} env {sys.prefix}/bin/python -c 'import ray'")
    assert not tried.returncode, tried
    start = (f"mkdir -m 777 {OTHERS} && {nobody} env HOME={OTHERS} RAY_AUTH_MODE=disabled {sys.prefix}/bin/ray start "
             f"--head --port=6399 --temp-dir={OTHERS} --num-cpus=0 --include-dashboard=false "
             "--object-store-memory=80000000 --disable-usage-stats")  # fmt: skip
    done = slurm.on(host, start)
    assert done.returncode == 0, done
    found = f"pgrep --full '/(gcs_server|raylet) .*{OTHERS}'"
    pids = slurm.on(host, found).stdout.split()
    assert len(pids) >= 2, slurm.on(host, "ps axww").stdout
    users = slurm.on(host, f"ps -o user= -p {','.join(pids)}").stdout.split()
    assert set(users) == {"nobody"}, users
    tell(f"another user has a Ray on {host.name}")
    yield lambda: set(pids) <= set(slurm.on(host, found).stdout.split())


def drive_log(workspace: Path) -> list[str]:
    """A line for every epoch that began."""
    path = workspace / "epochs.log"
    return path.read_text().splitlines() if path.exists() else []


def at_work(workspace: Path) -> set[str]:
    """The hosts on which an epoch began in the last seconds."""
    lines = [line.split() for line in drive_log(workspace)[-50:]]
    return {host for _, _, when, _, host in lines if time.time() - float(when) < RECENT}


def compare(bench: drive.Bench, expected: dict[str, dict[str, Any]]) -> None:
    """Raises AssertionError where the table differs from an undisturbed run's."""
    rows = drive.comparable(bench.place)
    assert rows == expected, drive.unlike(rows, expected)
    assert drive.doubled(bench.place) == 0
    assert drive.repeated(bench.log()) == 0
    hosts_used = {json.loads(line)["host"] for line in (bench.place / "trials.jsonl").read_text().splitlines()}
    tell(
        f"PASSED: {len(rows)} rows from {len(hosts_used)} hosts equal an undisturbed run's; 0 finished epochs repeated"
    )


def tell(text: str) -> None:
    print(f"{time.monotonic() - STARTED:5.0f} s  {text}", flush=True)


if __name__ == "__main__":
    main()
