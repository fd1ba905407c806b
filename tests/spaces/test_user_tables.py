"""θ tables as people have them: any separator, encoding and order; a cell that is no number is named."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from spaces import tables
from spaces.cells import theta
from spaces.cells.graph import Grid
from spaces.cells.space import STUDY1

GRID = Grid(1, 3, STUDY1)
VALUES = np.random.default_rng(0).normal(0, 0.1, (len(GRID.pairs), len(STUDY1))).round(4)
HEAD = ["source", "target", *STUDY1]
ROWS = [
    [str(source), str(target), *map(str, values)] for (source, target), values in zip(GRID.pairs, VALUES, strict=True)
]


def written(separator: str = ",", head: list[str] = HEAD, rows: list[list[str]] = ROWS, end: str = "\n") -> str:
    return "".join(separator.join(cells) + end for cells in [head, *rows])


def by_columns(order: list[int]) -> str:
    return written(head=[HEAD[place] for place in order], rows=[[cells[place] for place in order] for cells in ROWS])


WAYS: dict[str, bytes] = {
    "commas": written().encode(),
    "semicolons": written(";").encode(),
    "semicolons, decimal commas": written(";").replace(".", ",").encode(),
    "tabs": written("\t").encode(),
    "tabs, decimal commas": written("\t").replace(".", ",").encode(),
    "bars": written("|").encode(),
    "blanks": written("  ").encode(),
    "comma and blank": written(", ").encode(),
    "byte-order mark": written().encode("utf-8-sig"),
    "UTF-16": written().encode("utf-16"),
    "UTF-16 without a mark": written().encode("utf-16-le"),
    "UTF-32": written().encode("utf-32"),
    "Windows": written(end="\r\n").encode(),
    "old Macs": written(end="\r").encode(),
    "quoted header": written(head=[f'"{name}"' for name in HEAD]).encode(),
    "quoted cells": written(head=[f'"{name}"' for name in HEAD],
                            rows=[[f'"{cell}"' for cell in cells] for cells in ROWS]).encode(),
    "single quotes": written(head=[f"'{name}'" for name in HEAD]).encode(),
    "operations first": by_columns([2, 3, 4, 5, 6, 7, 0, 1]).encode(),
    "columns reversed": by_columns([7, 6, 5, 4, 3, 2, 1, 0]).encode(),
    "target first": by_columns([1, 0, 2, 3, 4, 5, 6, 7]).encode(),
    "rows reversed": written(rows=ROWS[::-1]).encode(),
    "index of pandas": written(head=["", *HEAD], rows=[[str(n), *cells] for n, cells in enumerate(ROWS)]).encode(),
    "whole numbers as 0.0": written(rows=[[f"{cells[0]}.0", f"{cells[1]}.0", *cells[2:]] for cells in ROWS]).encode(),
    "empty lines": ("\n\n" + written() + "\n\n").encode(),
    "full width": written().translate(str.maketrans("0123456789", "０１２３４５６７８９")).replace(
        "conv_３x３", "conv_3x3").encode(),
    "capitals": written(head=["Source", "Target", *STUDY1]).encode(),
    "minus signs": written().replace("-0.", "−0.").encode(),
    "trailing commas": written(end=",\n").encode(),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_a_table_is_read_as_it_is_meant(way: str) -> None:
    text = tables.decoded(WAYS[way])
    assert theta.is_table(text)
    np.testing.assert_array_equal(theta.parse(text, GRID), VALUES)


def changed(line: int, column: int, cell: str) -> str:
    rows = [[*cells] for cells in ROWS]
    rows[line - 2][column] = cell
    return written(rows=rows)


@pytest.mark.parametrize(
    "cell", ["nan", "NaN", "NA", "", "-", "inf", "-inf", "x", "1e999", "0.1.2", "1_0", "0x1", "#REF!"]
)
@pytest.mark.parametrize(("line", "column"), [(2, 2), (4, 5), (7, 7), (3, 0)])
def test_a_cell_that_is_no_number_is_named(cell: str, line: int, column: int) -> None:
    with pytest.raises(ValueError, match=rf"the table: line {line}, column {HEAD[column]}: '.*' is no number"):
        theta.parse(changed(line, column, cell), GRID)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "it is empty"),
        ("\n \n", "it is empty"),
        (written(rows=ROWS[:-1]), "each once (2>3 is missing)"),
        (written(rows=[*ROWS, ROWS[2]]), "each once (line 8: 0>3)"),
        (changed(3, 1, "9"), "each once (line 3: 0>9)"),
        (changed(3, 1, "1.5"), "each once (line 3: 0>1.5)"),
        (changed(3, 0, "-1"), "each once (line 3: -1>2)"),
        (written(head=[*HEAD[:-1], "noise"]), "the table's columns are not source, target, conv_3x3"),
        (written(head=HEAD[:-1], rows=[cells[:-1] for cells in ROWS]), "the table's columns are not source"),
        (written(head=[*HEAD[:-1], "conv_3x3"]), "column 'conv_3x3' appears twice"),
        (written(rows=[[*cells, "7"] for cells in ROWS]), "line 2 has 9 cells, the first line 8"),
        (written().replace("0,2,", '0,"2,'), "the table: line"),
    ],
)
def test_a_table_that_does_not_fit_is_refused_in_one_line(text: str, says: str) -> None:
    with pytest.raises(ValueError, match="the table") as error:
        theta.parse(text, GRID)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [
    "名前,値\n".encode("shift-jis"), "név,ő\n".encode("iso-8859-2"), b"\x89PNG\r\n\x1a\n", b"\xff\xfe\x00", b"\x80abc",
    "имя".encode("koi8-r"),
])  # fmt: skip
def test_another_encoding_is_refused_by_name(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"it is no UTF-8 text .*; save it as UTF-8"):
        tables.decoded(content)


@pytest.mark.parametrize(
    "way", ["byte-order mark", "semicolons, decimal commas", "quoted header", "UTF-16", "columns reversed"]
)
def test_decode_reads_them(tmp_path: Path, capsys: pytest.CaptureFixture[str], way: str) -> None:
    from harness.cli import main

    said: Callable[[], str] = lambda: capsys.readouterr().out  # noqa: E731
    found = []
    for name in ("commas", way):
        (tmp_path / "theta.csv").write_bytes(WAYS[name])
        with pytest.raises(SystemExit) as end:
            main(["decode", str(tmp_path / "theta.csv"), "--space", "cell-study1", "--option", "nodes=3"])
        assert not end.value.code
        found.append(said())
    assert found[0] == found[1]
