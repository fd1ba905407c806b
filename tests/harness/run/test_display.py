"""Displays hold where the clock jumps, and where nobody can say how long it takes."""

import json
import os
import random
import sys
from contextlib import suppress
from io import FileIO, TextIOWrapper
from pathlib import Path

import pytest

from harness.commands import status
from harness.run import driver
from harness.run.display import duration
from harness.storage.folder import running_file
from harness.storage.rows import Records
from tests.driven import JOBS, ran


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "0:00:00"), (None, "unknown"), (1e300, "unknown"), (float("inf"), "unknown"), (59.6, "0:01:00")],
)
def test_a_duration_in_words(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


def test_a_run_whose_clock_jumps_ends_as_any(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(0)
    monkeypatch.setattr(driver.time, "time", lambda: rng.choice([0.0, 1e9, 4e9, -1.0]))
    missing, statuses, _ = ran(tmp_path)
    assert (missing, dict(statuses)) == (0, {"done": JOBS})


@pytest.mark.parametrize("since", [-1e18, 0.0, 1e18])
def test_status_of_a_trial_that_began_in_the_future_or_long_ago(since: float, tmp_path: Path) -> None:
    ran(tmp_path)
    folder = tmp_path / "driven"
    rows = [json.loads(line) for line in (folder / "trials.jsonl").read_text().splitlines()]
    key = rows.pop()["key"]
    (folder / "trials.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    progress = {"epoch": 1, "epochs": 2, "seconds": 3.0}
    with Records(folder):
        running_file(folder).write_text(json.dumps({"running": [{"key": key, "since": since, "progress": progress}]}))
        said = status.text(status.look(folder))
    assert f"{JOBS - 1} done, 1 running of {JOBS}" in said
    assert "epoch 1/2, 3 s left" in said


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no disk that is always full")
@pytest.mark.parametrize("gone", ["full", "a pipe that nobody reads"])
def test_a_terminal_that_takes_nothing_ends_no_run(gone: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if gone == "full":
        descriptor = os.open("/dev/full", os.O_WRONLY)
    else:
        reading, descriptor = os.pipe()
        os.close(reading)
    stream = TextIOWrapper(FileIO(descriptor, "w"), write_through=True)
    monkeypatch.setattr(sys, "stderr", stream)
    missing, statuses, _ = ran(tmp_path)
    monkeypatch.undo()
    with suppress(OSError):
        stream.close()
    assert (missing, dict(statuses)) == (0, {"done": JOBS})
