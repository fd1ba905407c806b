"""A study over three separate hosts, started by the shipped cluster.yaml; one is cut off, one dies, nothing is lost.

Where this machine cannot make hosts (no root, no namespaces, no sshd), it says so and ends with status 0.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "faults"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import drive
from hosts import REPOSITORY, Host, Impossible, hosts

LIMIT = 300.0  # seconds for anything at all
RECENT = 3.0  # seconds
CUT_OFF = 40.0  # seconds: longer than Ray waits for a node
STARTED = time.monotonic()


def main() -> None:
    # Not below /tmp, of which every host has its own.
    workspace = Path(tempfile.mkdtemp(prefix="nas-harness-cluster-", dir="/var/tmp"))
    try:
        environment = {"PYTHONPATH": f"{REPOSITORY}:{REPOSITORY}/tests/faults", "OMP_NUM_THREADS": "1",
                       drive.LOG: str(workspace), "RAY_AUTH_MODE": "token", "RAY_health_check_period_ms": "1000",
                       "RAY_health_check_timeout_ms": "5000"}  # fmt: skip
        with hosts(workspace, 3, environment) as made:
            tell(f"three hosts: {', '.join(f'{host.name} {host.address}' for host in made)}")
            survives(workspace, made)
    except Impossible as why:
        print(f"{'=' * 30}\nSKIPPED: make test-cluster: {why}\n{'=' * 30}", flush=True)
    finally:
        shutil.rmtree(workspace, ignore_errors=True)
        for left in Path("/tmp/ray").glob(f"cluster-{workspace.name}.*"):  # of ray up
            left.unlink()


def survives(workspace: Path, made: list[Host]) -> None:
    """Raises AssertionError where something is lost."""
    head, cut, dying = made
    bench = drive.Bench(workspace, drive.study(workspace, 1.0, seeds=3, epochs=40))
    try:
        config = str(cluster_yaml(workspace, made))
        (workspace / "laptop").mkdir()
        by_ray(workspace, "get-auth-token", "--generate")
        by_ray(workspace, "up", "--yes", "--no-config-cache", config)
        until(lambda: alive(workspace, head) == 3, "three nodes", lambda: monitor(workspace, head))
        tell("ray up: three nodes")
        assert "Active:" in by_ray(workspace, "exec", config, "~/nas-harness/.venv/bin/ray status")
        private_results_are_refused(workspace, bench, made)
        driver = start(workspace, bench, head)
        until_at_work(workspace, driver, made)
        tell("the study runs on all three")
        cut.unplug()
        tell(f"{cut.name} is cut off")
        time.sleep(CUT_OFF)
        cut.plug_in()
        tell(f"{cut.name} is back; {len(bench.log())} epochs so far")
        until_at_work(workspace, driver, [cut, dying])
        tell(f"{cut.name} runs trials again")
        dying.kill()
        tell(f"{dying.name} is dead for good")
        bench.hurry()
        output = ended(driver, workspace)
        by_ray(workspace, "exec", config, "~/nas-harness/.venv/bin/ray stop")
        until(lambda: not any(on(workspace, host, "pgrep raylet").stdout for host in (head, cut)), "end of Ray")
        tell("ray stop on the head: no Ray on any host")
    finally:
        for host in made:
            host.kill()
    assert driver.returncode == 0, output
    assert "lost " in output, output
    compare(bench, drive.undisturbed(workspace / "undisturbed", bench.study))


def private_results_are_refused(workspace: Path, bench: drive.Bench, made: list[Host]) -> None:
    """Of a folder that each host has for itself; the two that do not see the driver's are named."""
    done = on(workspace, made[0], command(bench, "/tmp/private"))
    assert done.returncode == 2, done
    lines = [line for line in done.stderr.splitlines() if "is not the folder that the driver sees" in line]
    assert {host.name for host in made[1:]} == {name for line in lines for name in line.split() if name[:2] == "nh"}
    tell("results that are not shared are refused, and the hosts named")


def ended(driver: "subprocess.Popen[bytes]", workspace: Path) -> str:
    """What it said, once it has ended by itself."""
    try:
        driver.wait(LIMIT)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"the driver still runs\n{said(driver, workspace)}") from None
    tell(f"the driver ended with {driver.returncode}")
    return said(driver, workspace)


def compare(bench: drive.Bench, expected: dict[str, dict[str, Any]], place: Path | None = None) -> None:
    """Raises AssertionError where the table, which lies in `place`, differs from an undisturbed run's."""
    place = place or bench.place
    rows = drive.comparable(place)
    assert rows == expected, drive.unlike(rows, expected)
    assert drive.doubled(place) == 0
    assert drive.repeated(bench.log()) == 0
    hosts_used = {json.loads(line)["host"] for line in (place / "trials.jsonl").read_text().splitlines()}
    begun, needed = len(bench.log()), sum(row["epochs"] for row in rows.values())
    tell(f"PASSED: {len(rows)} rows from {len(hosts_used)} hosts equal an undisturbed run's; {needed} epochs, "
         f"{begun - needed} more begun and cut short, 0 finished ones repeated")  # fmt: skip


def cluster_yaml(workspace: Path, made: list[Host]) -> Path:
    """The shipped file, filled in for these hosts. The code is synchronised, but not installed from a registry."""
    config = yaml.safe_load((REPOSITORY / "cluster.yaml").read_text())
    config["cluster_name"] = workspace.name
    config["provider"] |= {"head_ip": made[0].address, "worker_ips": [host.address for host in made[1:]]}
    config["auth"] = {"ssh_user": "root", "ssh_private_key": str(workspace / "key")}
    config["file_mounts"]["~/nas-harness"] = str(REPOSITORY)
    environment = Path(sys.prefix)
    config["setup_commands"] = [config["setup_commands"][0], f"ln -sfn {environment} ~/nas-harness/.venv"]
    for commands in ("head_start_ray_commands", "worker_start_ray_commands"):
        config[commands] = [re.sub(r"( start .*)", r"\1 --num-cpus=2 --num-gpus=1 --object-store-memory=80000000", line)
                            for line in config[commands]]  # fmt: skip
    path = workspace / "cluster.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def by_ray(workspace: Path, *arguments: str) -> str:
    """What such a command of Ray says on a laptop that reaches all hosts, with a home of its own."""
    env = {**os.environ, "HOME": str(workspace / "laptop"), "RAY_AUTH_MODE": "token", "RAY_USAGE_STATS_ENABLED": "0"}
    done = subprocess.run([f"{sys.prefix}/bin/ray", *arguments], env=env, stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.STDOUT, check=False, stdin=subprocess.DEVNULL, timeout=LIMIT)  # fmt: skip
    assert done.returncode == 0, done.stdout[-5000:]
    return done.stdout


def start(workspace: Path, bench: drive.Bench, head: Host) -> "subprocess.Popen[bytes]":
    """The driver, on the head, as its user would start it there."""
    line = ssh(workspace, head, command(bench, str(bench.results)))
    with open(workspace / "driver", "w") as log:
        return subprocess.Popen(line, stdout=log, stderr=log, stdin=subprocess.DEVNULL)


def command(bench: drive.Bench, results: str) -> str:
    return (f"cd {bench.folder} && ~/nas-harness/.venv/bin/python -m harness run {bench.study} --results {results} "
            "--address auto --device cpu --cpus-per-trial 0.5 --gpus-per-trial 0.5")  # fmt: skip


def ssh(workspace: Path, host: Host, line: str) -> list[str]:
    return ["ssh", "-i", str(workspace / "key"), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
            "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=5", f"root@{host.address}", line]  # fmt: skip


def on(workspace: Path, host: Host, line: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(ssh(workspace, host, line), capture_output=True, text=True, timeout=LIMIT, check=False,
                          stdin=subprocess.DEVNULL)  # fmt: skip


def alive(workspace: Path, head: Host) -> int:
    """Nodes that Ray has."""
    code = "import ray; ray.init('auto', logging_level='ERROR'); print(sum(n['Alive'] for n in ray.nodes()))"
    found = on(workspace, head, f'~/nas-harness/.venv/bin/python -c "{code}"').stdout.split()
    return int(found[-1]) if found and found[-1].isdigit() else 0


def monitor(workspace: Path, head: Host) -> str:
    return on(workspace, head, "tail -n 60 /tmp/ray/session_latest/logs/monitor.*").stdout


def at_work(workspace: Path) -> set[str]:
    """The hosts on which an epoch began in the last seconds."""
    log = workspace / "epochs.log"
    lines = [line.split() for line in log.read_text().splitlines()[-50:]] if log.exists() else []
    return {host for _, _, when, _, host in lines if time.time() - float(when) < RECENT}


def until_at_work(workspace: Path, driver: "subprocess.Popen[bytes]", made: list[Host]) -> None:
    """Raises AssertionError where an epoch does not begin on all of these hosts before the study ends."""
    names = {host.name for host in made}
    until(lambda: driver.poll() is not None or names <= at_work(workspace), f"epochs on {', '.join(sorted(names))}",
          lambda: said(driver, workspace))  # fmt: skip
    assert driver.poll() is None, said(driver, workspace)


def said(driver: "subprocess.Popen[bytes]", workspace: Path) -> str:
    return f"driver: {driver.poll()}\n" + (workspace / "driver").read_text(errors="replace")[-6000:]


def until(done: Callable[[], bool], what: str, more: Callable[[], str] = lambda: "") -> None:
    end = time.monotonic() + LIMIT
    while not done():
        assert time.monotonic() < end, f"no {what} within {LIMIT:.0f} s\n{more()}"
        time.sleep(1)


def elapsed() -> float:
    return time.monotonic() - STARTED


def tell(text: str) -> None:
    print(f"{elapsed():5.0f} s  {text}", flush=True)


if __name__ == "__main__":
    main()
