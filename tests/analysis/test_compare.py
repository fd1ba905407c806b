"""Stored tables against made ones: rounding is let through, everything else is found and named."""

import csv
import io
import lzma
import os
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
import rows_factory as factory
from hypothesis import assume, given
from hypothesis import strategies as st

from analysis.findings.collect import findings
from analysis.numbers import as_csv, significant
from analysis.report import write
from analysis.report.compare import SHOWN, agree, compare, differences
from analysis.results.protocol_view import Damaged

WORDS = st.text(st.characters(categories=["L"]), min_size=1, max_size=8)
FINITE = st.floats(-1e9, 1e9, allow_subnormal=False)


def moved(printed: str, units: int) -> str:
    """The number `units` of its last printed place further from zero."""
    value = Decimal(printed)
    unit = Decimal(1).scaleb(value.as_tuple().exponent)
    found = value + units * (unit if value >= 0 else -unit)
    return f"{found:e}" if "e" in printed else f"{found:f}"


@given(FINITE, st.integers(3, 12))
def test_one_unit_of_the_last_place_is_let_through_and_two_are_not(value: float, digits: int) -> None:
    printed = significant(value, digits)
    assert agree(printed, printed)
    assert agree(printed, moved(printed, 1))
    assert agree(moved(printed, 1), printed)
    assert not agree(printed, moved(printed, 2))
    assert not agree(printed, "")


@given(st.floats(0.001, 1e9), st.integers(3, 10), st.floats(-1, 1))
def test_what_rounding_alone_makes_of_a_number_agrees(value: float, digits: int, part: float) -> None:
    """Two values nearer than one unit print as numbers at most one unit apart, also where the places change."""
    printed = significant(value, digits)
    unit = 10.0 ** Decimal(printed).as_tuple().exponent
    assume(value + part * unit / 10 > 0)
    assert agree(printed, significant(value + part * unit / 10, digits))


@given(st.integers(0, 10**9), st.integers(1, 10))
def test_integers_are_compared_exactly(value: int, more: int) -> None:
    assert agree(f"n={value}", f"n={value}")
    assert not agree(f"n={value}", f"n={value + more}")
    assert not agree(f"{value:,} images", f"{value + more:,} images")


@given(WORDS, WORDS, FINITE)
def test_words_are_compared_exactly(one: str, other: str, value: float) -> None:
    assume(one != other)
    assert not agree(f"{one} {value:.3f}", f"{other} {value:.3f}")


@pytest.mark.parametrize(
    ("stored", "made", "same"),
    [
        ("71.37 ± 0.64 (n=5)", "71.38 ± 0.63 (n=5)", True),
        ("71.37 ± 0.64 (n=5)", "71.37 ± 0.64 (n=4)", False),
        ("+0.00 [−0.01, +0.53]", "−0.01 [−0.02, +0.52]", True),
        ("−0.33", "+0.33", False),
        ("$-$0.00", "+0.01", True),
        ("< 0.001", "0.001", True),
        ("$<$ 0.001", "0.001", True),
        ("< 0.001", "0.002", False),
        ("1.23457e-05", "1.23458e-05", True),
        ("1.23457e-05", "1.23457e-06", False),
        ("…0.05 to 0.5563", "0.05 to 0.5563", False),
        ("vgg11 1-4 1-5", "vgg11 1-4 1-6", False),
        ("3e10a2b4c5d6e7f8", "3e11a2b4c5d6e7f8", False),
        ("torch 2.14.1", "torch 2.14.2", False),
        ("would take 669 seeds.", "would take 670 seeds.", False),
        ("–", "0.00", False),
    ],
)
def test_cells_of_the_tables(stored: str, made: str, same: bool) -> None:
    assert agree(stored, made) is same


frames = st.builds(
    lambda names, values: pd.DataFrame({"row": names, "accuracy": values[: len(names)], "n": range(len(names))}),
    st.lists(WORDS, min_size=1, max_size=6),
    st.lists(FINITE, min_size=6, max_size=6),
)


@given(frames, st.data())
def test_a_changed_cell_is_named_with_both_values(frame: pd.DataFrame, data: st.DataObject) -> None:
    text = as_csv(frame)
    assert compare("a.csv", text, text) == []
    row = data.draw(st.integers(0, len(frame) - 1))
    old = list(csv.reader(io.StringIO(text)))
    value, line = old[row + 1][1], f"a.csv, line {row + 2} ({old[row + 1][0]})"
    assert compare("a.csv", changed(old, row + 1, 1, moved(value, 1)), text) == []
    assert compare("a.csv", changed(old, row + 1, 1, moved(value, 2)), text) == [
        f"{line}, accuracy: {moved(value, 2)} stored, {value} by the rows"
    ]
    assert compare("a.csv", changed(old, row + 1, 2, "77"), text) == [f"{line}, n: 77 stored, {row} by the rows"]


def changed(cells: list[list[str]], row: int, column: int, text: str) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(
        [[text if (i, j) == (row, column) else cell for j, cell in enumerate(line)] for i, line in enumerate(cells)]
    )
    return out.getvalue()


def test_rows_and_columns_that_are_missing_or_added_are_found() -> None:
    text = "a,b\nx,1.5\ny,2.5\n"
    assert compare("a.csv", "a,b\nx,1.5\n", text) == ["a.csv: 2 lines stored, 3 by the rows"]
    assert compare("a.csv", text, "a,b\nx,1.5\n") == ["a.csv: 3 lines stored, 2 by the rows"]
    assert "a.csv, line 1 (a): columns a stored, a | b by the rows" in compare("a.csv", "a\nx\ny\n", text)
    assert compare("a.csv", "a,b\n", "a,c\n") == ["a.csv, line 1 (a): columns a | b stored, a | c by the rows"]


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    study = factory.study(snapshots=[5, 10])
    folder = factory.write(tmp_path_factory.mktemp("results") / "made-up", study, factory.rows(study))
    return write.tables(findings(folder))


@pytest.mark.long
@pytest.mark.parametrize("name", ["table.txt", "table.md", "table.tex"])
def test_a_changed_cell_of_a_printed_table_is_named(tables: dict[str, str], name: str) -> None:
    text = tables[name]
    assert compare(name, text, text) == []
    line = next(line for line in text.splitlines() if line.strip(" |").startswith("baseline"))
    (found,) = compare(name, text.replace(line, line.replace("baseline", "bestline")), text)
    assert "Method: bestline stored, baseline by the rows" in found
    printed = next(word for word in line.split() if "." in word)
    assert compare(name, text.replace(line, line.replace(printed, moved(printed, 1))), text) == []
    (found,) = compare(name, text.replace(line, line.replace(printed, moved(printed, 2))), text)
    assert "(baseline), Test accuracy, " in found
    assert f": {moved(printed, 2)} " in found
    assert f" stored, {printed} " in found


def test_wider_cells_are_no_difference(tables: dict[str, str]) -> None:
    """9.99 against 10.00 moves every column to the right of it, and the rule below the head."""
    text = tables["table.txt"].replace("  ", "   ").replace("----", "-----")
    assert compare("table.txt", text, tables["table.txt"]) == []


def test_many_differences_of_a_file_are_counted(tmp_path: Path) -> None:
    many = "a\n" + "".join(f"{n}\n" for n in range(30))
    (tmp_path / "a.csv").write_text(many.replace("\n", "0\n").replace("a0", "a"))
    found = differences(tmp_path, {"a.csv": many})
    assert len(found) == SHOWN + 1
    assert found[-1] == f"a.csv: {29 - SHOWN} more differences"


def test_numbers_are_read_where_they_are_kept_compressed(tmp_path: Path) -> None:
    kept = tmp_path / "figures" / "a.csv.xz"
    kept.parent.mkdir()
    kept.write_bytes(lzma.compress(b"a,b\n1.5,2\n"))
    assert differences(tmp_path, {"figures/a.csv": "a,b\n1.5,2\n"}) == []
    (changed,) = differences(tmp_path, {"figures/a.csv": "a,b\n1.7,2\n"})
    assert changed == "figures/a.csv, line 2 (1.7), a: 1.5 stored, 1.7 by the rows"
    assert differences(tmp_path, {}) == ["figures/a.csv is of no figure that the rows give"]
    plain = kept.with_suffix("")
    plain.write_text("a,b\n1.7,2\n")  # a report was built there
    assert differences(tmp_path, {"figures/a.csv": "a,b\n1.7,2\n"}) == [
        "figures/a.csv.xz says something else than figures/a.csv beside it: pack it anew, or remove it"
    ]
    kept.write_bytes(lzma.compress(b"a,b\n1.8,2\n"))  # by another processor
    assert differences(tmp_path, {"figures/a.csv": "a,b\n1.7,2\n"}) == []
    plain.unlink()
    kept.write_bytes(b"no xz")
    with pytest.raises(Damaged, match=r"a\.csv\.xz is damaged"):
        differences(tmp_path, {"figures/a.csv": "a,b\n1.5,2\n"})


@pytest.mark.parametrize(
    ("stored", "says"),
    [
        ('a,b\nx,"1\n' + "y,2\n" * 40_000, "a.csv: 2 lines stored, 3 by the rows"),
        ("a,b\nx,1\ry,2\n", "a.csv is no table (new-line character seen in unquoted field"),
        ("a,b\nx,1e-99999999\ny,2\n", "a.csv, line 2 (x), b: 1e-99999999 stored, 1 by the rows"),
        ("a,b\nx,1e+99999999\ny,2\n", "a.csv, line 2 (x), b: 1e+99999999 stored, 1 by the rows"),
    ],
    ids=["a quote that never ends", "a line within a cell", "next to nothing", "far too large"],
)
def test_a_file_of_other_things_is_a_difference(stored: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(stored)
    found = differences(tmp_path, {"a.csv": "a,b\nx,1\ny,2\n"})
    assert found[0].startswith(says)
    assert max(map(len, found)) < 1000


def test_a_cell_may_be_longer_than_csv_reads_by_itself() -> None:
    text = f"a,b\nx,{'long ' * 40_000}\n"
    assert compare("a.csv", text, text) == []


def test_what_is_no_file_is_missing(tmp_path: Path) -> None:
    (tmp_path / "figures").write_text("a file where a folder was")
    (tmp_path / "a.csv").mkdir()
    os.mkfifo(tmp_path / "b.csv")
    built = {name: "a\n1\n" for name in ("figures/a.csv", "a.csv", "b.csv")}
    assert differences(tmp_path, built) == [f"{name} is missing" for name in built]
