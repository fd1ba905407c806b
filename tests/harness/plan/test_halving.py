"""Successive halving: its rungs, that it returns the best where ranks never change, and that nothing trains twice."""

from collections import Counter
from pathlib import Path

import pytest

from harness.commands.plan_seconds import images
from harness.commands.verify import problems
from harness.plan.halving import rungs
from harness.run.prepare import prepare
from harness.storage.folder import weights_file
from harness.storage.rows import latest_rows
from harness.study.load import load_with_recipe
from tests.driven import STUDY, ran, strikes
from tests.planted import value

SEARCH = """
search = { strategy = "successive-halving", candidates = 13, score_epochs = 2, reduction = 3 }
method = [{ name = "halving", rule = "A" }]
"""
PLANTED = "\n".join([*(line for line in STUDY.splitlines() if not line.startswith(("search", "method", "task"))),
                     'task = "tests.planted:ranked"', SEARCH])  # fmt: skip
SMALL = PLANTED.replace(
    "candidates = 13, score_epochs = 2, reduction = 3", "candidates = 5, score_epochs = 1, reduction = 2"
)


def scores(folder: Path):
    """By key, those of the short trainings first."""
    rows = [row for row in latest_rows(folder / "driven").values() if row["kind"] == "score"]
    return {row["key"]: row for row in sorted(rows, key=lambda row: row["settings"]["search"]["score_epochs"])}


def length(row) -> int:
    return row["settings"]["search"]["score_epochs"]


def planned_length(assignment) -> int | None:
    return assignment.settings.get("search", {}).get("score_epochs")


def test_rungs_shrink_as_epochs_grow():
    assert rungs(27, 1, 3) == [(27, 1), (9, 3), (3, 9), (1, 27)]
    assert rungs(13, 2, 3) == [(13, 2), (4, 6), (1, 18)]
    assert rungs(2, 5, 3) == [(2, 5)]


@pytest.mark.training
def test_with_perfect_ranks_the_best_candidate_is_found(tmp_path: Path):
    assert ran(tmp_path, study=PLANTED)[0] == 0
    rows = latest_rows(tmp_path / "driven").values()
    scored = [row for row in rows if row["kind"] == "score"]
    assert Counter(map(length, scored)) == {2: 13, 6: 4, 18: 1}
    (trained,) = [row for row in rows if row["kind"] == "train"]
    assert trained["architecture"] == max({row["architecture"] for row in scored}, key=value)
    longer = sorted({row["architecture"] for row in scored if length(row) == 2}, key=value)[-4:]
    assert {row["architecture"] for row in scored if length(row) == 6} == set(longer)


@pytest.mark.training
def test_a_longer_training_counts_only_the_epochs_that_the_shorter_one_had_not(tmp_path: Path):
    assert ran(tmp_path, study=SMALL)[0] == 0
    rows = scores(tmp_path)
    assert Counter(row["epochs"] for row in rows.values()) == {1: 5 + 2, 4 - 2: 1}
    for row in rows.values():
        shorter = rows.get(row["settings"].get("continues"))
        before = length(shorter) if shorter else 0
        assert [point["epoch"] for point in row["curve"]] == list(range(before + 1, length(row) + 1))
        assert row["seconds"] == pytest.approx(sum(point["seconds"] for point in row["curve"]))
        if shorter:
            assert shorter["architecture"] == row["architecture"]
            assert shorter["key"] in row["needs"]
    assert sum("continues" in row["settings"] for row in rows.values()) == 2 + 1
    assert problems(tmp_path / "driven") == []


def test_the_estimate_counts_only_what_is_still_to_train(tmp_path: Path):
    path = tmp_path / "study.toml"
    path.write_text(SMALL)
    prepared = prepare(load_with_recipe(str(path), []), tmp_path, None, False, "cpu")
    jobs = [job for job in prepared.plan.jobs.values() if job.kind == "score"]
    work = [images(job, prepared.data) for job in jobs]
    assert Counter(round(each / work[0], 9) for each in work) == {1: 5 + 2, 2: 1}


@pytest.mark.training
def test_a_row_that_names_another_shorter_training_is_found(tmp_path: Path):
    assert ran(tmp_path, study=SMALL)[0] == 0
    path = tmp_path / "driven" / "trials.jsonl"
    rows = scores(tmp_path)
    longest = list(rows.values())[-1]
    other = next(key for key in longest["needs"] if key != longest["settings"]["continues"])
    before, after = (f'"continues": "{key}"' for key in (longest["settings"]["continues"], other))
    assert path.read_text().count(before) == 1
    path.write_text(path.read_text().replace(before, after))
    assert any("which training it goes on from does not follow" in line for line in problems(tmp_path / "driven"))


def said(folder: Path):
    """What rows say but for times."""
    return {key: (row["architecture"], row["val_accuracy"], row["epochs"], row["settings"].get("continues"))
            for key, row in latest_rows(folder / "driven").items()}  # fmt: skip


@pytest.mark.training
@pytest.mark.parametrize("after", [3, 6, 7])  # trials, of 5, 2 and 1
def test_a_study_that_is_killed_goes_on_to_the_same_rows(tmp_path: Path, after: int):
    left = [after]

    def verdict(_):
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1

    ran(tmp_path / "whole", study=SMALL)
    with pytest.raises(KeyboardInterrupt):
        ran(tmp_path / "killed", verdict, study=SMALL)
    assert len(ran(tmp_path / "killed", study=SMALL)[2]) == 5 + 2 + 1 + 1 - after  # nothing runs twice
    assert said(tmp_path / "killed") == said(tmp_path / "whole")


@pytest.mark.training
@pytest.mark.parametrize("torn", [True, False])
def test_a_shorter_training_whose_weights_are_lost_runs_again_and_no_other_does(tmp_path: Path, torn: bool):
    struck = strikes("score", "failed", 1)
    ran(tmp_path, lambda assigned: struck(assigned) if planned_length(assigned) == 4 else None, study=SMALL)
    rows = scores(tmp_path)
    best = max((key for key in rows if length(rows[key]) == 2), key=lambda key: rows[key]["val_accuracy"])
    path = weights_file(tmp_path / "driven", best)
    path.write_bytes(b"torn") if torn else path.unlink()
    assigned = ran(tmp_path, study=SMALL)[2]
    shortest = rows[best]["settings"]["continues"]
    assert [one.job.key for one in assigned[:2]] == [shortest, best]
    assert [planned_length(one) for one in assigned] == [1, 2, 4, None]  # and the final training
    assert not list(path.parent.iterdir())
    assert problems(tmp_path / "driven") == []


@pytest.mark.training
def test_weights_of_candidates_that_lost_go_when_the_next_rung_has_begun(tmp_path: Path):
    weights = tmp_path / "driven" / "checkpoints" / "weights"
    there: list[int] = []

    def verdict(_):
        there.append(len(list(weights.iterdir())) if weights.exists() else 0)

    missing, _, assigned = ran(tmp_path, verdict, study=SMALL)
    assert not missing
    won = {row["settings"].get("continues") for row in scores(tmp_path).values()}
    last, other = (assigned[number].job.key in won for number in (4, 6))  # of the first two rungs; a loser goes at once
    assert there == [*range(5), 4 + last, 2, 1 + other, 0]
