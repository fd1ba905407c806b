"""What the driver makes of a trial's end: a row, another try, or the end of the run."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.commands import status as status_module
from harness.errors import Stopped
from harness.plan import tuning
from harness.run import engine_paths
from harness.run.admission import TRIES, Shares
from harness.storage.folder import rows_file, running_file, watch_file
from harness.storage.rows import latest_rows, read_rows
from harness.vocabulary.rows import Trouble
from spaces.shortcuts.space import ShortcutSpace
from tests.driven import JOBS, STUDY, ran, strikes

pytestmark = pytest.mark.long


def test_what_is_left_alone_is_done(tmp_path: Path) -> None:
    missing, statuses, assigned = ran(tmp_path)
    assert (missing, statuses, len(assigned)) == (0, {"done": JOBS}, JOBS)
    assert ran(tmp_path)[2] == []


def test_a_lost_trial_is_given_out_again(tmp_path: Path) -> None:
    missing, statuses, assigned = ran(tmp_path, strikes("search", Trouble.LOST, TRIES))
    assert (missing, statuses, len(assigned)) == (0, {"done": JOBS}, JOBS + TRIES)


def test_a_trial_that_is_always_lost_fails_and_what_needs_it_waits(tmp_path: Path) -> None:
    missing, statuses, assigned = ran(tmp_path, strikes("search", Trouble.LOST))
    assert (missing, statuses) == (5, {"failed": 1, "done": 1})
    assert len(assigned) == TRIES + 2  # and the baseline
    assert "1 done, 1 failed, 4 waiting of 6" in status_module.text(status_module.look(tmp_path / "driven"))
    assert ran(tmp_path)[:2] == (0, {"done": JOBS})  # the next command tries again


def test_a_diverged_search_is_final_and_nothing_is_read_from_it(tmp_path: Path) -> None:
    missing, statuses, _ = ran(tmp_path, strikes("search", "diverged"))
    assert (missing, statuses) == (0, {"diverged": 5, "done": 1})
    assert ran(tmp_path)[2] == []


def test_a_trial_whose_values_make_no_recipe_is_final(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tuning goes on without it, the training by the best of the others."""
    ask = tuning.ask
    clash = {"momentum": 0.0, "nesterov": True}
    monkeypatch.setattr(tuning, "ask", lambda spec, index, *more: ask(spec, index, *more) if index else clash)
    study = STUDY.replace('{ name = "baseline" }', '{ name = "baseline", recipe = { tuned = "t" } }')
    study += '[[tuning]]\nname = "t"\ntrials = 4\nranges = { momentum = { low = 0.1, high = 0.9 } }\n'
    missing, statuses, _ = ran(tmp_path, study=study)
    assert (missing, statuses) == (0, {"done": JOBS + 3, "diverged": 1})
    assert ran(tmp_path, study=study)[2] == []


def test_without_memory_a_trial_comes_back_with_twice_the_share(tmp_path: Path) -> None:
    shares = Shares({}, {"": 0.3})
    missing, statuses, assigned = ran(tmp_path, strikes("search", Trouble.NO_MEMORY, 2), shares=shares)
    assert (missing, statuses) == (0, {"done": JOBS})
    assert [one.place.gpus for one in assigned if one.job.kind == "search"] == [0.3, 0.6, 1.0]
    assert {one.place.gpus for one in assigned if one.job.kind == "train"} == {0.3}


def test_what_does_not_fit_on_a_whole_gpu_fails(tmp_path: Path) -> None:
    shares = Shares({}, {"": 0.5})
    missing, statuses, assigned = ran(tmp_path, strikes("search", Trouble.NO_MEMORY), shares=shares)
    assert (missing, statuses["failed"]) == (5, 1)
    assert [one.place.gpus for one in assigned if one.job.kind == "search"] == [0.5, 1.0]


@pytest.mark.parametrize(
    "given", [{"shortcuts": 1.5}, {"parameters": {1}}, {"curve": "x"}, {"train_loss": float("nan")}]
)
def test_what_no_command_could_read_again_is_a_failed_trial(given: dict[str, Any], tmp_path: Path) -> None:
    """As a row, it would lock the folder for every command."""
    struck = lambda one: {"status": "done", **given} if one.job.kind == "train" else None  # noqa: E731
    assert ran(tmp_path, struck)[1] == {"done": 1, "failed": JOBS - 1}
    for row in latest_rows(tmp_path / "driven").values():
        assert row["kind"] == "search" or row["error"].startswith("what it gave cannot be kept: ")
    assert ran(tmp_path)[:2] == (0, {"done": JOBS})


def test_a_full_disk_stops_everything(tmp_path: Path) -> None:
    with pytest.raises(Stopped, match="no space left on the disk"):
        ran(tmp_path, strikes("train", Trouble.NO_SPACE))
    assert len(read_rows(tmp_path / "driven")) == 1
    assert ran(tmp_path)[:2] == (0, {"done": JOBS})


def test_a_disk_cap_stops_what_does_not_fit(tmp_path: Path) -> None:
    with pytest.raises(Stopped, match="--disk-limit 1e-06 is too little"):
        ran(tmp_path, disk_limit=1000.0)
    assert ran(tmp_path, disk_limit=1e6)[:2] == (0, {"done": JOBS})


def test_what_hung_in_this_process_fails_in_the_next_and_runs_in_the_one_after(tmp_path: Path) -> None:
    search = ran(tmp_path)[2][0].job.key
    rows_file(tmp_path / "driven").unlink()
    marker = watch_file(tmp_path / "driven", search)
    marker.parent.mkdir(parents=True)
    marker.write_text(
        'Timeout (0:00:04)!\nThread 1:\n  File "/x/task.py", line 7 in slow\n  File "/h/harness/training/run_job.py"'
    )
    assert ran(tmp_path)[1] == {"failed": 1, "done": 1}
    row = latest_rows(tmp_path / "driven")[search]
    assert row["error"] == "time limit: no epoch ended within 0:00:04; it stood in slow (task.py, line 7)"
    assert ran(tmp_path)[:2] == (0, {"done": JOBS})


def test_trials_with_equal_settings_are_taken_over_from_other_folders(tmp_path: Path) -> None:
    ran(tmp_path / "one")
    more = STUDY.replace("search = 1", "search = 2")
    missing, _, assigned = ran(tmp_path / "two", study=more, reuse=(tmp_path / "one" / "driven",))
    assert (missing, len(assigned)) == (0, JOBS)
    assert chosen(tmp_path / "one").items() <= chosen(tmp_path / "two").items()
    assert len({one.job.key for one in assigned} | chosen(tmp_path / "one").keys()) == 2 * JOBS
    assert ran(tmp_path / "two", study=more, reuse=(tmp_path / "one" / "driven",))[2] == []


CHOOSING = """
name = "driven"
space = "shortcut-vgg11"
task = "harness.training.formula:stand_in"
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
    rows = latest_rows(folder / "driven").values()
    names = ("status", "architecture", "recipe", "test_accuracy", "val_accuracy")
    return {row["key"]: [row[name] for name in names] for row in rows}


@pytest.mark.parametrize(("kind", "status"), [("tune", "failed"), ("score", "failed"), ("tune", Trouble.LOST)])
def test_nothing_chooses_from_what_has_failed_before_it_is_there(tmp_path: Path, kind: str, status: str) -> None:
    """Once the same command has tried again, all is as if nothing had failed."""
    assert ran(tmp_path / "undisturbed", study=CHOOSING)[0] == 0
    missing, statuses, _ = ran(tmp_path / "struck", strikes(kind, status), study=CHOOSING)
    assert missing == 6 + 1  # two trials could start without the others, and a training waits for all
    assert statuses["failed"] == 2
    assert ran(tmp_path / "struck", study=CHOOSING)[0] == 0
    assert chosen(tmp_path / "struck") == chosen(tmp_path / "undisturbed")


def test_a_candidate_that_fails_every_time_is_named_with_what_waits_for_it(tmp_path: Path) -> None:
    for command in range(2):
        assert ran(tmp_path, strikes("score", "failed", 1), study=CHOOSING)[0] == 6  # one more had not to wait for it
        text = status_module.text(status_module.look(tmp_path / "driven"))
        assert "8 done, 1 failed, 5 waiting of 14" in text, command
        assert re.search(r"failed: evolution seed 0 \([0-9a-f]{16}\): struck; 5 wait for it", text)
        assert "mend first what would fail again" in text
        assert "nobody is running it" in text
    assert ran(tmp_path, study=CHOOSING)[0] == 0
    assert "failed" not in status_module.text(status_module.look(tmp_path / "driven"))


def test_where_no_candidate_can_be_scored_that_is_final(tmp_path: Path) -> None:
    missing, statuses, _ = ran(tmp_path, strikes("score", "diverged"), study=CHOOSING)
    assert (missing, statuses) == (0, {"diverged": 7, "done": 7})
    before = read_rows(tmp_path / "driven")
    missing, _, assigned = ran(tmp_path, study=CHOOSING)
    assert (missing, assigned, read_rows(tmp_path / "driven")) == (0, [], before)


@pytest.mark.parametrize("strategy", ["regularised-evolution", "local-search", "tpe", "predictor", "nsga2"])
def test_a_strategy_goes_on_after_candidates_of_which_nothing_is_known(tmp_path: Path, strategy: str) -> None:
    study = CHOOSING.replace('"evolution"', f'"{strategy}"')
    assert ran(tmp_path, strikes("score", "diverged"), study=study)[:2] == (0, {"diverged": 7, "done": 7})


class Shaky(ShortcutSpace):
    """A space from outside with a mistake in it."""

    def __init__(self) -> None:
        super().__init__("vgg11", width=0.125)

    def broken(self, architecture: Any) -> str:
        if MISTAKEN and architecture.pairs:
            raise KeyError("edge")
        return super().broken(architecture)


MISTAKEN: list[bool] = []


def test_a_mistake_in_a_space_is_its_trials_and_not_the_studys(tmp_path: Path) -> None:
    study = STUDY.replace("shortcut-vgg11", f"{__name__}:Shaky").replace("space_options = { width = 0.125 }\n", "")
    MISTAKEN.append(True)
    missing, statuses, _ = ran(tmp_path, study=study)
    MISTAKEN.clear()
    assert (missing, statuses) == (4, {"done": 2, "failed": 4})
    assert "KeyError: 'edge'" in status_module.text(status_module.look(tmp_path / "driven"))
    assert ran(tmp_path, study=study)[:2] == (0, {"done": JOBS})


def test_status_shows_trials_as_soon_as_they_start_and_none_of_a_driver_that_died(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    look: Callable[..., Any] = lambda *_: said.append(status_module.text(status_module.look(tmp_path / "driven")))  # noqa: E731
    searched = ran(tmp_path)[2][0].job
    rows_file(tmp_path / "driven").unlink()
    dead = {"at": 0.0, "running": [{"key": searched.key, "since": 0.0, "progress": None}]}
    running_file(tmp_path / "driven").write_text(json.dumps(dead))
    settled = engine_paths.settled
    monkeypatch.setattr(engine_paths, "settled", lambda *assigned: (look(), settled(*assigned))[1])
    ran(tmp_path, look)
    before, first, *_, last = said
    assert "running" not in before.replace("nobody is running it", "")
    assert all("nobody" not in text for text in said)
    assert "1 running" in first
    assert f"running: {searched.method} seed 0, starting" in first
    assert "5 done, 1 running of 6" in last
    assert "6 done of 6" in status_module.text(status_module.look(tmp_path / "driven"))
