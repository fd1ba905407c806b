"""Whatever dies, the same command carries on, and the rows come out as if nothing had happened.

The long form, with a hundred kills at random moments, is `make test-faults`.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent / "faults"))
import drive
from drive import Bench

from harness import records

FAILING = ("raises", "diverges", "greedy")  # "hangs" is added where Ray runs it


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("undisturbed")
    rows = drive.undisturbed(folder, drive.study(folder, 0.3, *FAILING))
    statuses = [row["status"] for row in rows.values()]
    assert (len(rows), statuses.count("done"), statuses.count("diverged")) == (22, 16, 2)
    return rows


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path, drive.study(tmp_path, 0.3, *FAILING))
    yield bench
    bench.end()


def test_of_one_machine_anything_may_die(bench: Bench, undisturbed: dict[str, Any]) -> None:
    bench.arguments = ("--cpus", "2")
    a_worker_and_then_the_driver_are_killed(bench)
    files_are_torn(bench)
    a_second_driver_is_refused_and_the_first_interrupted(bench)
    the_user_has_no_patience(bench)
    assert bench.start().finish() == 1  # two methods fail for good
    assert drive.comparable(bench.place) == undisturbed
    assert drive.doubled(bench.place) == 0
    assert drive.repeated(bench.log()) <= 1  # the one whose checkpoint was corrupted
    assert not list((bench.place / "checkpoints").glob("*/.*")), "temporary files of killed writers"


def a_worker_and_then_the_driver_are_killed(bench: Bench) -> None:
    run = bench.start()
    bench.wait_for_epochs(3, run)
    _, _, worker = bench.log()[-1]
    assert drive.kill(worker)
    bench.wait_for(lambda: records.read(bench.place), run)
    bench.wait_for(lambda: bench.checkpoints(at_least=2), run)
    assert listens_on_loopback_alone(run.process.pid)
    below = run.kill()
    bench.wait_for(lambda: not any(drive.command(pid).startswith("ray::ImplicitFunc") for pid in below))
    before = bench.log()
    time.sleep(0.5)
    assert bench.log() == before  # a dead driver's workers do not go on


def listens_on_loopback_alone(driver: int) -> bool:
    pids = [driver, *drive.descendants(driver)]
    listening = subprocess.run(["ss", "-ltnpH"], capture_output=True, text=True, check=True).stdout.splitlines()
    ours = [line.split()[3] for line in listening if any(f"pid={pid}," in line for pid in pids)]
    assert len(ours) >= 3
    return all(address.startswith(("127.0.0.1:", "[::ffff:127.0.0.1]:", "[::1]:")) for address in ours)


def files_are_torn(bench: Bench) -> None:
    older, newest = bench.wait_for(lambda: bench.checkpoints(at_least=2))[0][-2:]
    drive.corrupt(newest)
    drive.tear_checkpoint(older)
    drive.tear_rows(bench.place)
    drive.tear_plan(bench.place)


def a_second_driver_is_refused_and_the_first_interrupted(bench: Bench) -> None:
    first = bench.start()
    bench.wait_for_epochs(2, first)
    second = bench.start()
    assert second.finish() == 2
    assert "another nas-harness is running this study" in second.text()
    first.signal(signal.SIGINT)
    assert first.finish() == 130
    assert "the same command again carries on" in first.text()


def the_user_has_no_patience(bench: Bench) -> None:
    run = bench.start()
    bench.wait_for_epochs(2, run)
    for _ in range(2):
        run.signal(signal.SIGINT)
        time.sleep(0.3)
        if run.process.poll() is not None:
            break
    assert run.finish() == 130


def test_of_a_cluster_anything_may_die(tmp_path: Path, undisturbed: dict[str, Any]) -> None:
    """A node, while one trial hangs and one does not fit beside others; then the head. One machine takes over."""
    bench = Bench(tmp_path, drive.study(tmp_path, 0.3, *FAILING, "hangs"), ("--time-limit", "10"))
    try:
        with drive.two_nodes(tmp_path) as cluster:
            run = bench.start("--address", cluster["address"], "--gpus-per-trial", "0.5", "--cpus-per-trial", "0.5")
            bench.wait_for(lambda: len({pid for _, _, pid in bench.log()}) >= 3, run)
            assert drive.kill(cluster["raylet"])
            bench.wait_for_epochs(8, run)
            assert drive.kill(cluster["head"])
            assert run.finish() == 1
            assert "Ray's head at" in run.text()
            assert "the same command carries on" in run.text()
        assert bench.start("--cpus", "2").finish() == 1
        rows = drive.comparable(bench.place)
        hung = [rows.pop(key) for key in set(rows) - set(undisturbed)]
        assert [row["status"] for row in hung] == ["failed", "failed"]
        assert all(row["error"].startswith("time limit: no epoch ended within") for row in hung)
        assert all("fault_task.py" in row["error"] for row in hung)
        assert rows == undisturbed
        assert drive.doubled(bench.place) == 0
        assert drive.repeated(bench.log()) == 0
    finally:
        bench.end()


def test_a_full_disk_stops_a_study_that_goes_on_when_there_is_room(tmp_path: Path,
                                                                   undisturbed: dict[str, Any]) -> None:  # fmt: skip
    with small_disk(tmp_path / "disk") as disk:
        bench = Bench(tmp_path, drive.study(tmp_path, 0.3, *FAILING))
        (tmp_path / "results").symlink_to(disk)
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(900_000))
        run = bench.start("--cpus", "2")
        assert run.finish() == 1
        last = run.text().splitlines()[-1]
        assert last.endswith("no space left on the disk; free some, then the same command carries on")
        had = drive.comparable(bench.place)
        assert had
        assert had.items() <= undisturbed.items()
        ballast.unlink()
        assert bench.start("--executor", "in-process").finish() == 1
        assert drive.comparable(bench.place) == undisturbed
        assert drive.doubled(bench.place) == 0
        assert drive.repeated(bench.log()) == 0


@contextlib.contextmanager
def small_disk(mount: Path) -> Iterator[Path]:
    mount.mkdir()
    size = "size=1m,mode=0777"
    if os.getuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", size, "none", str(mount)], check=False).returncode:
        pytest.skip("a file system of one megabyte needs root")
    try:
        yield mount
    finally:
        subprocess.run(["umount", "--lazy", str(mount)], check=True)
