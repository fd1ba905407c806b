"""A run with trackers, each in its own process: what they show, and that nothing they do reaches the run."""

import fcntl
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.errors import Stopped
from harness.run.tracked import Tracked
from harness.storage.rows import latest_rows
from harness.trackers.feed import Feed, Trackers, catch_up
from harness.trackers.targets import Target
from harness.trackers.values import points
from harness.training.place import Progress
from tests.driven import JOBS, ran, strikes
from tests.tracked import in_tensorboard, nobody, of_rows, silent

TENSORBOARD = Target("tensorboard")
LONG = 300.0  # seconds, more than any machine needs


def results(folder: Path) -> dict[str, Any]:
    """What a run decided, without when and how fast."""
    names = ("status", "test_accuracy", "val_accuracy", "architecture", "settings", "epochs")
    return {key: {name: row[name] for name in names} for key, row in latest_rows(folder).items()}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("live")
    assert ran(place, trackers=Trackers([TENSORBOARD], LONG))[0] == 0
    return place / "driven"


def test_an_epoch_is_sent_at_its_step_in_the_rows_curve() -> None:
    """A candidate that survived a rung goes on counting where it was."""
    sent: list[tuple[str, int]] = []
    feeds: Any = SimpleNamespace(epoch=lambda key, step, _: sent.append((key, step)))
    progress = Progress(1, 2, 1.0, {"epoch": 3, "train_loss": 0.5})
    driver: Any = SimpleNamespace(running={"a": SimpleNamespace(progress=progress)})
    Tracked(lambda *_: None, feeds)(driver, None)
    assert sent == [("a", 3)]


@pytest.mark.long
def test_tensorboard_shows_every_trial_with_its_curve(live: Path) -> None:
    assert len(in_tensorboard(live)) == JOBS
    assert in_tensorboard(live) == of_rows(live)


@pytest.mark.long
def test_from_rows_alone_it_shows_the_same_and_nothing_twice(live: Path, tmp_path: Path) -> None:
    assert catch_up(TENSORBOARD, live) == {"sent": 0, "there": JOBS, "refused": 0, "why": ""}
    copy = tmp_path / "driven"
    copy.mkdir()
    for name in ("study.json", "trials.jsonl"):
        shutil.copy(live / name, copy)
    assert catch_up(TENSORBOARD, copy)["sent"] == JOBS
    before = {path: path.stat().st_mtime_ns for path in (copy / "tensorboard").rglob("*")}
    assert catch_up(TENSORBOARD, copy)["there"] == JOBS
    assert {path: path.stat().st_mtime_ns for path in (copy / "tensorboard").rglob("*")} == before
    assert in_tensorboard(copy) == of_rows(copy)


@pytest.mark.slow
def test_a_failed_trial_is_shown_and_replaced_when_it_ran_again(tmp_path: Path) -> None:
    trackers = Trackers([TENSORBOARD], LONG)
    ran(tmp_path, strikes("search", "failed", 1), trackers=trackers)
    (shown,) = [one for one in in_tensorboard(tmp_path / "driven").values() if one.status == "failed"]
    assert (shown.group, shown.curve) == ("darts", {})
    ran(tmp_path, trackers=trackers)
    assert in_tensorboard(tmp_path / "driven") == of_rows(tmp_path / "driven")


def stuck(uri: str, place: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What is said of an MLflow at this address; the run must be as without it."""
    with_it, without = place / "with", place / "without"
    assert ran(with_it, trackers=Trackers([Target("mlflow", uri)], patience=0.2))[0] == 0
    said = capsys.readouterr().err
    assert ran(without)[0] == 0
    assert results(with_it / "driven") == results(without / "driven")
    return said


@pytest.mark.long
def test_a_server_that_never_answers_holds_nothing_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with silent() as uri:
        said = stuck(uri, tmp_path, capsys)
    (line,) = [line for line in said.splitlines() if "mlflow" in line]
    assert line.endswith(f"nas-harness track {tmp_path}/with/driven --to mlflow:{uri}")


@pytest.mark.long
def test_a_server_that_is_not_there_holds_nothing_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = stuck(nobody(), tmp_path, capsys)
    assert len([line for line in said.splitlines() if "mlflow" in line]) == 1


@pytest.mark.long
def test_of_a_trial_that_was_interrupted_the_epochs_are_shown(live: Path, tmp_path: Path) -> None:
    (key, shown), *_ = of_rows(live).items()
    shutil.copy(live / "study.json", tmp_path)
    feed = Feed(TENSORBOARD, tmp_path, set())
    for step, value in shown.curve["val_accuracy"]:
        feed.epoch(key, step, {"val_accuracy": value})
    feed.end()
    feed.wait(LONG)
    assert feed.report == {"done": {"sent": 0, "there": 0, "refused": 0}}
    assert in_tensorboard(tmp_path)[key].curve == {"val_accuracy": shown.curve["val_accuracy"]}


class Recorder(Trackers):
    """Notes what a run sends."""

    def __init__(self) -> None:
        super().__init__()
        self.epochs: dict[str, list[tuple[int, dict[str, float]]]] = {}

    @contextmanager
    def follow(self, folder: Path) -> Iterator[Any]:
        yield SimpleNamespace(epoch=lambda key, *point: self.epochs.setdefault(key, []).append(point))


def test_the_run_sends_every_epoch_of_every_trial(tmp_path: Path) -> None:
    recorder = Recorder()
    ran(tmp_path, trackers=recorder)
    assert recorder.epochs == {key: [(point.step, point.numbers) for point in points(row)]
                               for key, row in latest_rows(tmp_path / "driven").items()}  # fmt: skip


def test_where_no_process_can_be_started_the_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                         capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    monkeypatch.setattr("harness.trackers.feed.sys.executable", str(tmp_path / "none"))
    assert ran(tmp_path, trackers=Trackers([TENSORBOARD]))[0] == 0
    assert "nas-harness: tensorboard: " in capsys.readouterr().err


@pytest.mark.long
def test_a_process_that_is_stopped_holds_no_epoch_up(tmp_path: Path) -> None:
    feed = Feed(TENSORBOARD, tmp_path, {TENSORBOARD})
    os.kill(feed._process.pid, signal.SIGSTOP)
    for step in range(5000):  # far more than a pipe takes
        feed.epoch("0" * 16, step, {"train_loss": 0.5})
    feed.end()
    feed.wait(0)
    assert feed._process.returncode == -signal.SIGKILL


@pytest.mark.long
def test_a_process_that_dies_is_said_once_and_the_run_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str],
                                                             monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr("harness.trackers.feed.CODE", "raise SystemExit(1)")
    assert ran(tmp_path, trackers=Trackers([TENSORBOARD, Target("wandb")], LONG))[0] == 0
    said = capsys.readouterr().err
    assert [said.count(f"nas-harness: {name}:") for name in ("tensorboard", "wandb")] == [1, 1]
    with pytest.raises(Stopped, match="tensorboard: its process died; the same command again"):
        catch_up(TENSORBOARD, tmp_path / "driven")


@pytest.mark.long
def test_two_processes_do_not_send_one_folder_at_a_time(live: Path) -> None:
    with open(live / f".track-tensorboard-{TENSORBOARD.digest}") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(Stopped, match="another process sends this folder's trials there now"):
            catch_up(TENSORBOARD, live)
