"""One study after another within a time, whatever a run ends with."""

import signal
import time
from pathlib import Path

import pytest

from gpu_kit import run

SOON, LATE = 0.3, 120.0  # seconds
STAND_IN = """
import os, pathlib, signal, sys, time
study = sys.argv[2]
with open("ran", "a") as file:
    file.write(study + "\\n")
if study == "endless":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(1000)
if study == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
sys.exit(int(study))
"""


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a stand-in for nas-harness writes what it was asked to run: studies are named by how they end."""
    (tmp_path / "harness").mkdir()
    (tmp_path / "harness" / "__main__.py").write_text(STAND_IN)
    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setattr(run, "SECONDS_TO_END", SOON)
    return tmp_path / "ran"


@pytest.mark.parametrize(("studies", "status", "done"), [
    (["0", "0"], 0, 2),
    (["1", "0"], 1, 2),  # a failed trial keeps nobody from the next study
    (["0", "75", "0"], 75, 2),
    (["2", "0"], 2, 1),
    (["killed", "0"], 75, 1),
])  # fmt: skip
def test_studies_run_one_after_another(ran: Path, studies: list[str], status: int, done: int) -> None:
    assert run.piece(studies, [], time.monotonic() + LATE) == status
    assert ran.read_text().split() == studies[:done]


def test_what_does_not_end_in_time_is_ended(ran: Path) -> None:
    start = time.monotonic()
    assert run.piece(["endless", "0"], [], start + SOON) == 75
    assert time.monotonic() >= start + SOON
    assert not ran.exists() or ran.read_text().split() == ["endless"]


def test_nothing_starts_when_the_time_is_over(ran: Path) -> None:
    assert run.piece(["0"], [], time.monotonic()) == 75
    assert not ran.exists()


def test_a_kill_is_said(ran: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run.piece(["killed"], [], time.monotonic() + LATE)
    assert f"the run was ended by {signal.SIGKILL.name}" in capsys.readouterr().err
