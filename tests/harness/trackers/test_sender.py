"""What a tracker is sent of epochs and rows: each trial once, with the row's epochs, whatever was sent live."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.storage.new_rows import digest
from harness.trackers.sender import TRIES, Sender
from harness.trackers.values import Point, Trial, finals, numbers, points, trial
from harness.vocabulary.rows import Row
from tests.rows_factory import failed, rows, study

STUDY = study(seeds=1)
SEARCH, TRAINED, *_ = rows(STUDY)
FOLDER = Path("/results/made-up")
PLANNED = {job["key"]: trial(job, FOLDER) for job in STUDY["plan"]}


class Held:
    """A tracker in memory. `refuses`: keys whose rows it does not take."""

    def __init__(self, *refuses: str) -> None:
        self.refuses = refuses
        self.points: dict[str, list[Point]] = {}
        self.rows: dict[str, str] = {}
        self.trials: dict[str, Trial] = {}
        self.calls: list[str] = []

    def known(self) -> dict[str, str]:
        return dict(self.rows)

    def start(self, trial: Trial) -> None:
        self.calls.append("start")
        self.points[trial.key], self.trials[trial.key] = [], trial
        self.rows.pop(trial.key, None)

    def log(self, trial: Trial, points: Sequence[Point]) -> None:
        self.points[trial.key] += points

    def end(self, trial: Trial, points: Sequence[Point], row: Row, digest: str) -> None:
        self.calls.append("end")
        if trial.key in self.refuses:
            raise ValueError("refused")
        self.log(trial, points)
        self.rows[trial.key] = digest

    def leave(self, trial: Trial) -> None:
        self.calls.append("leave")


def sender(held: Held, refusals: Counter[str] | None = None) -> Sender:
    return Sender(held, FOLDER, PLANNED, Counter() if refusals is None else refusals)


def send(row: Any, held: Held, live: Sequence[Point] = ()) -> Sender:
    found = sender(held)
    for point in live:
        found.epoch(row["key"], point)
    found.row(digest(row), row)
    return found


EPOCHS = points(TRAINED)


@pytest.mark.parametrize("count", [0, 1, 3, 4])
def test_live_or_not_a_run_has_the_rows_epochs(count: int) -> None:
    held = Held()
    assert send(TRAINED, held, EPOCHS[:count]).sent == 1
    assert held.points == {TRAINED["key"]: EPOCHS}
    assert held.rows == {TRAINED["key"]: digest(TRAINED)}
    assert held.calls == ["start", "end"]


@pytest.mark.parametrize("live", [EPOCHS[1:3], [EPOCHS[0], EPOCHS[2]], [Point(1, {"train_loss": 9.0}, 0.0)]])
def test_a_run_whose_epochs_are_not_the_rows_is_made_anew(live: list[Point]) -> None:
    held = Held()
    send(TRAINED, held, live)
    assert held.points == {TRAINED["key"]: EPOCHS}
    assert held.calls == ["start", "start", "end"]


def test_an_epoch_after_a_checkpoint_is_sent_once() -> None:
    held = Held()
    send(TRAINED, held, [*EPOCHS[:3], *EPOCHS[1:]])
    assert held.points[TRAINED["key"]] == EPOCHS
    assert held.calls == ["start", "end"]


def test_where_the_process_died_the_live_epochs_stay() -> None:
    held = Held()
    send(failed(TRAINED), held, EPOCHS[:2])
    assert held.points[TRAINED["key"]] == EPOCHS[:2]


def test_the_same_row_is_sent_once_and_another_of_its_key_in_its_place() -> None:
    held = Held()
    assert (send(TRAINED, held).sent, send(TRAINED, held).there) == (1, 1)
    assert held.calls == ["start", "end"]
    changed = {**TRAINED, "test_accuracy": 1.0}
    assert send(changed, held).sent == 1
    assert held.rows == {TRAINED["key"]: digest(changed)}


def test_a_failed_trial_that_runs_again_gets_its_live_run() -> None:
    held = Held()
    send(failed(TRAINED), held)
    again = sender(held)
    again.epoch(TRAINED["key"], EPOCHS[0])
    assert held.rows == {}
    again.row(digest(TRAINED), TRAINED)
    assert held.points[TRAINED["key"]] == EPOCHS


def test_a_row_that_is_refused_is_left_after_some_tries() -> None:
    held, refusals = Held(TRAINED["key"]), Counter[str]()
    for _ in range(TRIES):
        with pytest.raises(ValueError, match="refused"):
            sender(held, refusals).row(digest(TRAINED), TRAINED)
    last = sender(held, refusals)
    last.row(digest(TRAINED), TRAINED)
    last.row(digest(SEARCH), SEARCH)
    assert set(held.rows) == {SEARCH["key"]}
    assert set(refusals) == {TRAINED["key"]}


def test_where_no_run_can_be_started_the_row_was_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    held, refusals = Held(), Counter[str]()
    monkeypatch.setattr(held, "start", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        sender(held, refusals).row(digest(TRAINED), TRAINED)
    assert not refusals


def test_a_row_of_which_nothing_can_be_made_is_left_too() -> None:
    odd, refusals = {**SEARCH, "history": {"queries": [], "best": [[1]]}}, Counter[str]()
    for _ in range(TRIES):
        with pytest.raises(ValueError, match="not enough values"):
            sender(Held(), refusals).row(digest(odd), odd)
    sender(Held(), refusals).row(digest(odd), odd)


def test_trials_without_a_row_are_left_at_the_end() -> None:
    held = Held()
    found = sender(held)
    found.epoch(TRAINED["key"], EPOCHS[0])
    found.epoch(SEARCH["key"], points(SEARCH)[0])
    found.row(digest(SEARCH), SEARCH)
    found.leave()
    assert held.calls == ["start", "start", "end", "leave"]
    found.leave()
    assert held.calls[-2:] == ["end", "leave"]


def test_an_epoch_of_a_trial_that_the_study_does_not_plan_is_left_out() -> None:
    held = Held()
    sender(held).epoch("0" * 16, EPOCHS[0])
    assert held.calls == []


def test_a_trial_says_where_its_row_lies() -> None:
    found = trial(TRAINED, FOLDER)
    assert found.link == f"/results/made-up#{TRAINED['key']}"
    assert found.name == f"{TRAINED['method']} seed 0 {TRAINED['key'][:6]}"
    assert found.began == 1761991200.0


@pytest.mark.parametrize("key", ["../../neighbour", "*", "", "a b", "x" * 65])
def test_a_key_that_could_name_another_file_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="a key is no word"):
        trial({**TRAINED, "key": key}, FOLDER)


def test_a_curve_has_the_numbers_of_every_epoch() -> None:
    first = points(SEARCH)[0]
    assert first.numbers["counts.A"] == 10.0
    assert first.numbers["discretised_accuracy.B"] == 38.0
    assert "epoch" not in first.numbers
    assert [point.at - EPOCHS[0].at for point in EPOCHS] == [0.0, 2.5, 5.0, 7.5]
    assert EPOCHS[0].at == 1761991202.5


def test_what_is_no_number_is_left_out() -> None:
    found = numbers({"a": float("nan"), "b": None, "c": True, "d": 1, "e": {"f": 2.0, "g": {"h": 3}}, "i": [1]})
    assert found == {"d": 1.0, "e.f": 2.0}


def test_of_a_black_box_search_the_best_so_far_is_a_curve() -> None:
    row = {**SEARCH, "curve": [], "history": {"queries": [3, 1, 2], "best": [[1, 60.0, 5.0], [3, 61.5, 9.0]]}}
    assert [(point.step, point.numbers) for point in points(row)] == [(1, {"best_val_accuracy": 60.0}),
                                                                     (3, {"best_val_accuracy": 61.5})]  # fmt: skip


def test_final_numbers_have_names_of_their_own() -> None:
    found = finals(TRAINED)
    assert found["final/test_accuracy"] == TRAINED["test_accuracy"]
    assert "final/val_accuracy" not in found
