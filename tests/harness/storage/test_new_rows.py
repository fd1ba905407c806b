"""Rows are read while a driver appends them: each that counts, once, whatever happens to their file."""

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

from harness.errors import BadInput
from harness.storage.new_rows import NewRows
from tests.rows_factory import failed, rows, study, write

STUDY = study(seeds=2)
ROWS = rows(STUDY)


def line(row: Any) -> str:
    return json.dumps(row) + "\n"


def append(folder: Path, text: str) -> None:
    with open(folder / "trials.jsonl", "a") as file:
        file.write(text)


def news(found: NewRows) -> list[Any]:
    return [row for _, row in found.up_to(found.mark())]


def test_each_row_comes_once(tmp_path: Path) -> None:
    found = NewRows(write(tmp_path, STUDY, ROWS[:2]))
    assert news(found) == ROWS[:2]
    assert news(found) == []
    append(tmp_path, line(ROWS[2]))
    assert news(found) == [ROWS[2]]
    assert news(found) == []


def test_without_rows_there_is_nothing(tmp_path: Path) -> None:
    found = NewRows(tmp_path)
    assert news(found) == []
    append(tmp_path, line(ROWS[0]))
    assert news(found) == [ROWS[0]]


def test_a_row_that_is_half_written_comes_when_it_is_whole(tmp_path: Path) -> None:
    whole = line(ROWS[1])
    found = NewRows(write(tmp_path, STUDY, ROWS[:1]))
    append(tmp_path, whole[:50])
    assert news(found) == [ROWS[0]]
    append(tmp_path, whole[50:])
    assert news(found) == [ROWS[1]]


def test_a_last_row_without_a_newline_counts(tmp_path: Path) -> None:
    found = NewRows(write(tmp_path, STUDY, ROWS[:1]))
    append(tmp_path, line(ROWS[1]).rstrip())
    assert news(found) == ROWS[:2]
    append(tmp_path, "\n" + line(ROWS[2]))
    assert news(found) == [ROWS[2]]


def test_rows_beyond_the_mark_come_later(tmp_path: Path) -> None:
    found = NewRows(write(tmp_path, STUDY, ROWS[:1]))
    mark = found.mark()
    append(tmp_path, line(ROWS[1]))
    assert [row for _, row in found.up_to(mark)] == ROWS[:1]
    assert news(found) == [ROWS[1]]


def test_of_a_key_the_last_final_row_counts(tmp_path: Path) -> None:
    first, again = failed(ROWS[0]), failed(ROWS[1], error="again")
    found = NewRows(write(tmp_path, STUDY, [first, ROWS[0], ROWS[1], again]))
    assert news(found) == [ROWS[0], ROWS[1]]
    append(tmp_path, line(failed(ROWS[0])))
    assert news(found) == []
    changed = {**ROWS[0], "val_accuracy": 12.0}
    append(tmp_path, line(changed))
    assert news(found) == [changed]


def test_where_the_caller_stops_all_come_again(tmp_path: Path) -> None:
    found = NewRows(write(tmp_path, STUDY, ROWS[:3]))
    assert next(iter(found.up_to(found.mark())))[1] == ROWS[0]
    assert news(found) == ROWS[:3]


def test_a_file_that_was_replaced_is_read_from_its_start(tmp_path: Path) -> None:
    found = NewRows(write(tmp_path, STUDY, ROWS[:2]))
    assert len(news(found)) == 2
    (tmp_path / "new").write_text(line(ROWS[1]) + line(ROWS[2]) + line(ROWS[3]))
    os.replace(tmp_path / "new", tmp_path / "trials.jsonl")
    assert news(found) == ROWS[1:4]
    (tmp_path / "trials.jsonl").write_text(line(ROWS[3]))  # shorter
    assert news(found) == [ROWS[3]]


def test_compressed_rows_come_first(tmp_path: Path) -> None:
    write(tmp_path, STUDY, [ROWS[1]])
    (tmp_path / "trials.jsonl.gz").write_bytes(gzip.compress(line(ROWS[0]).encode()))
    found = NewRows(tmp_path)
    assert news(found) == ROWS[:2]
    (tmp_path / "trials.jsonl").unlink()
    assert news(found) == ROWS[:1]


@pytest.mark.parametrize("text", ["{\n", "[]\n", "{}\n", '{"key": "a"}\n'])
def test_what_is_no_row_is_named(text: str, tmp_path: Path) -> None:
    found = NewRows(write(tmp_path, STUDY, ROWS[:1]))
    append(tmp_path, text)
    with pytest.raises(BadInput, match=r"trials\.jsonl holds a line that is no"):
        news(found)
