"""SIGUSR1 ends a run after the epochs that run; what was stopped goes on later, and `status` says by what."""

import signal
from pathlib import Path

import pytest

from harness.commands import status
from harness.errors import Ended
from harness.run import driver
from harness.run.driver import Assignment
from harness.storage import stop
from harness.storage.folder import checkpoint_folder
from harness.storage.rows import latest_rows
from tests.driven import JOBS, STUDY, ran

pytestmark = pytest.mark.long

LONGER = STUDY.replace("epochs = 2", "epochs = 5")

FREE = ("started", "finished", "seconds", "device_seconds", "host", "protocol", "curve", "peak_memory_bytes")


def comparable(folder: Path) -> dict:
    return {key: {k: v for k, v in row.items() if k not in FREE} for key, row in latest_rows(folder / "driven").items()}


def signalled(number: int, monkeypatch: pytest.MonkeyPatch, after: int) -> list[str]:
    """Sends it to this process once `after` epochs have ended; returns the keys of the trials to which it did."""
    progress, seen = driver.Driver.progress, []

    def raising(self: driver.Driver, key: str, *more: object) -> None:
        progress(self, key, *more)
        seen.append(key)
        if len(seen) == after:
            signal.raise_signal(number)

    monkeypatch.setattr(driver.Driver, "progress", raising)
    return seen


@pytest.mark.parametrize("after", [1, 7])
def test_sigusr1_ends_a_run_after_the_epoch_with_a_checkpoint(after: int, tmp_path: Path,
                                                              monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setenv("SLURM_JOB_ID", "42")
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    seen = signalled(signal.SIGUSR1, monkeypatch, after)
    with pytest.raises(Ended, match="SIGUSR1"):
        ran(tmp_path, study=LONGER)
    assert signal.signal(signal.SIGUSR1, before) != before  # what answered before does so again
    folder = tmp_path / "driven"
    epochs = seen.count(seen[-1])
    assert checkpoint_folder(folder, seen[-1]).joinpath(f"{epochs:06d}.pt").exists()
    said = status.report(folder)
    assert "stopped by SIGUSR1 in Slurm job 42; where Slurm starts that job again (squeue --job 42) it goes on" in said
    assert status.look(folder)["stopped"] == "SIGUSR1"
    monkeypatch.undo()
    assert ran(tmp_path, study=LONGER)[:2] == (0, {"done": JOBS})
    assert status.look(folder)["stopped"] is None
    ran(tmp_path / "undisturbed", study=LONGER)
    assert comparable(tmp_path) == comparable(tmp_path / "undisturbed")


def test_ctrl_c_is_named_and_the_trial_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: Assignment) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ran(tmp_path, interrupt)
    assert "stopped by Ctrl-C: the same command again runs what is missing" in status.report(tmp_path / "driven")


def test_a_study_that_is_done_was_not_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The signal comes in the last epoch of the last trial."""
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    signalled(signal.SIGUSR1, monkeypatch, 2 * JOBS)
    missing, statuses, _ = ran(tmp_path)
    signal.signal(signal.SIGUSR1, before)
    assert (missing, statuses) == (0, {"done": JOBS})
    assert "stopped" not in status.report(tmp_path / "driven")


def test_trials_are_asked_by_what_a_file_holds_and_not_where_there_is_none(tmp_path: Path) -> None:
    assert not stop.asked(tmp_path)
    stop.clear(tmp_path)
    assert not stop.asked(tmp_path)
    stop.ask(tmp_path, "SIGUSR1")
    assert stop.asked(tmp_path)
    stop.clear(tmp_path)
    assert not stop.asked(tmp_path)
    stop.ask(tmp_path / "gone", "SIGUSR1")
    assert not stop.asked(tmp_path / "gone")
