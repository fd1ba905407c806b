"""Rows survive power-offs, full disks and second drivers."""

import gzip
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import BadInput
from harness.storage.folder import rows_file
from harness.storage.kept import kept_file
from harness.storage.rows import Records, latest_rows, read_rows
from harness.vocabulary.rows import Row

ROWS = [{"key": f"{n:016x}", "status": "done", "text": "é" * n, "curve": [n / 3] * n} for n in range(5)]


def written(folder: Path, rows: list[Row]) -> bytes:
    with Records(folder) as book:
        for row in rows:
            book.append(row)
    return rows_file(folder).read_bytes()


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    written(tmp_path, ROWS[:3])
    written(tmp_path, ROWS[3:])
    assert read_rows(tmp_path) == ROWS


def test_a_signal_while_a_row_is_synced_takes_it_not_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The row is whole: whoever reads meanwhile has seen it."""

    def struck(_: int) -> None:
        raise KeyboardInterrupt

    with Records(tmp_path) as book:
        book.append(ROWS[0])
        monkeypatch.setattr(os, "fsync", struck)
        with pytest.raises(KeyboardInterrupt):
            book.append(ROWS[1])
    assert read_rows(tmp_path) == ROWS[:2]


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_a_file_torn_anywhere_loses_only_the_torn_row(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject):
    folder = tmp_path_factory.mktemp("torn")
    content = written(folder, ROWS)
    cut = data.draw(st.integers(0, len(content)))
    rest = data.draw(st.sampled_from([b"", b"\0" * 70_000]))  # what some file systems leave after a power-off
    rows_file(folder).write_bytes(content[:cut] + rest)
    whole = content[:cut].count(b"\n") + (not rest and content[cut - 1 : cut + 1] == b"}\n")  # complete but for its end
    assert read_rows(folder) == ROWS[:whole]
    written(folder, ROWS[whole:])
    assert read_rows(folder) == ROWS


def test_a_last_row_whose_newline_an_editor_took_is_kept(tmp_path: Path) -> None:
    content = written(tmp_path, ROWS[:2])
    rows_file(tmp_path).write_bytes(content[:-1])
    assert read_rows(tmp_path) == ROWS[:2]
    written(tmp_path, ROWS[2:])
    assert read_rows(tmp_path) == ROWS
    assert rows_file(tmp_path).read_bytes().startswith(content)


def test_a_damaged_line_in_the_middle_is_named(tmp_path: Path) -> None:
    content = written(tmp_path, ROWS)
    rows_file(tmp_path).write_bytes(content.replace(b"{", b"", 1))
    with pytest.raises(BadInput, match="line 1 is no JSON"):
        read_rows(tmp_path)


def test_compressed_rows_come_first_and_stay_as_they_are(tmp_path: Path) -> None:
    """In members of their own, as appending to the file leaves them."""
    parts = [written(tmp_path / str(n), ROWS[n : n + 1]) for n in range(2)]
    kept = b"".join(map(gzip.compress, parts))
    kept_file(tmp_path).write_bytes(kept)
    assert read_rows(tmp_path) == ROWS[:2]
    written(tmp_path, ROWS[2:])
    written(tmp_path, [{**ROWS[0], "text": "anew"}])
    assert read_rows(tmp_path)[:5] == ROWS
    assert latest_rows(tmp_path)[ROWS[0]["key"]]["text"] == "anew"
    assert kept_file(tmp_path).read_bytes() == kept


@pytest.mark.parametrize("damage", [lambda content: content[:-9], lambda content: b"{}" + content,
                                    lambda content: content[:30] + b"\xff" * 8 + content[38:]])  # fmt: skip
def test_a_damaged_compressed_file_is_named(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    kept_file(tmp_path).write_bytes(damage(gzip.compress(written(tmp_path / "of", ROWS))))
    with pytest.raises(BadInput, match=r"trials\.jsonl\.gz is damaged"):
        read_rows(tmp_path)


def test_the_last_final_row_of_a_key_counts(tmp_path: Path) -> None:
    states = ["failed", "done", "failed"]
    written(tmp_path, [{"key": "a", "status": status, "n": n} for n, status in enumerate(states)])
    assert latest_rows(tmp_path)["a"]["n"] == 1


def test_a_second_driver_is_refused_while_status_may_look(tmp_path: Path) -> None:
    with Records(tmp_path):
        with pytest.raises(BadInput, match="another nas-harness is running"):
            Records(tmp_path)
        assert read_rows(tmp_path) == []
    Records(tmp_path).close()


FULL = """
import resource, sys
from pathlib import Path
from harness.storage.rows import Records
folder, row = Path(sys.argv[1]), {"key": "b", "status": "done", "text": "x" * 5000}
with Records(folder) as book:
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
    try:
        book.append(row)
    except OSError as error:
        print(error.errno)
"""


def test_a_full_disk_leaves_no_torn_row(tmp_path: Path) -> None:
    content = written(tmp_path, ROWS)
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 4000
    said = subprocess.run([sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=True,
                          cwd=Path(__file__).parents[3])  # fmt: skip
    assert said.stdout.strip() == "27"  # EFBIG, which this test has in place of ENOSPC
    assert rows_file(tmp_path).read_bytes() == content


def test_numbers_that_are_none_are_no_json(tmp_path: Path) -> None:
    with Records(tmp_path) as book, pytest.raises(ValueError, match="JSON"):
        book.append({"key": "a", "status": "done", "loss": float("nan")})
    assert os.path.getsize(rows_file(tmp_path)) == 0


def test_an_empty_line_is_no_row_and_no_fault(tmp_path: Path) -> None:
    content = written(tmp_path, ROWS)
    rows_file(tmp_path).write_bytes(content.replace(b"\n", b"\n\n", 2) + b" \n")
    assert read_rows(tmp_path) == ROWS
