"""A folder that was begun under schema 1 is read, reported, verified and gone on with as what it is, for good."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from harness.commands import report_pages, verify
from harness.storage.rows import latest_rows, read_rows

pytestmark = pytest.mark.training

KEPT = Path(__file__).parents[1] / "data" / "schema-1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(KEPT, tmp_path / "schema-1")
    return tmp_path / "schema-1"


def again(folder: Path, *more: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(["run", str(folder / "study.toml"), "--executor", "in-process", "--results", str(folder.parent), *more])
    return int(end.value.code or 0)


def decided(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["key"], row["architecture"], row["status"], row["settings"]


def test_it_is_verified_and_reported(folder: Path) -> None:
    assert verify.problems(folder) == []
    assert report_pages.differences(folder) == []


def test_nothing_of_it_runs_again(folder: Path) -> None:
    before = (folder / "trials.jsonl").read_bytes()
    assert again(folder) == 0
    assert (folder / "trials.jsonl").read_bytes() == before
    assert json.loads((folder / "study.json").read_text())["schema"] == 1


@pytest.mark.parametrize("study_is_there", [True, False])
def test_what_is_missing_runs_under_its_schema(folder: Path, study_is_there: bool) -> None:
    """A twin, a candidate, a tuning trial and all that was built on them: the same jobs, of the same architectures."""
    rows = latest_rows(folder)
    gone = {next(row["key"] for row in rows.values() if row["role"] == role) for role in ("twin", "score", "tune")}
    for row in rows.values():
        gone |= {row["key"]} if gone & set(row["needs"]) else set()
    kept = [line for line in (folder / "trials.jsonl").read_text().splitlines() if json.loads(line)["key"] not in gone]
    (folder / "trials.jsonl").write_text("\n".join(kept) + "\n")
    if not study_is_there:
        (folder / "study.json").write_text("torn")
    assert again(folder) == 0
    after = latest_rows(folder)
    assert sorted(after) == sorted(rows)
    twins = [key for key in gone if rows[key]["role"] == "twin"]
    assert twins
    assert [decided(after[key]) for key in twins] == [decided(rows[key]) for key in twins]
    assert verify.problems(folder) == []


def test_a_new_seed_runs_under_it_too(folder: Path) -> None:
    assert again(folder, "--set", "seeds.search=3") == 0
    assert {row["settings"]["schema"] for row in read_rows(folder)} == {1}
    assert verify.problems(folder) == []


def test_a_later_schema_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = json.loads((folder / "study.json").read_text())
    (folder / "study.json").write_text(json.dumps({**study, "schema": 9}))
    assert again(folder) == 2
    assert "schema 9" in capsys.readouterr().err
