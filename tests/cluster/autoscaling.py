"""A study on a Ray cluster that grows and shrinks with what waits, and loses nodes at random; nothing is lost.

The cluster is the one with which Ray tests its own autoscaler: each node is a raylet on this machine. Where it cannot
be started, the script says so and ends with status 0.
"""

import argparse
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "faults"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import drive

from harness.storage.rows import read_rows

NODES = 3  # workers at most
BOOT_SECONDS = 60.0
AUTOSCALER = {
    "AUTOSCALER_UPDATE_INTERVAL_S": "1",
    "RAY_FAKE_CLUSTER": "1",
    "RAY_enable_autoscaler_v2": "0",  # the newer one needs a file that is not in Ray's package
    "AUTOSCALER_HEARTBEAT_TIMEOUT_S": "4",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "disabled",  # all is on loopback
    "RAY_health_check_initial_delay_ms": "500",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_failure_threshold": "3",
}
HEAD, HEAD_TYPE = "f" * 51 + "0" * 5, "ray.head.default"  # as the provider calls them
STARTED = time.monotonic()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--losses", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    os.environ.update(AUTOSCALER)
    workspace = Path(tempfile.mkdtemp(prefix="nas-harness-scaling-"))
    try:
        with cluster(workspace) as (head, address):
            survives(workspace, head, address, options.losses, random.Random(options.seed))
    finally:
        shutil.rmtree(workspace, ignore_errors=True)


def survives(workspace: Path, head: "subprocess.Popen[bytes]", address: str, losses: int,
             chance: random.Random) -> None:  # fmt: skip
    """Raises AssertionError where something is lost."""
    bench = drive.Bench(workspace, drive.study(workspace, 1.0, seeds=3, epochs=60),
                        ("--address", address, "--device", "cpu"))  # fmt: skip
    assert len(workers(head)) == 0
    run = bench.start()
    try:
        bench.wait_for(lambda: len(workers(head)) == NODES, run)
        tell(f"from 0 to {NODES} nodes with what waits")
        for number in range(1, losses + 1):
            bench.wait_for_epochs(chance.randint(1, 3), run)
            lost = chance.choice(bench.wait_for(lambda: workers(head), run))
            assert drive.kill(lost)
            tell(f"loss {number}: {len(bench.log())} epochs begun, {len(workers(head))} nodes left")
        bench.wait_for(lambda: len(workers(head)) == NODES, run)
        tell(f"{NODES} nodes again")
        bench.hurry()
        status = run.finish()
        assert status == 0, run.text()
        bench.wait_for(lambda: not workers(head))
        tell("no node is left where nothing waits")
    finally:
        bench.end()
    compare(bench, run.text(), losses)


def compare(bench: drive.Bench, said: str, losses: int) -> None:
    """Raises AssertionError where the table differs from an undisturbed run's, or a trial failed meanwhile."""
    expected = drive.undisturbed(bench.folder / "undisturbed", bench.study)
    rows = drive.comparable(bench.place)
    assert rows == expected, drive.unlike(rows, expected)
    assert not [row for row in read_rows(bench.place) if row["status"] == "failed"]
    assert drive.doubled(bench.place) == 0
    assert drive.repeated(bench.log()) == 0
    assert "it waits for one to join" in said, said
    begun, needed = len(bench.log()), sum(row["epochs"] for row in rows.values())
    tell(f"PASSED: {losses} nodes lost, {len(rows)} rows equal an undisturbed run's, none failed; {needed} epochs, "
         f"{begun - needed} more begun and cut short, 0 finished ones repeated")  # fmt: skip


@contextmanager
def cluster(workspace: Path) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    """Ray's head, which runs no trials, and its address. Ends what it started and nothing else."""
    config = workspace / "autoscaling.json"
    port = _free_port()
    config.write_text(json.dumps(configuration(port)))
    line = [str(Path(sys.prefix) / "bin" / "ray"), "start", "--head", "--block", "--include-dashboard=false",
            f"--port={port}", "--num-cpus=0", "--node-ip-address=127.0.0.1", "--object-store-memory=80000000",
            f"--autoscaling-config={config}", f"--temp-dir={workspace / 'ray'}"]  # fmt: skip
    named = {**drive.environment(workspace), "RAY_OVERRIDE_NODE_ID_FOR_TESTING": HEAD}
    named["PYTHONPATH"] += f":{Path(__file__).parent}"
    with open(workspace / "head", "w") as output:
        head = subprocess.Popen(line, stdout=output, stderr=output, stdin=subprocess.DEVNULL, env=named,
                                start_new_session=True)  # fmt: skip
    started: list[int] = []
    try:
        _wait(workspace / "head", head)
        yield head, f"127.0.0.1:{port}"
    except AssertionError:
        print((workspace / "head").read_text()[-5000:])
        raise
    finally:
        started = list(drive.descendants(head.pid))
        head.terminate()
        for pid in [head.pid, *started]:
            drive.kill(pid)
        head.wait(30)


def configuration(port: int) -> dict[str, Any]:
    """Of Ray's fake provider: nodes of one core, each a raylet on this machine."""
    worker = {"resources": {"CPU": 1, "object_store_memory": 80 * 2**20}, "node_config": {}, "max_workers": NODES}
    head = {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0}
    return {
        "cluster_name": "scaling", "auth": {}, "head_node_type": HEAD_TYPE,
        "provider": {"type": "external", "module": "own_nodes.Nodes", "gcs_address": f"127.0.0.1:{port}",
                     "head_node_id": HEAD, "use_node_id_as_ip": True, "disable_node_updaters": True,
                     "launch_multiple": True},
        "available_node_types": {HEAD_TYPE: head, "worker": {**worker, "min_workers": 0}}, "max_workers": NODES,
        "upscaling_speed": 10.0, "idle_timeout_minutes": 0.1, "file_mounts": {}, "cluster_synced_files": [],
        **{f"{what}_commands": [] for what in ("initialization", "setup", "head_setup", "worker_setup",
                                               "head_start_ray", "worker_start_ray")},
    }  # fmt: skip


def _wait(output: Path, head: "subprocess.Popen[bytes]") -> None:
    """Waits until Ray's head runs. Raises AssertionError where it does not."""
    end = time.monotonic() + BOOT_SECONDS
    while "Ray runtime started" not in output.read_text():
        if head.poll() is not None or time.monotonic() > end:
            raise AssertionError(f"Ray's head does not come up: {output.read_text()[-2000:]}")
        time.sleep(0.2)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
    return port


def workers(head: "subprocess.Popen[bytes]") -> list[int]:
    """Raylets of nodes other than the head's."""
    lines = {pid: drive.command(pid) for pid in drive.descendants(head.pid)}
    return [pid for pid, line in lines.items() if os.path.basename(line.split(" ")[0]) == "raylet"
            and "--head" not in line]  # fmt: skip


def tell(text: str) -> None:
    print(f"{time.monotonic() - STARTED:5.0f} s  {text}", flush=True)


if __name__ == "__main__":
    main()
