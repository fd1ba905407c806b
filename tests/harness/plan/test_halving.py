"""Successive halving: its rungs, and that it returns the best where ranks never change."""

from collections import Counter
from pathlib import Path

import pytest

from harness.plan.halving import rungs
from harness.storage.rows import latest_rows
from tests.driven import STUDY, ran
from tests.planted import value

SEARCH = """
search = { strategy = "successive-halving", candidates = 13, score_epochs = 2, reduction = 3 }
method = [{ name = "halving", rule = "A" }]
"""


def test_rungs_shrink_as_epochs_grow():
    assert rungs(27, 1, 3) == [(27, 1), (9, 3), (3, 9), (1, 27)]
    assert rungs(13, 2, 3) == [(13, 2), (4, 6), (1, 18)]
    assert rungs(2, 5, 3) == [(2, 5)]


@pytest.mark.training
def test_with_perfect_ranks_the_best_candidate_is_found(tmp_path: Path):
    kept = [line for line in STUDY.splitlines() if not line.startswith(("search", "method", "task"))]
    study = "\n".join([*kept, 'task = "tests.planted:ranked"', SEARCH])
    assert ran(tmp_path, study=study)[0] == 0
    rows = latest_rows(tmp_path / "driven").values()
    scored = [row for row in rows if row["kind"] == "score"]
    assert Counter(row["epochs"] for row in scored) == {2: 13, 6: 4, 18: 1}
    (trained,) = [row for row in rows if row["kind"] == "train"]
    assert trained["architecture"] == max({row["architecture"] for row in scored}, key=value)
    longer = sorted({row["architecture"] for row in scored if row["epochs"] == 2}, key=value)[-4:]
    assert {row["architecture"] for row in scored if row["epochs"] == 6} == set(longer)
