"""Names from somebody else's folder: no formula, no HTML, no link, no command of a terminal or of LaTeX."""

import csv
import io
import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
import rows_factory as factory
from hypothesis import given
from hypothesis import strategies as st

from analysis.figures.gallery import file_names
from analysis.findings.collect import findings
from analysis.numbers import in_csv, in_markdown, visible
from analysis.report import write

METHOD = "darts-A@5"
FORMULAS = ("=cmd|' /C calc'!A0", "+1+cmd", "-1+cmd", "@SUM(A1)", "\t=1+1", "\r=1+1", " =1+1")
HOSTILE = ("\ra|b<img src=x onerror=alert(1)>[x](http://e)", "\x1b]0;title\x07\u202e\x9b31m\ud800", " =1+1",
           r"[0] \input{/etc/passwd} a$\frac$b$")  # fmt: skip


def renamed(value: Any, name: str) -> Any:
    text = json.dumps(value).replace(METHOD, json.dumps(name)[1:-1])
    return json.loads(text)


def report(folder: Path, name: str) -> dict[str, bytes]:
    study = factory.study(seeds=2, snapshots=[5], rules=("A",))
    found = [renamed(row, name) for row in factory.rows(study)]
    return write.rebuild(findings(factory.write(folder / "made-up", renamed(study, name), found)))


@pytest.mark.long
@pytest.mark.parametrize("name", HOSTILE)
def test_a_report_of_any_name_holds_nothing_that_acts(name: str, tmp_path: Path) -> None:
    files = report(tmp_path, name)
    texts = {place: content.decode() for place, content in files.items() if place.endswith((".csv", ".md", ".txt"))}
    for place, text in texts.items():
        assert not set("\x1b\x07\x9b\u202e\r\t") & set(text), place
        if place.endswith(".csv"):
            cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
            assert not [cell for cell in cells if in_csv(cell) != cell]
    marked = texts["table.md"]
    assert "<img" not in marked
    assert "](" not in marked
    assert "\\input" not in files["table.tex"].decode()
    assert b"<img src=x" not in files["index.html"]


@given(st.lists(st.text(), unique=True))
def test_names_give_file_names_that_are_neither_paths_nor_html_and_no_two_alike(names: list[str]) -> None:
    found = file_names(names)
    assert [*found] == names
    assert len(set(found.values())) == len(names)
    assert not set("/\\<>\"'& ") & set("".join(found.values()))


@pytest.mark.long
def test_a_search_of_any_name_is_no_html_on_the_page(tmp_path: Path) -> None:
    name = 'x"><img src=x onerror=alert(1)>'
    study = factory.study(seeds=2, snapshots=[5], rules=("A",))
    rows = [{**row, "method": name, "methods": [name]} if row["kind"] == "search" else row
            for row in factory.rows(study)]  # fmt: skip
    plan = [{**job, "method": name} if job["kind"] == "search" else job for job in study["plan"]]
    files = write.rebuild(findings(factory.write(tmp_path / "made-up", {**study, "plan": plan}, rows)))
    assert "figures/alpha-x-img-src-x-onerror-alert-1-.svg" in files
    assert b"<img" not in files["index.html"]


@given(st.text())
def test_texts_stay_as_they_are_but_for_what_acts(text: str) -> None:
    safe = visible(text)
    assert visible(safe) == safe.encode().decode() == safe
    assert not any(unicodedata.category(character) in ("Cc", "Cf", "Cs") for character in safe)
    assert safe == text or not text.isprintable() or "$" in text
    assert visible({text: [text, 1.5, None]}) == {safe: [safe, 1.5, None]}


@pytest.mark.parametrize("text", FORMULAS)
def test_a_cell_that_begins_as_a_formula_is_text(text: str) -> None:
    assert in_csv(text) == f"'{text}"
    assert in_csv(in_csv(text)) == f"'{text}"


@pytest.mark.parametrize("cell", ["-0.5", "+1.5e-05", "darts-A@5", "", 3, -2.5, None, "–"])
def test_numbers_and_names_stay(cell: Any) -> None:
    assert in_csv(cell) == cell


@given(st.text(st.sampled_from("ab|<>![]()`\\: /")))
def test_markdown_keeps_its_cells_apart(text: str) -> None:
    written = in_markdown(text)
    bare = written.replace("\\\\", "x")
    assert all(bare[place - 1] == "\\" for place, character in enumerate(bare) if character in "|`")
    assert "](" not in bare
    assert "<a" not in bare
