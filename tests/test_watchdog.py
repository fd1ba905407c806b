"""What hangs is ended, in Python and in C, and says where it stood; what lives is left alone."""

import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from harness.watchdog import Pulse, TrialWatch, bite

HANGS = """
import sys, time
from pathlib import Path
from harness.watchdog import TrialWatch
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
    done = subprocess.run(line, cwd=Path(__file__).parents[1], timeout=60, check=False)
    assert done.returncode == 1
    said = bite(file)
    assert said is not None
    assert said.startswith("time limit: no epoch ended within 0:00:00.5")
    assert f"it stood in {where}" in said
    assert bite(file) is None


def test_a_process_that_gets_on_lives(tmp_path: Path) -> None:
    watch = TrialWatch(tmp_path / "hung.txt", 2.0)
    for _ in range(3):
        watch.start()
        time.sleep(0.01)
        watch.stop()
    watch.close()
    assert bite(tmp_path / "hung.txt") is None
    assert list(tmp_path.iterdir()) == []


def test_without_a_limit_nothing_watches(tmp_path: Path) -> None:
    watch = TrialWatch(tmp_path / "hung.txt", None)
    watch.start()
    watch.close()
    assert list(tmp_path.iterdir()) == []


def died(services: dict[str, tuple[str, int]], patience: float, after: float) -> list[str]:
    said: list[str] = []
    pulse = Pulse(services, said.append, patience, every=0.05)
    pulse.start()
    time.sleep(after)
    pulse.stop()
    pulse.join(5)
    assert not pulse.is_alive()
    return said


def test_a_service_that_goes_is_named_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as stays, socket.create_server(("127.0.0.1", 0)) as goes:
        services = {"head": stays.getsockname(), "raylet": goes.getsockname()}
        assert died(services, 60, 0.5) == []
        goes.close()
        assert died(services, 60, 1.0) == ["raylet"]


def test_a_service_that_is_silent_has_time_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    cut = threading.Event()

    def connect(*_: object) -> socket.socket:
        if cut.is_set():
            raise TimeoutError
        return socket.socket()

    monkeypatch.setattr(socket, "create_connection", connect)
    cut.set()
    assert died({"head": ("10.0.0.1", 1)}, 60, 0.5) == []
    assert died({"head": ("10.0.0.1", 1)}, 0.2, 1.0) == ["head"]
