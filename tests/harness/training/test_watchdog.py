"""What hangs is ended, in Python and in C, and says where it stood; what lives is left alone."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.ray_tune.heartbeat import Heartbeat
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


class Clock:
    """faulthandler's, by which a process ends; here its time passes where a test says so."""

    def __init__(self) -> None:
        self.left, self.over = float("inf"), False

    def dump_traceback_later(self, limit: float, *, exit: bool, file: object) -> None:
        self.left = limit

    def cancel_dump_traceback_later(self) -> None:
        self.left = float("inf")

    def passes(self, seconds: float) -> None:
        self.left -= seconds
        self.over |= self.left <= 0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(watchdog, "faulthandler", clock)
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
