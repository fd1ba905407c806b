"""SIGTERM, SIGHUP and SIGUSR1 end a run with status 75, else as Ctrl-C does; what a killed driver leaves goes soon."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.storage.rows import read_rows

STUDY = """
name = "long"
space = "shortcut-vgg11"
task = "harness.training.formula:stand_in"
data = { name = "digits", image_size = 32 }
seeds = { search = 2 }
search = { epochs = 2, snapshots = [1, 2] }
recipe = { epochs = 6, lr = 0.3 }
space_options = { width = 0.125 }
method = [{ name = "darts-A", rule = "A", twins = 1 }, { name = "baseline" }]
"""
JOBS = 12
PATIENCE = 180.0


@pytest.fixture
def place() -> Iterator[Path]:
    """A short path: that of a socket has at most 107 characters."""
    with tempfile.TemporaryDirectory(prefix="n", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def started(place: Path, *arguments: str) -> subprocess.Popen:
    """A run that has a row, in a process group of its own, with its own folders for temporary files."""
    (place / "long.toml").write_text(STUDY)
    (place / "ray").mkdir()
    (place / "tmp").mkdir()
    with open(place / "output", "w") as output:
        run = subprocess.Popen([*command(place), *arguments], stdout=output, stderr=output, start_new_session=True,
                               env=environment(place))  # fmt: skip
    end = time.monotonic() + PATIENCE
    while not (place / "results" / "long" / "trials.jsonl").exists() or not read_rows(place / "results" / "long"):
        assert run.poll() is None, (place / "output").read_text()
        assert time.monotonic() < end
        time.sleep(0.1)
    return run


def command(place: Path) -> list[str]:
    return [sys.executable, "-m", "harness", "run", str(place / "long.toml"), "--results", str(place / "results")]


def environment(place: Path) -> dict[str, str]:
    return {**os.environ, "RAY_TMPDIR": str(place / "ray"), "TMPDIR": str(place / "tmp")}


def said(place: Path) -> list[str]:
    return (place / "output").read_text().splitlines()


def nothing_left(place: Path, run: subprocess.Popen) -> bool:
    """Neither processes of its session nor folders."""
    alive = subprocess.run(["ps", "-o", "stat=", "-s", str(run.pid)], capture_output=True, text=True).stdout.split()
    folders = [*(place / "ray").glob("ray/*"), *(place / "tmp").glob("nas-harness-*")]
    return all(state.startswith("Z") for state in alive) and not folders


def wait_until_nothing_is_left(place: Path, run: subprocess.Popen) -> None:
    end = time.monotonic() + PATIENCE
    while not nothing_left(place, run):
        assert time.monotonic() < end, [*(place / "ray").rglob("*"), *(place / "tmp").iterdir()]
        time.sleep(0.2)


@pytest.mark.long
@pytest.mark.parametrize("name", ["SIGTERM", pytest.param("SIGHUP", marks=pytest.mark.slow)])
def test_in_process_the_rows_are_kept_and_one_line_says_it(name: str, place: Path) -> None:
    run = started(place, "--executor", "in-process")
    run.send_signal(getattr(signal, name))
    assert run.wait(PATIENCE) == 75
    assert said(place)[-1] == f"nas-harness: ended by {name}; the same command again carries on"
    assert "Traceback" not in "".join(said(place))
    rows = read_rows(place / "results" / "long")
    assert 0 < len(rows) < JOBS


@pytest.mark.ray
@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("SIGTERM", 75),
        ("SIGINT", 130),
        *(pytest.param(one, 75, marks=pytest.mark.slow) for one in ("SIGHUP", "SIGUSR1")),
    ],
)
def test_under_ray_nothing_is_left_but_the_rows(name: str, status: int, place: Path) -> None:
    run = started(place, "--cpus", "2")
    run.send_signal(getattr(signal, name))
    assert run.wait(PATIENCE) == status
    ended = "interrupted" if name == "SIGINT" else f"ended by {name}"
    assert said(place)[-1] == f"nas-harness: {ended}; the same command again carries on"
    assert not [line for line in said(place) if "received at time" in line or "Traceback" in line]
    assert read_rows(place / "results" / "long")
    wait_until_nothing_is_left(place, run)


@pytest.mark.ray
@pytest.mark.skipif(sys.platform != "linux", reason="Ray's processes are found in /proc")
def test_after_a_kill_rays_agents_end_and_its_folders_go(place: Path) -> None:
    run = started(place, "--cpus", "2")
    time.sleep(5)  # so that what watches the driver has seen Ray's processes
    run.kill()
    run.wait()
    wait_until_nothing_is_left(place, run)


@pytest.mark.ray
def test_what_a_killed_watcher_left_goes_with_the_next_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.ray_tune import leftovers

    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    storage, session = tmp_path / f"{leftovers.prefix()}0", tmp_path / "ray" / "session_1"
    for folder in (storage, session):
        folder.mkdir(parents=True)
    (session.parent / "session_latest").symlink_to(session)
    (session / "file").touch()
    leftovers.hold(storage)
    leftovers.note(storage, str(session))
    leftovers.sweep()
    assert session.exists()  # somebody uses it
    os.close(leftovers._locks.pop(storage))  # as the end of its driver does
    leftovers.sweep()
    assert not storage.exists()
    assert not list(session.parent.iterdir())


@pytest.mark.ray
def test_a_folder_that_somebody_else_names_is_no_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.ray_tune import leftovers

    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    mine = tmp_path / "mine"
    mine.mkdir()
    storage = tmp_path / f"{leftovers.prefix()}0"
    storage.mkdir()
    (storage / leftovers.HELD).touch()
    (storage / leftovers.SESSION).write_text(str(mine))
    leftovers.sweep()
    assert mine.exists()


@pytest.mark.ray
@pytest.mark.parametrize("address", ["nowhere.invalid:1234", "127.0.0.1:9", "nowhere", "a:b", ":1"])
def test_an_address_where_nobody_answers_is_said_at_once(address: str) -> None:
    from harness.ray_tune import reach

    start = time.monotonic()
    assert reach.fault(address)
    assert time.monotonic() - start < reach.SECONDS + 5
