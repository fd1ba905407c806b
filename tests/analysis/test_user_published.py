"""Published numbers as people have them: read as they are meant, or refused with the cell, before they are kept."""

import hashlib
import math
from pathlib import Path

import pandas as pd
import pytest
import rows_factory as factory

from analysis.findings.published_table import read
from analysis.results.protocol_view import Damaged
from harness.cli import main

HEAD = ["method", "search_epochs", "test_accuracy_mean", "test_accuracy_std", "params_millions_mean", "n"]
ROWS = [["A", "50", "93.70", "0.22", "21.06", "3"], ["A", "100", "94.02", "0.12", "21.5", "3"],
        ["baseline", "", "93.03", "0.10", "20.04", ""]]  # fmt: skip


def written(separator: str = ",", head: list[str] = HEAD, rows: list[list[str]] = ROWS, end: str = "\n") -> str:
    return "".join(separator.join(cells) + end for cells in [head, *rows])


TOGETHER = ["method", "search_epochs", "test_accuracy", "params_millions_mean", "n"]


def spread(sign: str) -> list[list[str]]:
    """Mean and standard deviation in one cell."""
    return [[method, epochs, f"{mean}{sign}{std}", *more] for method, epochs, mean, std, *more in ROWS]


def each(change: str) -> list[list[str]]:
    """Accuracies written as `change` says."""
    return [[*cells[:2], change.format(cells[2]), *cells[3:]] for cells in ROWS]


FULL = str.maketrans("0123456789.", "０１２３４５６７８９．")
WAYS: dict[str, bytes] = {
    "commas": written().encode(),
    "semicolons": written(";").encode(),
    "semicolons, decimal commas": written(";").replace(".", ",").encode(),
    "tabs": written("\t").encode(),
    "bars": written("|").encode(),
    "blanks": written("  ", rows=[*ROWS[:2], [cell or "-" for cell in ROWS[2]]]).encode(),
    "byte-order mark": written().encode("utf-8-sig"),
    "UTF-16": written().encode("utf-16"),
    "UTF-16, tabs": written("\t").encode("utf-16-le"),
    "Windows": written(end="\r\n").encode(),
    "quotes": written(rows=[[f'"{cell}"' for cell in cells] for cells in ROWS]).encode(),
    "plus or minus": written(head=TOGETHER, rows=spread(" ± ")).encode(),
    "plus or minus in the column of means": written(head=["method", "search_epochs", "test_accuracy_mean",
                                                          "params_millions_mean", "n"], rows=spread(" ± ")).encode(),
    "no blanks": written(head=TOGETHER, rows=spread("±")).encode(),
    "ASCII": written(head=TOGETHER, rows=spread(" +/- ")).encode(),
    "LaTeX": written(head=TOGETHER, rows=spread(r" $\pm$ ")).encode(),
    "Windows-1252": written(";", head=TOGETHER, rows=spread(" ± ")).encode("cp1252"),
    "between blanks": written(" ", head=TOGETHER, rows=[*spread(" ± ")[:2], ["baseline", "-", "93.03 ± 0.10", "20.04",
                                                                             "-"]]).encode(),
    "per cent": written(rows=each("{}%")).encode(),
    "per cent after a blank": written(rows=each("{} %")).encode(),
    "per cent and spread": written(head=TOGETHER, rows=spread("% ± ")).encode(),
    "full width": written(rows=[[cells[0], *(cell.translate(FULL) for cell in cells[1:])] for cells in ROWS]).encode(),
    "dashes for nothing": written(rows=[*ROWS[:2], [cell or "–" for cell in ROWS[2]]]).encode(),
    "n/a for nothing": written(rows=[*ROWS[:2], [cell or "n/a" for cell in ROWS[2]]]).encode(),
    "capitals": written(head=["Method", "Search epochs", "Test_accuracy_mean", "Test_accuracy_std",
                              "Params_millions_mean", "N"]).encode(),
    "columns reversed": written(head=HEAD[::-1], rows=[cells[::-1] for cells in ROWS]).encode(),
    "another column": written(head=[*HEAD, "source"], rows=[[*cells, "table 2"] for cells in ROWS]).encode(),
    "empty lines": ("\n" + written().replace("\n", "\n\n")).encode(),
}  # fmt: skip
KNOWN = pd.DataFrame({"method": ["A", "A", "baseline"], "search_epochs": [50, 100, math.nan], "n": [3, 3, math.nan],
                      "test_accuracy_mean": [93.70, 94.02, 93.03], "test_accuracy_std": [0.22, 0.12, 0.10],
                      "params_millions_mean": [21.06, 21.5, 20.04]})  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_published_numbers_are_read_as_they_are_meant(tmp_path: Path, way: str) -> None:
    (tmp_path / "p.csv").write_bytes(WAYS[way])
    pd.testing.assert_frame_equal(read(tmp_path / "p.csv")[list(KNOWN)], KNOWN)


def changed(line: int, column: int, cell: str) -> str:
    rows = [[*cells] for cells in ROWS]
    rows[line - 2][column] = cell
    return written(rows=rows)


WRONG: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "it is empty"),
    "blank": (b"\n \n", "it is empty"),
    "head alone": (written(rows=[]).encode(), "it has no row below its columns"),
    "words": (changed(2, 2, "about 94").encode(), "line 2, column test_accuracy_mean: 'about 94' is no number"),
    "brackets": (changed(3, 2, "93.70 (0.22)").encode(), "line 3, column test_accuracy_mean: '93.70 (0.22)'"),
    "infinite": (changed(4, 2, "inf").encode(), "line 4, column test_accuracy_mean: 'inf'"),
    "decimal comma": (written(rows=[["A", "50", '"93,70"', "0.22", "21", "3"]]).encode(), "'93,70' is no number"),
    "epochs": (changed(2, 1, "50 epochs").encode(), "line 2, column search_epochs: '50 epochs'"),
    "half a run": (changed(2, 5, "2.5").encode(), "line 2, column n: '2.5' is no number of runs"),
    "no run": (changed(2, 5, "0").encode(), "line 2, column n: '0' is no number of runs"),
    "negative spread": (changed(3, 3, "-0.1").encode(), "is no standard deviation"),
    "more than all": (changed(3, 2, "937.0").encode(), "line 3, column test_accuracy_mean: '937.0' is no percentage"),
    "negative": (changed(2, 4, "-21").encode(), "line 2, column params_millions_mean: '-21' is no number from 0 on"),
    "half an epoch": (changed(2, 1, "50.5").encode(), "line 2, column search_epochs: '50.5' is no number of epochs"),
    "no method": (changed(3, 0, "").encode(), "line 3, column method: it is empty"),
    "a cell more": (written().replace("93.70", "93,70").encode(), "line 2 has 7 cells, the first line 6"),
    "twice": (written(head=[*HEAD[:-1], "method"]).encode(), "column 'method' appears twice"),
    "other columns": (b"a,b\n1,2\n", "column method, search_epochs is missing"),
    "no quantity": (b"method,search_epochs,acc\nA,50,93.7\n", "it has none of the columns test_accuracy_mean"),
    "Shift-JIS": ("手法,search_epochs\n".encode("shift-jis"), "it is no UTF-8 text"),
    "picture": (b"\x89PNG\r\n\x1a\n\0\0\0", "it is no UTF-8 text"),
    "archive": (b"PK\x03\x04" + bytes(range(256)), "is no table of published numbers"),
    "open quote": (written().replace("93.70", '"93.70').encode(), "line 4"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_is_no_table_of_published_numbers_is_refused_in_one_line(tmp_path: Path, what: str) -> None:
    content, says = WRONG[what]
    (tmp_path / "p.csv").write_bytes(content)
    with pytest.raises(Damaged) as error:
        read(tmp_path / "p.csv")
    assert says in str(error.value)
    assert str(tmp_path / "p.csv") in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def look(folder: Path) -> dict[str, str]:
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.long
def test_the_folder_is_left_alone_by_what_is_refused_and_reported_with_what_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = factory.study(rules=["A"], snapshots=[5, 10], seeds=2)
    folder = factory.write(tmp_path / "made-up", study, factory.rows(study))
    before = look(folder)

    def ended(content: bytes) -> int:
        (tmp_path / "p.csv").write_bytes(content)
        with pytest.raises(SystemExit) as end:
            main(["report", str(folder), "--published", str(tmp_path / "p.csv")])
        return int(end.value.code or 0)

    for content, _ in WRONG.values():
        assert ended(content) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
        assert look(folder) == before
    assert ended(WAYS["Windows-1252"]) == 0
    assert "93.70" in (folder / "report" / "index.html").read_text()
