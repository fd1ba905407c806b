"""Names in a folder that somebody sends are no formula in a spreadsheet, no tag on a page, no command to a terminal."""

import csv
import io
import json
from pathlib import Path

import pytest

from analysis.numbers import in_csv, in_markdown
from harness.cli import main
from tests import rows_factory

EVIL = ("=cmd|' /C calc'!A0", "@SUM(1)", "+1+cmd", "-2+3", "\tx", "<script>alert(1)</script>", "a|b",
        "\x1b]0;owned\x07", "a\nb", "\u202egnp", "\\input{x}")  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("name", EVIL)
def test_a_method_with_such_a_name_is_text_everywhere(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = rows_factory.study(rules=("A",), snapshots=(5,))
    text = json.dumps({"study": study, "rows": rows_factory.rows(study)})
    found = json.loads(text.replace("darts-A@5", json.dumps(name)[1:-1]))
    folder = rows_factory.write(tmp_path / "theirs", found["study"], found["rows"])
    with pytest.raises(SystemExit) as end:
        main(["report", str(folder)])
    assert end.value.code == 0
    said = capsys.readouterr().out
    assert "darts-A@5" not in said
    assert all(character == "\n" or character.isprintable() for character in said)
    files = {path.name: path.read_text() for path in (folder / "report").rglob("*") if path.suffix in (".md", ".html")}
    assert all("<script>alert" not in text for text in files.values())
    for path in (folder / "report").rglob("*.csv"):
        cells = [cell for row in csv.reader(io.StringIO(path.read_text(), newline="")) for cell in row]
        assert all(in_csv(cell) == cell for cell in cells), path
    table = (folder / "report" / "table.md").read_text().splitlines()
    bars = {line.replace("\\|", "").count("|") for line in table[2 : table.index("", 2)]}
    assert len(bars) == 1
    assert "\\input{x}" not in (folder / "report" / "table.tex").read_text()


@pytest.mark.parametrize("value", ["-0.5", "1e-3", "-inf", "", "a", "a=b", 1.5, None])
def test_numbers_and_plain_texts_stay(value: object) -> None:
    assert in_csv(value) == value


def test_a_comparison_is_no_tag() -> None:
    assert in_markdown("p < 0.001, <b>, 1 | 2") == "p < 0.001, &lt;b>, 1 \\| 2"


def test_status_shows_an_error_as_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = rows_factory.study(rules=("A",), snapshots=(5,))
    rows = rows_factory.rows(study)
    rows[0] = {**rows[0], "status": "failed", "error": "\x1b[2Jgone\n  done: everything\r"}
    with pytest.raises(SystemExit):
        main(["status", str(rows_factory.write(tmp_path / "theirs", study, rows))])
    said = capsys.readouterr().out
    assert "\\x1b[2Jgone done: everything" in said
    assert "\x1b" not in said
