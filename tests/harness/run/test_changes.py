"""A folder belongs to one study: what would leave rows out is listed, and refused unless it is confirmed."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from harness.storage import protocol
from harness.storage.rows import read_rows
from tests.studies import as_toml

STUDY: dict[str, Any] = {
    "name": "ours",
    "space": "shortcut-vgg11",
    "space_options": {"width": 0.125},
    "task": "harness.training.formula:stand_in",
    "data": {"name": "digits", "image_size": 32},
    "seeds": {"search": 2},
    "recipe": {"epochs": 1, "lr": 1e-6},
    "looks": [2, 3],
    "method": [{"name": "one", "strategy": "random", "twins": 1}, {"name": "baseline"}],
}
ROWS = 6


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("made")
    assert run(place) == 0
    assert len(read_rows(place / "ours")) == ROWS
    return place


@pytest.fixture
def place(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made / "ours", tmp_path / "ours")
    return tmp_path


def run(place: Path, *more: str, command: str = "run", **changes: Any) -> int:
    (place / "study.toml").write_text(as_toml({**STUDY, **changes}))
    executor = ["--executor", "in-process"] if command != "plan" else []
    with pytest.raises(SystemExit) as end:
        main([command, str(place / "study.toml"), "--results", str(place), *executor, *more])
    return int(end.value.code or 0)


def state(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.training  # of a few steps, by `plan`
@pytest.mark.long
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"recipe": {"epochs": 2, "lr": 1e-6}}, r"recipe\.epochs 1 → 2; leaves out 6 of its 6 rows"),
        ({"space": "shortcut-vgg13"}, "space shortcut-vgg11 → shortcut-vgg13; leaves out 6 of its 6 rows"),
        ({"data": {"name": "digits", "image_size": 32, "test_images": 50}},
         r"data\.test_images nothing → 50; leaves out 6 of"),
        ({"method": [{"name": "baseline"}]}, r"methods\.one removed; leaves out 4 of its 6 rows"),
        ({"method": [{"name": "two", "strategy": "random"}, {"name": "baseline"}]},
         r"methods\.one removed, methods\.two added; leaves out 2 of its 6 rows"),
        ({"seeds": {"search": 1}}, r"seeds\.search 2 → 1; leaves out 3 of its 6 rows"),
    ],
    ids=str,
)  # fmt: skip
def test_what_leaves_rows_out_is_listed_refused_and_can_be_confirmed(
    change: dict[str, Any], says: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = state(place / "ours")
    capsys.readouterr()
    assert run(place, **change) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert state(place / "ours") == before
    assert re.search(rf"holds another study of this name \({says}", err)
    assert run(place, command="plan", **change) == 0
    assert re.search(says, capsys.readouterr().err)
    assert state(place / "ours") == before
    assert run(place, "--change", **change) == 0
    assert "is not as it was" in capsys.readouterr().err
    assert [entry.event for entry in protocol.read(place / "ours")] == ["fixed", "changed"]
    assert read_rows(place / "ours")[:ROWS] == [json.loads(line) for line in before["trials.jsonl"].splitlines()]


@pytest.mark.long
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"method": [*STUDY["method"], {"name": "two", "strategy": "random", "rule": "B"}]}, "methods.two added"),
        ({"seeds": {"search": 3}}, "seeds.search 2 → 3"),
        ({"smallest_effect": 1.0}, "smallest_effect 0.2 → 1.0"),
        ({"method": [{"name": "one", "strategy": "random", "twins": 2}, {"name": "baseline"}]},
         "methods.one.twins 1 → 2"),
    ],
    ids=str,
)  # fmt: skip
def test_what_leaves_no_row_out_goes_on_with_a_line(
    change: dict[str, Any], says: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert run(place, **change) == 0
    assert f"is not as it was in {place / 'ours'} ({says}; leaves out no row)" in capsys.readouterr().err


@pytest.mark.long
def test_the_same_study_again_says_nothing(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run(place) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.long
def test_looks_with_fewer_seeds_leave_no_row_out(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--until` begins with the first look again, whatever is there already."""
    assert run(place, seeds={"search": 3}) == 0
    assert run(place, "--until", "decided", seeds={"search": 3}) == 0
    capsys.readouterr()
    assert run(place, "--until", "decided", "--max-seeds", "2", seeds={"search": 3}) == 2
    assert "its looks were fixed" in capsys.readouterr().err
    assert len(read_rows(place / "ours")) == 9


@pytest.mark.long
def test_rows_without_a_readable_study_count(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "ours" / "study.json").write_text("{")
    assert run(place, recipe={"epochs": 2, "lr": 1e-6}) == 2
    assert "(leaves out 6 of its 6 rows)" in capsys.readouterr().err
    assert run(place) == 0


TUNING = {"looks": [3, 4], "tuning": [{"name": "t", "trials": 2, "ranges": {"momentum": {"low": 0.1, "high": 0.9}}}]}


@pytest.mark.long
def test_a_tuning_alone_asks_for_the_same_confirmation(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed = {**TUNING, "recipe": {"epochs": 2, "lr": 1e-6}}
    before = state(place / "ours")
    assert run(place, command="tune", **changed) == 2
    assert "leaves out 6 of its 6 rows); name this one otherwise" in capsys.readouterr().err
    assert state(place / "ours") == before
    assert run(place, "--change", command="tune", **changed) == 0
    assert [row["kind"] for row in read_rows(place / "ours")[ROWS:]] == ["tune", "tune"]


@pytest.mark.training  # of a few steps, by `plan`
@pytest.mark.long
def test_a_tuning_and_a_plan_keep_the_seeds_that_looks_gave(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Though the study's own seeds are fewer, and these looks are not all that it names."""
    folder = tmp_path / "ours"
    assert run(tmp_path, "--until", "decided", "--max-seeds", "3", **TUNING) == 0
    before = state(folder)
    rows = before["trials.jsonl"].splitlines(keepends=True)
    (folder / "trials.jsonl").write_bytes(b"".join(row for row in rows if json.loads(row)["kind"] != "tune"))
    capsys.readouterr()
    assert run(tmp_path, command="tune", **TUNING) == 0
    assert len(read_rows(folder)) == len(rows) == 11
    after, before = (json.loads(files["study.json"]) for files in (state(folder), before))
    assert {name for name in after if after[name] != before[name]} <= {"command", "paths"}
    assert "changed" not in [entry.event for entry in protocol.read(folder)]
    assert run(tmp_path, command="plan", **TUNING) == 0
    out, err = capsys.readouterr()
    assert "is not as it was" not in err
    assert "0 of 11 left" in out
