"""Whatever dies, the same command carries on, and the rows come out as if nothing had happened.

The long form, with a hundred kills at random moments, is `make test-faults`.
"""

import contextlib
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "faults"))
import drive
import fault_task
from drive import Bench
from run import Books, Line

from harness.storage.folder import rows_file
from harness.storage.rows import read_rows

pytestmark = pytest.mark.ray
LAST = 4  # epoch of a trial
FAILING = ("raises", "diverges")  # two methods more hang or do not fit where a cluster runs them


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("undisturbed")
    rows = drive.undisturbed(folder, drive.study(folder, 0.3, *FAILING))
    statuses = [row["status"] for row in rows.values()]
    assert (len(rows), statuses.count("done"), statuses.count("diverged")) == (20, 16, 2)
    return rows


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path, drive.study(tmp_path, 0.3, *FAILING))
    yield bench
    bench.end()


@pytest.mark.slow
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
    bench.hold(3)
    run = bench.start()
    bench.wait_for_epochs(3, run)
    _, _, worker = bench.log()[-1]
    assert drive.kill(worker)
    bench.hold(20, epoch=3)  # by then trials have ended, and those that wait have two checkpoints
    bench.wait_for(lambda: read_rows(bench.place), run)
    bench.wait_for(lambda: bench.checkpoints(at_least=2), run)
    addresses = drive.listening([run.process.pid, *drive.descendants(run.process.pid)])
    assert len(addresses) >= 3
    assert set(addresses) <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
    below = run.kill()
    bench.wait_for(lambda: not any(drive.command(pid).startswith("ray::ImplicitFunc") for pid in below))
    bench.go_on()
    before = bench.log()
    time.sleep(1)
    assert bench.log() == before  # a dead driver's workers do not go on


def files_are_torn(bench: Bench) -> None:
    older, newest = bench.wait_for(lambda: bench.checkpoints(at_least=2))[0][-2:]
    drive.corrupt(newest)
    drive.tear_checkpoint(older)
    drive.tear_rows(bench.place)
    drive.tear_plan(bench.place)


def a_second_driver_is_refused_and_the_first_interrupted(bench: Bench) -> None:
    bench.hold(2)
    first = bench.start()
    bench.wait_for_epochs(2, first)
    second = bench.start()
    assert second.finish() == 2
    assert "another nas-harness is running this study" in second.text()
    first.signal(signal.SIGINT)
    assert first.finish() == 130
    bench.go_on()
    assert "the same command again carries on" in first.text()


def the_user_has_no_patience(bench: Bench) -> None:
    bench.hold(2)
    run = bench.start()
    bench.wait_for_epochs(2, run)
    for _ in range(2):
        run.signal(signal.SIGINT)
        time.sleep(0.3)
        if run.process.poll() is not None:
            break
    assert run.finish() == 130
    bench.go_on()


@pytest.mark.slow
def test_of_a_cluster_anything_may_die(tmp_path: Path, undisturbed: dict[str, Any]) -> None:
    """A node, while one trial hangs and one does not fit beside others; then the head. One machine takes over."""
    bench = Bench(tmp_path, drive.study(tmp_path, 0.3, *FAILING, "hangs", "greedy"), ("--time-limit", "10"))
    try:
        with drive.two_nodes(tmp_path) as cluster:
            bench.hold(0, epoch=LAST)
            run = bench.start("--address", cluster["address"], "--gpus-per-trial", "0.5", "--cpus-per-trial", "0.5")
            node = bench.wait_for(lambda: at_work_below(cluster["raylet"], bench), run)
            for pid in [*node, cluster["raylet"]]:
                drive.kill(pid)
            bench.go_on()
            bench.wait_for(lambda: {"greedy", "hangs"} <= {row["method"] for row in read_rows(bench.place)}, run)
            assert drive.kill(cluster["head"])
            assert run.finish() == 1
            assert "Ray's head at" in run.text()
            assert "the same command carries on" in run.text()
            assert "lost " in run.text()
            assert "no memory train  greedy seed" in run.text()
        assert bench.start("--cpus", "2").finish() == 1
        rows = drive.comparable(bench.place)
        more = [rows.pop(key) for key in set(rows) - set(undisturbed)]
        hung = [row for row in more if row["method"] == "hangs"]
        assert [row["status"] for row in hung] == ["failed", "failed"]
        assert all(row["error"].startswith("time limit: no epoch ended within") for row in hung)
        assert all("fault_task.py" in row["error"] for row in hung)
        assert any(row["status"] == "done" for row in more if row["method"] == "greedy")  # with the whole GPU
        assert rows == undisturbed
        assert drive.doubled(bench.place) == 0
        assert drive.repeated(bench.log()) == 0
    finally:
        bench.end()


@pytest.mark.slow
def test_machines_that_join_with_other_code_or_none_get_no_trials(tmp_path: Path) -> None:
    bench = Bench(tmp_path, drive.study(tmp_path, 3.0, seeds=6))  # minutes, where nobody hurries
    try:
        with drive.two_nodes(tmp_path) as cluster:
            run = bench.start("--address", cluster["address"], "--gpus-per-trial", "0.5", "--cpus-per-trial", "0.5")
            bench.wait_for_epochs(1, run)
            for number, code in enumerate((with_other_code(tmp_path), with_broken_code(tmp_path)), 1):
                cluster["input"].write(f"{code}:{Path(drive.__file__).parent}\n")
                cluster["input"].flush()
                bench.wait_for(lambda number=number: len(refused(run)) == number, run)
            bench.hurry()
            assert run.finish() == 0
        other, broken = refused(run)
        assert "has another version of nas-harness's code than the driver" in other
        assert "cannot run nas-harness (No module named 'torch'); install it there" in broken
        assert "lost " not in run.text()
        assert drive.comparable(bench.place) == drive.undisturbed(tmp_path / "undisturbed", bench.study)
        assert drive.doubled(bench.place) == drive.repeated(bench.log()) == 0
    finally:
        bench.end()


def with_other_code(folder: Path) -> Path:
    for package in ("harness", "spaces"):
        shutil.copytree(drive.REPOSITORY / package, folder / "other" / package,
                        ignore=shutil.ignore_patterns("__pycache__"))  # fmt: skip
    (folder / "other" / "spaces" / "__init__.py").write_text("# another version")
    return folder / "other"


def with_broken_code(folder: Path) -> Path:
    (folder / "broken" / "harness").mkdir(parents=True)
    (folder / "broken" / "harness" / "__init__.py").write_text("raise ImportError(\"No module named 'torch'\")")
    return folder / "broken"


def refused(run: drive.Run) -> list[str]:
    return [line for line in run.text().splitlines() if line.endswith("it gets no trials")]


def test_the_hundred_faults_book_every_repeated_epoch_but_those_of_damaged_checkpoints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(drive.LOG, str(tmp_path))
    bench = Bench(tmp_path, tmp_path / "study.toml")
    rows = {name: {"key": name, "settings": {"trial": name}, "status": "done", "curve": []} for name in "ab"}
    rows_file(bench.place).parent.mkdir(parents=True)
    rows_file(bench.place).write_text("".join(f"{json.dumps(row)}\n" for row in rows.values()))
    first, second = Line("first", 1, lambda *_: True), Line("second", 1, lambda *_: True)
    books = Books(bench)

    def begin(*epochs: str) -> None:
        for name, epoch in epochs:
            fault_task.write(fault_task.identity({"trial": name}), int(epoch))

    begin("a1", "a2", "b1", "b2")
    bench.damaged.append(("a", 1, len(bench.log())))
    begin("a1", "a2")
    books.charge(first)
    begin("a1", "b1")  # that of a was not damaged again, that of b never
    books.charge(second)
    rows_file(bench.place).write_text(f"{json.dumps(rows['a'])}\n" * 2)  # b's row is gone, a's is there twice
    books.close()
    assert (first.repeated, first.lost, first.doubled) == (0, 0, 0)
    assert (second.repeated, second.lost, second.doubled) == (2, 1, 1)


def at_work_below(raylet: int, bench: Bench) -> list[int]:
    """The processes of a node, where one of them is held in its trial's last epoch."""
    below = list(drive.descendants(raylet))
    return below if any(epoch == LAST and pid in below for _, epoch, pid in bench.log()) else []


@pytest.mark.parametrize(
    "kind", [pytest.param("a file system of a megabyte", marks=pytest.mark.slow), "files that may not grow"]
)
def test_a_full_disk_stops_a_study_that_goes_on_when_there_is_room(
    kind: str, tmp_path: Path, undisturbed: dict[str, Any]
) -> None:
    bench = Bench(tmp_path, drive.study(tmp_path, 0.3, *FAILING))
    with little_room(kind, bench) as arguments:
        run = bench.start(*arguments)
        assert run.finish() == 1
        last = run.text().splitlines()[-1]
        assert last.endswith("no space left on the disk; free some, then the same command carries on")
        had = drive.comparable(bench.place)
        assert had
        assert had.items() <= undisturbed.items()
        bench.prefix = ()
        (bench.results / "ballast").unlink(missing_ok=True)
        bench.hurry()
        assert bench.start("--executor", "in-process").finish() == 1
        assert drive.comparable(bench.place) == undisturbed
        assert drive.doubled(bench.place) == 0
        assert drive.repeated(bench.log()) == 0


@contextlib.contextmanager
def little_room(kind: str, bench: Bench) -> Iterator[list[str]]:
    """Gives the arguments of a run that will find the disk full. Only root can mount; limits are anyone's."""
    if kind == "files that may not grow":
        bench.prefix = ("prlimit", "--fsize=40000")
        bench.hurry()
        yield ["--executor", "in-process"]
        return
    bench.results.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(bench.results)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a file system of its own needs root")
    try:
        (bench.results / "ballast").write_bytes(bytes(975_000))
        yield ["--cpus", "2"]
    finally:
        subprocess.run(["umount", "--lazy", str(bench.results)], check=True)
