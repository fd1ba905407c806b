"""A study over two hosts that share nothing but an S3 server, which breaks connections, and is away for a minute; one
host dies. Nothing is lost.

Results lie in each host's own /tmp; the hosts see the same code, as of one image, and the test's own log of epochs.
Where this machine cannot make hosts, the script says so and ends with status 0.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "faults"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parent))  # before another run.py

import drive
import run as cluster
import s3_server
from hosts import REPOSITORY, Host, Impossible, hosts

AWAY = 60.0  # seconds
BROKEN = 0.1  # of all connections
PYTHON = Path(sys.prefix) / "bin"


def main() -> None:
    workspace = Path(tempfile.mkdtemp(prefix="nas-harness-apart-", dir="/var/tmp"))
    try:
        environment = {"PYTHONPATH": f"{REPOSITORY}:{REPOSITORY}/tests/faults", "OMP_NUM_THREADS": "1",
                       drive.LOG: str(workspace), "RAY_health_check_period_ms": "1000", "RAY_AUTH_MODE": "disabled",
                       "RAY_health_check_timeout_ms": "5000", **s3_server.CREDENTIALS}  # fmt: skip
        with hosts(workspace, 2, environment) as made, s3_server.server("0.0.0.0") as s3:
            survives(workspace, made, s3)
    except Impossible as why:
        print(f"{'=' * 30}\nSKIPPED: make test-apart: {why}\n{'=' * 30}", flush=True)
    finally:
        shutil.rmtree(workspace, ignore_errors=True)


def survives(workspace: Path, made: list[Host], s3: s3_server.Proxy) -> None:
    """Raises AssertionError where something is lost."""
    head, dying = made
    bench = drive.Bench(workspace, drive.study(workspace, 1.0, seeds=2, epochs=16))
    url = s3.url(host=head.address.rpartition(".")[0] + ".1")
    try:
        start_ray(workspace, made)
        cluster.tell("two hosts, a Ray, and an S3 server")
        private_results_alone_are_refused(workspace, bench, head)
        s3.broken = BROKEN
        url_option = f"--checkpoints '{url}'"
        driver = start(workspace, bench, head, url_option)
        cluster.until_at_work(workspace, driver, made)
        cluster.tell("the study runs on both")
        driver = warned(workspace, bench, head, driver, lambda: start(workspace, bench, head, url_option))
        cluster.until_at_work(workspace, driver, made)
        s3.leave()
        cluster.tell("the S3 server is away")
        time.sleep(AWAY)
        s3.come_back()
        cluster.tell(f"it is back; {len(bench.log())} epochs so far")
        cluster.until_at_work(workspace, driver, made)
        dying.kill()
        cluster.tell(f"{dying.name} is dead for good")
        bench.hurry()
        output = cluster.ended(driver, workspace)
    finally:
        for host in made:
            host.kill()
    assert driver.returncode == 0, output
    assert "lost " in output, output
    place = workspace / head.name / "tmp" / "results" / "faults"
    assert not (place / "checkpoints").exists()
    cluster.compare(bench, drive.undisturbed(workspace / "undisturbed", bench.study), place)
    cluster.tell(f"{s3.connections} connections, {s3.cut} of them cut")


def warned(workspace: Path, bench: drive.Bench, head: Host, driver: "subprocess.Popen[bytes]",
           again: Callable[[], "subprocess.Popen[bytes]"]) -> "subprocess.Popen[bytes]":  # fmt: skip
    """SIGUSR1 reaches trials on both hosts through the store: no epoch that began is begun again."""
    cluster.on(workspace, head, "pkill --signal USR1 --full '^[^ ]*python -m harness run'")
    output = cluster.ended(driver, workspace)
    assert driver.returncode == 75, output
    assert "ended by SIGUSR1" in output, output
    before = {(trial, epoch) for trial, epoch, _ in bench.log()}
    count = len(bench.log())
    driver = again()
    cluster.until(lambda: driver.poll() is not None or len(bench.log()) >= count + 4, "epochs of the next start",
                  lambda: cluster.said(driver, workspace))  # fmt: skip
    assert driver.poll() is None, cluster.said(driver, workspace)
    repeated = before & {(trial, epoch) for trial, epoch, _ in bench.log()[count:]}
    assert not repeated, repeated
    cluster.tell(f"SIGUSR1: trials of both hosts ended after their epochs, {count} so far; it goes on")
    return driver


def start_ray(workspace: Path, made: list[Host]) -> None:
    head = made[0]
    for host in made:
        role = "--head --port=6379 --include-dashboard=false" if host is head else f"--address={head.address}:6379"
        line = f"{PYTHON}/ray start {role} --node-ip-address={host.address} --num-cpus=2"
        done = cluster.on(workspace, host, f"{line} --object-store-memory=80000000 > /tmp/ray.log 2>&1")
        assert "Ray runtime started" in (workspace / host.name / "tmp" / "ray.log").read_text(), done


def command(bench: drive.Bench, more: str) -> str:
    return (f"cd {bench.folder} && {PYTHON}/python -m harness run {bench.study} --results /tmp/results --address auto "
            f"--device cpu {more}")  # fmt: skip


def private_results_alone_are_refused(workspace: Path, bench: drive.Bench, head: Host) -> None:
    done = cluster.on(workspace, head, command(bench, ""))
    assert done.returncode == 2, done
    assert "is not the folder that the driver sees" in done.stderr, done


def start(workspace: Path, bench: drive.Bench, head: Host, more: str) -> "subprocess.Popen[bytes]":
    with open(workspace / "driver", "w") as log:
        return subprocess.Popen(cluster.ssh(workspace, head, command(bench, more)), stdout=log, stderr=log,
                                stdin=subprocess.DEVNULL)  # fmt: skip


if __name__ == "__main__":
    main()
