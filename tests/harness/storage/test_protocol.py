"""The protocol of a study: fixed before its first row, appended to alone, and found out where it was touched."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.results import protocol_view
from harness.cli import main
from harness.commands import verify
from harness.errors import BadInput
from harness.storage import protocol
from harness.storage.protocol import Event
from harness.storage.rows import read_rows
from tests.studies import tiny

WANTED = {"smallest_effect": 0.2, "looks": (3, 5), "primary": {"method": "darts-A", "against": "twins", "at": "mean"}}

pytestmark = pytest.mark.long


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    protocol.settle(tmp_path, WANTED, 0, 10)
    protocol.append(tmp_path, Event.REPORTED, {}, 4, 10)
    protocol.settle(tmp_path, {**WANTED, "smallest_effect": 4.0}, 5, 12)
    protocol.append(tmp_path, Event.LOOKED, {"look": 3}, 9, 12)
    return tmp_path


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in protocol.protocol_file(folder).read_text().splitlines()]


def write(folder: Path, entries: list[dict[str, Any]]) -> None:
    protocol.protocol_file(folder).write_text("".join(json.dumps(entry) + "\n" for entry in entries))


def faults(folder: Path, named: list[str | None]) -> list[str]:
    return list(protocol.faults(protocol.read(folder), named))


def test_what_was_fixed_and_changed_stands_in_it(folder: Path) -> None:
    entries = protocol.read(folder)
    assert [entry.event for entry in entries] == ["fixed", "reported", "changed", "looked"]
    assert entries[2].content == {"smallest_effect": [0.2, 4.0]}
    assert (entries[2].rows, entries[2].planned) == (5, 12)
    assert protocol.fixed(entries) == {**json.loads(json.dumps(WANTED)), "smallest_effect": 4.0}
    assert protocol.settle(folder, {**WANTED, "smallest_effect": 4.0}, 9, 12) == entries[3].hash
    assert faults(folder, [entries[0].hash, entries[2].hash]) == []


def test_the_same_protocol_again_adds_nothing(folder: Path) -> None:
    before = protocol.protocol_file(folder).read_bytes()
    protocol.settle(folder, {**WANTED, "smallest_effect": 4.0}, 9, 12)
    assert protocol.protocol_file(folder).read_bytes() == before


def test_a_study_with_rows_before_any_protocol_never_gets_one(tmp_path: Path) -> None:
    assert protocol.settle(tmp_path, WANTED, 3, 10) is None
    assert not protocol.protocol_file(tmp_path).exists()
    assert faults(tmp_path, [None, None]) == []
    assert faults(tmp_path, ["a" * 64]), "a row names an entry of a file that was removed"


@given(st.data())
def test_an_entry_that_was_edited_removed_or_moved_is_found(tmp_path_factory: Any, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("protocol")
    protocol.settle(folder, WANTED, 0, 10)
    for rows in (2, 4, 6):
        protocol.append(folder, Event.REPORTED, {"number": rows}, rows, 10)
    entries, first = lines(folder), protocol.read(folder)[0].hash
    how = data.draw(st.sampled_from(["edit", "rehash", "remove", "swap"]))
    place = data.draw(st.integers(0, 2))
    if how in ("edit", "rehash"):
        field, value = data.draw(st.sampled_from([("rows", 99), ("at", "2001-01-01"), ("content", {"looks": []})]))
        entries[place][field] = value
        if how == "rehash":
            kept = {name: value for name, value in entries[place].items() if name != "hash"}
            entries[place]["hash"] = protocol.Entry(**kept).digest
    elif how == "remove":
        del entries[place]
    else:
        entries[place], entries[place + 1] = entries[place + 1], entries[place]
    write(folder, entries)
    assert faults(folder, [first])


def test_a_torn_last_line_is_no_entry_and_goes_with_the_next(folder: Path) -> None:
    with open(protocol.protocol_file(folder), "a") as file:
        file.write('{"at": "2026')
    assert len(protocol.read(folder)) == 4
    protocol.append(folder, Event.REPORTED, {}, 10, 12)
    assert len(protocol.read(folder)) == 5
    assert faults(folder, []) == []


def test_a_last_entry_whose_newline_an_editor_took_is_kept(folder: Path) -> None:
    path = protocol.protocol_file(folder)
    path.write_bytes(path.read_bytes()[:-1])
    before = protocol.read(folder)
    assert len(before) == len(protocol_view.read(folder).entries) == 4
    protocol.append(folder, Event.REPORTED, {}, 10, 12)
    assert protocol.read(folder)[:4] == before
    assert faults(folder, []) == []


@pytest.mark.parametrize("line", ["5", "[]", "{}", "no json", '{"at": 1}'])
def test_a_line_that_is_no_entry_is_said(folder: Path, line: str) -> None:
    with open(protocol.protocol_file(folder), "a") as file:
        file.write(line + "\n")
    with pytest.raises(BadInput, match=r"line 5 is no entry"):
        protocol.read(folder)


STUDY = """
name = "fixed"
space = "shortcut-vgg11"
task = "harness.training.formula:stand_in"
data = { name = "digits", image_size = 32 }
seeds = { search = 2 }
recipe = { epochs = 1, lr = 1e-6 }
primary = { method = "one", at = "mean" }
method = [{ name = "one", strategy = "random", twins = 1 }, { name = "baseline" }]
"""


def run(place: Path, *more: str) -> int:
    (place / "study.toml").write_text(STUDY)
    with pytest.raises(SystemExit) as end:
        main(["run", str(place / "study.toml"), "--executor", "in-process", "--results", str(place), *more])
    return int(end.value.code or 0)


@pytest.mark.long
def test_a_run_fixes_its_protocol_and_every_change_and_early_report_is_in_it(tmp_path: Path) -> None:
    assert run(tmp_path) == 0
    place = tmp_path / "fixed"
    (first,) = protocol.read(place)
    assert first.event == "fixed"
    assert first.content["primary"] == {"method": "one", "against": "twins", "at": "mean"}
    assert first.content["seeds"]["search"] == 2
    assert {row["protocol"] for row in read_rows(place)} == {first.hash}
    assert run(tmp_path) == 0
    assert len(protocol.read(place)) == 1, "the same study again"
    assert run(tmp_path, "--set", "seeds.search=3", "--set", "smallest_effect=4") == 0
    changed = protocol.read(place)[1]
    assert changed.content["smallest_effect"] == [0.2, 4.0]
    assert changed.content["seeds"][1]["search"] == 3
    assert changed.rows == 6
    assert {row["protocol"] for row in read_rows(place)} == {first.hash, changed.hash}
    assert verify.problems(place) == []


@pytest.mark.long
def test_a_report_with_rows_missing_is_in_the_protocol(tmp_path: Path) -> None:
    run(tmp_path)
    place = tmp_path / "fixed"
    rows = (place / "trials.jsonl").read_text().splitlines(keepends=True)
    (place / "trials.jsonl").write_text("".join(rows[:-1]))
    with pytest.raises(SystemExit):
        main(["report", str(place)])
    assert [(e.event, e.rows, e.planned) for e in protocol.read(place)][1:] == [("reported", 5, 6)]
    assert run(tmp_path) == 0
    assert [e.event for e in protocol.read(place)] == ["fixed", "reported"]
    assert verify.problems(place) == []


@pytest.mark.long
def test_verify_finds_a_touched_protocol_and_a_study_that_is_not_as_it_was_fixed(tmp_path: Path) -> None:
    run(tmp_path)
    place = tmp_path / "fixed"
    study = json.loads((place / "study.json").read_text())
    (place / "study.json").write_text(json.dumps({**study, "smallest_effect": 9.0}))
    assert ["smallest_effect" in line for line in verify.problems(place)] == [True]
    (place / "study.json").write_text(json.dumps(study))
    protocol.protocol_file(place).unlink()
    assert any("not there" in line for line in verify.problems(place))


@pytest.mark.parametrize(
    ("primary", "said"),
    [
        ({"method": "two"}, "'two' is no"),
        ({"method": "baseline"}, "has no twins"),
        ({"method": "one", "against": "one"}, "is neither"),
        ({"method": "one", "at": "median"}, "primary"),
    ],
)
def test_a_primary_question_that_cannot_be_asked_is_refused(primary: dict[str, Any], said: str) -> None:
    methods = [{"name": "one", "twins": 1}, {"name": "baseline"}]
    with pytest.raises(BadInput, match=said):
        tiny(primary=primary, method=methods)
