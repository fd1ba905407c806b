"""What the driver makes of a trial's end: a row, another try, or the end of the run."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness import in_process, records
from harness.admission import TRIES, Shares
from harness.driver import Assignment, Driver
from harness.errors import Stopped
from harness.prepare import load, prepare
from harness.running import Session, run
from harness.trial import LOST, NO_MEMORY, NO_SPACE, watch_file, weights_file

STUDY = """
name = "driven"
space = "shortcut-vgg11"
task = "harness.formula:stand_in"
data = { name = "digits", image_size = 32 }
seeds = { search = 1 }
search = { epochs = 2, snapshots = [1, 2] }
recipe = { epochs = 2, lr = 1e-6 }
space_options = { width = 0.125 }
method = [{ name = "darts-A", rule = "A", twins = 1 }, { name = "baseline" }]
"""
JOBS = 6
Verdict = Callable[[Assignment], dict[str, Any] | None]  # what a trial ends with, or None where it runs


def ran(folder: Path, verdict: Verdict = lambda _: None, **more: Any) -> tuple[int, Counter[str], list[Assignment]]:
    """(missing, statuses of the rows that count, everything that was given out) of a run in which `verdict` strikes."""
    path = folder / "study.toml"
    path.write_text(more.pop("study", STUDY))
    given: list[Assignment] = []

    def execute(driver: Driver) -> None:
        while assignment := driver.next():
            given.append(assignment)
            if outcome := verdict(assignment):
                driver.end(assignment, {"error": "struck", **outcome})
            else:
                in_process.finish(driver, assignment)

    session = Session(execute, more.pop("shares", Shares({}, {})), "cpu", None, "", **more)
    missing = run(prepare(load(str(path), []), folder, None, False, "cpu"), session)
    return missing, Counter(row["status"] for row in records.latest(folder / "driven").values()), given


def strikes(kind: str, status: str, times: int = 10**6) -> Verdict:
    left = [times]

    def verdict(assignment: Assignment) -> dict[str, Any] | None:
        if assignment.job.kind != kind or not left[0]:
            return None
        left[0] -= 1
        return {"status": status}

    return verdict


def test_what_is_left_alone_is_done(tmp_path: Path) -> None:
    missing, statuses, given = ran(tmp_path)
    assert (missing, statuses, len(given)) == (0, {"done": JOBS}, JOBS)
    assert ran(tmp_path)[2] == []


def test_a_lost_trial_is_given_out_again(tmp_path: Path) -> None:
    missing, statuses, given = ran(tmp_path, strikes("search", LOST, TRIES))
    assert (missing, statuses, len(given)) == (0, {"done": JOBS}, JOBS + TRIES)


def test_a_trial_that_is_always_lost_fails_and_so_does_what_needs_it(tmp_path: Path) -> None:
    missing, statuses, given = ran(tmp_path, strikes("search", LOST))
    assert (missing, statuses) == (5, {"failed": 5, "done": 1})
    assert len(given) == TRIES + 2  # and the baseline
    rows = records.latest(tmp_path / "driven").values()
    assert {row["error"] for row in rows if row["kind"] == "train"} == {None, "its search ended as failed: struck"}
    assert ran(tmp_path)[:2] == (0, {"done": JOBS})  # the next command tries again


def test_a_diverged_search_is_final_and_nothing_is_read_from_it(tmp_path: Path) -> None:
    missing, statuses, _ = ran(tmp_path, strikes("search", "diverged"))
    assert (missing, statuses) == (5, {"diverged": 5, "done": 1})
    assert ran(tmp_path)[2] == []


def test_without_memory_a_trial_comes_back_with_twice_the_share(tmp_path: Path) -> None:
    shares = Shares({}, {"": 0.3})
    missing, statuses, given = ran(tmp_path, strikes("search", NO_MEMORY, 2), shares=shares)
    assert (missing, statuses) == (0, {"done": JOBS})
    assert [one.place.gpus for one in given if one.job.kind == "search"] == [0.3, 0.6, 1.0]
    assert {one.place.gpus for one in given if one.job.kind == "train"} == {0.3}


def test_what_does_not_fit_on_a_whole_gpu_fails(tmp_path: Path) -> None:
    shares = Shares({}, {"": 0.5})
    missing, statuses, given = ran(tmp_path, strikes("search", NO_MEMORY), shares=shares)
    assert (missing, statuses["failed"]) == (5, 5)
    assert [one.place.gpus for one in given if one.job.kind == "search"] == [0.5, 1.0]


def test_a_full_disk_stops_everything(tmp_path: Path) -> None:
    with pytest.raises(Stopped, match="no space left on the disk"):
        ran(tmp_path, strikes("train", NO_SPACE))
    assert len(records.read(tmp_path / "driven")) == 1
    assert ran(tmp_path)[:2] == (0, {"done": JOBS})


def test_a_disk_cap_stops_what_does_not_fit(tmp_path: Path) -> None:
    with pytest.raises(Stopped, match="--disk-limit 1e-06 is too little"):
        ran(tmp_path, disk_limit=1000.0)
    assert ran(tmp_path, disk_limit=1e6)[:2] == (0, {"done": JOBS})


def test_what_hung_in_this_process_fails_in_the_next_and_runs_in_the_one_after(tmp_path: Path) -> None:
    search = ran(tmp_path)[2][0].job.key
    records.rows_file(tmp_path / "driven").unlink()
    marker = watch_file(tmp_path / "driven", search)
    marker.parent.mkdir(parents=True)
    marker.write_text('Timeout (0:00:04)!\nThread 1:\n  File "/x/task.py", line 7 in slow\n  File "/h/harness/jobs.py"')
    assert ran(tmp_path)[1] == {"failed": 5, "done": 1}
    row = records.latest(tmp_path / "driven")[search]
    assert row["error"] == "time limit: no epoch ended within 0:00:04; it stood in slow (task.py, line 7)"
    assert ran(tmp_path)[:2] == (0, {"done": JOBS})


def test_a_supernet_whose_weights_are_wanted_later_is_searched_again(tmp_path: Path) -> None:
    """A score in the supernet joins the study after the search has ended without leaving its weights."""
    more = (
        ', { name = "found", strategy = "random-search", rule = "A", search = { candidates = 1, score = "supernet" } }'
    )
    _, _, given = ran(tmp_path)
    search = given[0].job.key
    _, _, again = ran(tmp_path, study=STUDY[:-2] + more + "]\n")
    kept = [one for one in again if one.job.key == search]
    assert len(kept) == 1
    assert kept[0].place.keep_weights
    assert not weights_file(tmp_path / "driven", search).exists()  # a formula has none
