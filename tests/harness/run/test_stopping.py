"""SIGUSR1 ends a run after the epochs that run; what was stopped goes on later, and `status` says by what."""

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.commands import status
from harness.errors import Ended
from harness.run import driver
from harness.run.driver import Assignment
from harness.storage import stop
from harness.storage.folder import checkpoint_folder
from harness.storage.rows import latest_rows
from harness.training.epochs import Asked, Steps, epochs, returned
from harness.training.place import Place
from harness.vocabulary.rows import Outcome
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
    said = status.text(status.look(folder))
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
    assert "stopped by Ctrl-C: the same command again runs what is missing" in status.text(
        status.look(tmp_path / "driven")
    )


def test_a_study_that_is_done_was_not_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The signal comes in the last epoch of the last trial."""
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    signalled(signal.SIGUSR1, monkeypatch, 2 * JOBS)
    missing, statuses, _ = ran(tmp_path)
    signal.signal(signal.SIGUSR1, before)
    assert (missing, statuses) == (0, {"done": JOBS})
    assert "stopped" not in status.text(status.look(tmp_path / "driven"))


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


def test_a_trial_that_does_not_see_the_folder_is_asked_through_the_store(tmp_path: Path) -> None:
    place = Place(str(tmp_path / "of another host"), "cpu", 1, 0, None, checkpoints=f"file://{tmp_path}/store")
    place.store.make()
    stop.clear(tmp_path, place.store)
    asking = stop.asking(place.store)
    assert not place.asked_to_stop
    asking("SIGUSR1")
    eventually(lambda: place.asked_to_stop)
    with pytest.raises(Asked, match="after epoch 0 of 5"):
        returned(epochs("key", FiveEpochs(), place, Outcome()))
    stop.clear(tmp_path, place.store)
    assert returned(epochs("key", FiveEpochs(), place, Outcome())).load() is not None


def test_the_driver_asks_in_both_and_a_new_run_takes_it_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"file://{tmp_path}/store"
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    signalled(signal.SIGUSR1, monkeypatch, 3)
    with pytest.raises(Ended, match="SIGUSR1"):
        ran(tmp_path, study=LONGER, checkpoints=url)
    signal.signal(signal.SIGUSR1, before)
    end = time.monotonic() + 60
    while not (marks := list((tmp_path / "store").rglob(stop.NAME))) and time.monotonic() < end:
        time.sleep(0.01)  # a thread writes it
    assert [mark.read_text() for mark in marks] == ["SIGUSR1"]
    monkeypatch.undo()
    assert ran(tmp_path, study=LONGER, checkpoints=url)[:2] == (0, {"done": JOBS})
    assert not marks[0].exists()


class FiveEpochs:
    epochs = 5

    def steps(self, number: int) -> Steps:
        yield
        return {"train_loss": 1.0 / number}

    def state(self) -> dict[str, Any]:
        return {"none": 0}

    def restore(self, state: dict[str, Any]) -> None:
        pass


def eventually(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)
