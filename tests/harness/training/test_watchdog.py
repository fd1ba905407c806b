"""What hangs is ended, in Python and in C, and says where it stood; what lives is left alone."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from harness.ray_tune.heartbeat import Heartbeat
from harness.storage.folder import watch_file
from harness.training import watchdog
from harness.training.watchdog import TrialWatch, timeout_reason

pytestmark = pytest.mark.long

HANGS = """
import sys, time
from pathlib import Path
from harness.training.watchdog import TrialWatch
def python(): time.sleep(60)
def c(): sum(range(10**11))  # holds the interpreter
watch = TrialWatch(Path(sys.argv[1]), 0.5)
watch.start()
globals()[sys.argv[2]]()
"""


@pytest.mark.parametrize("where", ["python", "c"])
def test_a_process_that_hangs_ends_and_says_where(where: str, tmp_path: Path) -> None:
    file = tmp_path / "job" / "hung.txt"
    line = [sys.executable, "-c", HANGS, str(file), where]
    done = subprocess.run(line, cwd=Path(__file__).parents[3], timeout=60, check=False)
    assert done.returncode == 1
    said = timeout_reason(file)
    assert said is not None
    assert said.startswith("time limit: no epoch ended within 0:00:00.5")
    assert f"it stood in {where}" in said
    assert timeout_reason(file) is None


def test_a_file_that_is_no_text_is_no_reason(tmp_path: Path) -> None:
    (tmp_path / "hung.txt").write_bytes(b"\xff\xfe")
    assert timeout_reason(tmp_path / "hung.txt") is None
    assert not list(tmp_path.iterdir())


class Clock:
    """faulthandler's, by which a process ends; here its time passes where a test says so."""

    file: IO[str] | None = None

    def __init__(self) -> None:
        self.left, self.over, self.now = float("inf"), False, 0.0

    def dump_traceback_later(self, limit: float, *, exit: bool, file: IO[str]) -> None:
        self.left, self.file = limit, file

    def cancel_dump_traceback_later(self) -> None:
        self.left = float("inf")

    def monotonic(self) -> float:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += seconds
        self.left -= seconds
        self.over |= self.left <= 0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(watchdog, "faulthandler", clock)
    monkeypatch.setattr(watchdog, "monotonic", clock.monotonic)
    return clock


def test_a_process_that_gets_on_lives(tmp_path: Path, clock: Clock) -> None:
    watch = TrialWatch(tmp_path / "hung.txt", 2.0)
    for _ in range(3):
        watch.start()
        clock.passes(1.5)
        watch.stop()
        clock.passes(1.5)
    watch.close()
    clock.passes(3)
    assert not clock.over
    assert timeout_reason(tmp_path / "hung.txt") is None
    assert list(tmp_path.iterdir()) == []


def test_the_last_epochs_time_is_limited_too(tmp_path: Path, clock: Clock) -> None:
    watch = TrialWatch(tmp_path / "hung.txt", 2.0)
    watch.start()
    watch.stop()
    watch.start()
    clock.passes(2.5)
    watch.close()
    assert clock.over


def test_of_trials_that_take_turns_each_has_its_own_time(tmp_path: Path, clock: Clock) -> None:
    first, second = (TrialWatch(tmp_path / name, 2.0) for name in ("first.txt", "second.txt"))
    for turn in range(6):  # of 0.3 s each
        for watch in (first, second):
            watch.start(anew=turn == 0)
            clock.passes(0.3)
            watch.stop()
            clock.passes(5.0)
    second.start(anew=False)
    first.close()  # the other's clock runs on
    assert clock.left == pytest.approx(0.2)
    assert clock.file is not None
    assert os.path.samestat(os.fstat(clock.file.fileno()), os.stat(tmp_path / "second.txt"))
    clock.passes(0.3)
    assert clock.over
    second.close()


PACKED = """
import sys, time
from harness.engine.packing import in_turn
from harness.training import job_kinds, run_job
from harness.training.place import Place, Progress
import torch
def trial(key, settings, place, outcome):
    for step in range(6):
        time.sleep(60 if (key, step) == ("hangs", 2) else 0)
        yield Progress(step, 9, 0.0) if (key, step) == ("lives", 1) else None
run_job.kind = lambda settings: trial
place = Place(sys.argv[1], "cpu", 1.0, 0.0, None, pack=2, time_limit=2.0)
for _ in in_turn({key: run_job.turns(key, {}, place) for key in ("lives", "hangs")}, torch.device("cpu")):
    pass
"""


def test_of_a_pack_the_trial_that_hangs_is_named(tmp_path: Path) -> None:
    """Though the other began an epoch after it, which has not ended either."""
    line = [sys.executable, "-c", PACKED, str(tmp_path)]
    done = subprocess.run(line, cwd=Path(__file__).parents[3], timeout=120, check=False)
    assert done.returncode == 1
    said = timeout_reason(watch_file(tmp_path, "hangs"))
    assert said is not None
    assert said.startswith("time limit: no epoch ended within 0:00:02; it stood in trial")
    assert timeout_reason(watch_file(tmp_path, "lives")) is None


def test_without_a_limit_nothing_watches(tmp_path: Path) -> None:
    watch = TrialWatch(tmp_path / "hung.txt", None)
    watch.start()
    watch.close()
    assert list(tmp_path.iterdir()) == []


LOOKS = 10


@contextmanager
def heartbeat(services: dict[str, tuple[str, int]], patience: float) -> Iterator[tuple[Heartbeat, list[str]]]:
    """A Heartbeat that looks often, and what it says."""
    said: list[str] = []
    heartbeat = Heartbeat(services, said.append, patience, every=0.05)
    heartbeat.start()
    yield heartbeat, said
    heartbeat.stop()
    heartbeat.join(60)
    assert not heartbeat.is_alive()


def test_a_service_that_goes_is_named_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as stays, socket.create_server(("127.0.0.1", 0)) as goes:
        services = {"head": stays.getsockname(), "raylet": goes.getsockname()}
        with heartbeat(services, 3600) as (looks, said):
            for service in [stays, goes] * LOOKS:
                service.accept()[0].close()
            assert said == []
            goes.close()
            looks.join(60)
        assert said == ["raylet"]


def test_a_service_that_is_silent_has_time_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = threading.Semaphore(0)

    def connect(*_: object) -> socket.socket:
        looked.release()
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", connect)
    with heartbeat({"head": ("10.0.0.1", 1)}, 3600) as (_, said):
        for _ in range(LOOKS):
            assert looked.acquire(timeout=60)
        assert said == []
    with heartbeat({"head": ("10.0.0.1", 1)}, 0.2) as (looks, said):
        looks.join(60)
    assert said == ["head"]
