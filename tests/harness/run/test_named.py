"""What a study names and no training reads is seen to be there before anything starts."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import BadInput
from harness.run.checks.study import alike
from harness.run.prepare import Prepared, prepare
from harness.storage.folder import study_file
from tests.studies import TINY, tiny

STAND_IN = "harness.training.formula:stand_in"
METHODS = [
    {"name": "late", "rule": "A", "twins": 1, "search": {"trained": [2]}},
    {"name": "darts-A", "rule": "A", "twins": 1},
    {"name": "baseline"},
]


def prepared(place: Path, **changes: Any) -> Prepared:
    study = tiny(task=STAND_IN, **{"method": METHODS, **changes})
    return prepare(study, place / "results", None, False, "cpu")


@pytest.mark.parametrize(
    ("primary", "says"),
    [
        ({"method": "darts-A"}, "'darts-A' is read at epochs 1, 2; say which counts, as in at = 2"),
        ({"method": "darts-A", "at": 7}, "'darts-A' is read at epochs 1, 2, not at = 7"),
        ({"method": "darts-A", "at": -1}, "not at = -1"),
        ({"method": "late", "at": 1}, "'late' is read at epochs 2, not at = 1"),
        ({"method": "darts-A", "against": "late", "at": 1}, "'late' is read at epochs 2; name one epoch of both"),
        ({"method": "baseline", "against": "darts-A"}, "'darts-A' is read at epochs 1, 2; name one epoch of both"),
    ],
    ids=str,
)
def test_a_primary_question_about_no_row_of_the_table_is_refused(tmp_path: Path, primary: Any, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        prepared(tmp_path, primary=primary)
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    "primary",
    [
        {"method": "darts-A", "at": 1},
        {"method": "darts-A", "at": "mean"},
        {"method": "late"},
        {"method": "darts-A", "against": "late", "at": 2},
        {"method": "darts-A", "against": "late", "at": "mean"},
        {"method": "baseline", "against": "darts-A", "at": 2},
        {"method": "darts-A", "against": "baseline", "at": 1},
    ],
    ids=str,
)
def test_a_primary_question_about_rows_of_the_table_is_taken(tmp_path: Path, primary: Any) -> None:
    assert prepared(tmp_path, primary=primary).study.primary is not None


@pytest.mark.parametrize(
    ("task", "says"),
    [
        ("imags", "task 'imags' is unknown"),
        ("os:system", "in Python's standard library"),
        ("harness.training.formula:nothing", "cannot be imported"),
        ("harness.training.formula:np", "is no function"),
    ],
)
def test_a_task_that_is_none_is_refused_before_anything_starts(tmp_path: Path, task: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        prepare(tiny(**{**TINY, "task": task}), tmp_path / "results", None, False, "cpu")
    assert not (tmp_path / "results").exists()


DRAWN = {"name": "random-A", "strategy": "random", "rule": "A"}


def test_a_method_under_the_name_of_anothers_twins_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="method 'random-A': the twins of method 'darts-A' stand in the table under"):
        prepared(tmp_path, method=[*METHODS, DRAWN])


def test_a_study_that_began_under_such_names_goes_on(tmp_path: Path) -> None:
    """Its questions are about the method of that name, not about the twins."""
    begun = prepared(tmp_path)
    study_file(begun.folder).parent.mkdir(parents=True)
    study_file(begun.folder).write_text(json.dumps(begun.as_json("")))
    primary = {"method": "darts-A", "against": "random-A", "at": 2}
    found = prepared(tmp_path, method=[*METHODS, DRAWN], primary=primary)
    assert {"random-A", "random-A@2"} <= found.plan.rows.keys()
    assert alike(found.plan) == []
    same = [*METHODS, DRAWN, {**DRAWN, "name": "drawn"}]
    assert alike(prepared(tmp_path, method=same).plan) == [("random-A", "drawn")]
