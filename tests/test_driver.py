"""What the driver makes of a trial's end: a row, another try, or the end of the run."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness import in_process, records, status
from harness.admission import TRIES, Shares
from harness.driver import Assignment, Driver
from harness.errors import Stopped
from harness.prepare import load, prepare
from harness.running import Session, run
from harness.trial import LOST, NO_MEMORY, NO_SPACE, watch_file
from harness.weights import weights_file

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
    folder.mkdir(exist_ok=True)
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


def test_a_trial_that_is_always_lost_fails_and_what_needs_it_waits(tmp_path: Path) -> None:
    missing, statuses, given = ran(tmp_path, strikes("search", LOST))
    assert (missing, statuses) == (5, {"failed": 1, "done": 1})
    assert len(given) == TRIES + 2  # and the baseline
    assert "1 done, 1 failed, 4 waiting of 6" in status.report(tmp_path / "driven")
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
    assert (missing, statuses["failed"]) == (5, 1)
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
    assert ran(tmp_path)[1] == {"failed": 1, "done": 1}
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


def test_trials_with_equal_settings_are_taken_over_from_other_folders(tmp_path: Path) -> None:
    ran(tmp_path / "one")
    more = STUDY.replace("search = 1", "search = 2")
    missing, _, given = ran(tmp_path / "two", study=more, reuse=(tmp_path / "one" / "driven",))
    assert (missing, len(given)) == (0, JOBS)
    assert chosen(tmp_path / "one").items() <= chosen(tmp_path / "two").items()
    assert len({one.job.key for one in given} | chosen(tmp_path / "one").keys()) == 2 * JOBS
    assert ran(tmp_path / "two", study=more, reuse=(tmp_path / "one" / "driven",))[2] == []


CHOOSING = """
name = "driven"
space = "shortcut-vgg11"
task = "harness.formula:stand_in"
data = { name = "digits", image_size = 32 }
seeds = { search = 1 }
search = { epochs = 2, candidates = 6, population = 2, score_epochs = 1 }
recipe = { epochs = 2, lr = 1e-6 }
space_options = { width = 0.125 }
method = [
    { name = "evolution", strategy = "evolution", rule = "A" },
    { name = "tuned", strategy = "random", rule = "A", recipe = { tuned = "tpe" } },
]
tuning = [{ name = "tpe", trials = 6, startup_trials = 2, ranges = { "scheduler.gamma" = { low = 0.1, high = 0.9 } } }]
"""


def chosen(folder: Path) -> dict[str, Any]:
    """What the choices came to, by job."""
    rows = records.latest(folder / "driven").values()
    names = ("status", "architecture", "recipe", "test_accuracy", "val_accuracy")
    return {row["key"]: [row[name] for name in names] for row in rows}


@pytest.mark.parametrize(("kind", "status"), [("tune", "failed"), ("score", "failed"), ("tune", LOST)])
def test_nothing_chooses_from_what_has_failed_before_it_is_there(tmp_path: Path, kind: str, status: str) -> None:
    """Once the same command has tried again, all is as if nothing had failed."""
    assert ran(tmp_path / "undisturbed", study=CHOOSING)[0] == 0
    missing, statuses, _ = ran(tmp_path / "struck", strikes(kind, status), study=CHOOSING)
    assert missing == 6 + 1  # two trials could start without the others, and a training waits for all
    assert statuses["failed"] == 2
    assert ran(tmp_path / "struck", study=CHOOSING)[0] == 0
    assert chosen(tmp_path / "struck") == chosen(tmp_path / "undisturbed")


WEIGHTS = """
name = "weighty"
space = "shortcut-vgg11"
data = { name = "digits", image_size = 32, train_images = 64, test_images = 64 }
seeds = { search = 1 }
search = { epochs = 1, candidates = 2, score = "supernet", recipe = { pretrained = "left-out" } }
recipe = { epochs = 1, batch_size = 32, precision = "fp32" }
space_options = { width = 0.0625 }
method = [{ name = "found", strategy = "random-search", rule = "A" }]
"""


def test_weights_are_kept_for_their_readers_and_made_again_where_they_are_damaged(tmp_path: Path) -> None:
    """A pretraining, the search that starts from it, two scores in its supernet, one training."""

    def kinds(verdict: Verdict = lambda _: None) -> list[str]:
        (tmp_path / "study.toml").write_text(WEIGHTS)
        prepared = prepare(load(str(tmp_path / "study.toml"), []), tmp_path, None, False, "cpu")
        given = []

        def execute(driver: Driver) -> None:
            while assignment := driver.next():
                given.append(assignment.job.kind)
                if outcome := verdict(assignment):
                    driver.end(assignment, {"error": "struck", **outcome})
                else:
                    in_process.finish(driver, assignment)

        run(prepared, Session(execute, Shares({}, {}), "cpu", None, ""))
        return given

    folder = tmp_path / "weighty" / "checkpoints" / "weights"
    assert kinds(strikes("score", "failed")) == ["train", "search", "score", "score"]
    (supernet,) = folder.iterdir()  # the pretraining's went with its only reader
    supernet.write_bytes(b"torn")
    assert kinds() == ["train", "search", "score", "score", "train"]
    assert not list(folder.iterdir())
    assert kinds() == []
