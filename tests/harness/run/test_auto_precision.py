"""What a recipe's `auto` becomes is settled once: the same study again has the same keys, wherever it goes on."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.run.changes import changes
from harness.run.prepare import Prepared, prepare
from harness.storage.folder import study_file
from tests.studies import TINY, tiny

AUTO = {"precision": "auto"}
SEARCHED = {**TINY["search"], "recipe": {"precision": "fp32"}}
OPEN: dict[str, dict[str, Any]] = {
    "of the study": {"recipe": {**TINY["recipe"], **AUTO}},
    "of a method": {"method": [{"name": "baseline", "recipe": AUTO}]},
    "of a tuning": {"tuning": [{"name": "t", "trials": 2, "ranges": {"lr": {"low": 0.01, "high": 0.1}},
                                "recipe": AUTO}]},
    "of a method's search": {"search": SEARCHED, "method": [{"name": "darts-A", "search": {"recipe": AUTO}}]},
    "of the study's search": {"search": {**SEARCHED, "recipe": AUTO}},
}  # fmt: skip


def prepared(folder: Path, here: str, changes: dict[str, Any]) -> Prepared:
    """On machines whose precision is `here`."""
    return prepare(tiny(**changes), folder, None, False, "cuda", elsewhere=lambda: here)


def begun(one: Prepared) -> None:
    one.folder.mkdir()
    study_file(one.folder).write_text(json.dumps(one.as_json("")))


@pytest.mark.parametrize("whose", OPEN)
def test_the_same_study_again_has_the_same_keys(tmp_path: Path, whose: str) -> None:
    one = prepared(tmp_path, "bf16", OPEN[whose])
    begun(one)
    for _ in range(2):
        again = prepared(tmp_path, "fp32", OPEN[whose])
        assert [*again.plan.jobs] == [*one.plan.jobs]
        assert changes(again).fields == ()
        study_file(one.folder).write_text(json.dumps(again.as_json("")))
    assert [*prepared(tmp_path / "new", "fp32", OPEN[whose]).plan.jobs] != [*one.plan.jobs]


def test_a_folder_of_before_goes_on_by_the_studys_own_precision(tmp_path: Path) -> None:
    one = prepared(tmp_path, "bf16", OPEN["of the study"])
    begun(one)
    older = {name: value for name, value in one.as_json("").items() if name != "auto_precision"}
    study_file(one.folder).write_text(json.dumps(older))
    assert [*prepared(tmp_path, "fp32", OPEN["of the study"]).plan.jobs] == [*one.plan.jobs]


def test_a_study_that_leaves_nothing_open_says_nothing_of_it(tmp_path: Path) -> None:
    assert "auto_precision" not in prepared(tmp_path, "bf16", {}).as_json("")
