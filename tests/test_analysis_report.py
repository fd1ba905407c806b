"""The report's files: complete, equal for equal rows, without torch; every link of the page leads somewhere."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
import rows_factory as factory

from analysis import report


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    study = factory.study()
    out = factory.write(tmp_path_factory.mktemp("results") / "made-up", study, factory.rows(study))
    report.write(out)
    return out


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.ids.append(value)
            if name in ("href", "src") and value:
                self.links.append(value)


def test_all_files_are_there(folder: Path) -> None:
    names = {str(path.relative_to(folder / "report")) for path in (folder / "report").rglob("*") if path.is_file()}
    assert {"index.html", "table.md", "table.csv", "table.tex", "table.txt"} <= names
    for figure in ("accuracy-parameters", "accuracy-shortcuts", "learning-curves", "search-curves"):
        assert {f"figures/{figure}.{kind}" for kind in ("svg", "pdf", "png")} <= names


def test_equal_rows_in_any_order_give_equal_bytes(folder: Path, tmp_path: Path) -> None:
    study = factory.study()
    shuffled = factory.write(tmp_path / "made-up", study, factory.rows(study)[::-1])
    assert report.differences(shuffled, folder / "report") == []


def test_a_changed_report_is_noticed(folder: Path, tmp_path: Path) -> None:
    report.write(folder, tmp_path / "copy")
    (tmp_path / "copy" / "table.md").write_text("nicer numbers")
    (tmp_path / "copy" / "table.csv").unlink()
    assert report.differences(folder, tmp_path / "copy") == ["table.csv", "table.md"]


def test_links_of_the_page_lead_somewhere(folder: Path) -> None:
    page = Links()
    page.feed((folder / "report" / "index.html").read_text())
    assert len(page.ids) == len(set(page.ids))
    for link in page.links:
        if link.startswith("#"):
            assert link[1:] in page.ids, link
        elif not link.startswith("data:"):
            assert (folder / "report" / link).is_file(), link


def test_the_page_needs_no_network(folder: Path) -> None:
    text = (folder / "report" / "index.html").read_text()
    assert set(re.findall(r"https?://[^\s\"<]+", text)) <= {"http://www.w3.org/2000/svg"}


def test_the_terminal_shows_the_table(folder: Path) -> None:
    text = report.text(folder)
    assert text.startswith("made-up\n")
    assert (folder / "report" / "table.txt").read_text() in text


def test_a_study_without_rows_has_a_report(tmp_path: Path) -> None:
    out = report.write(factory.write(tmp_path / "s", factory.study(), []))
    assert "0/3 runs" in (out / "index.html").read_text()


def test_the_analysis_imports_neither_torch_nor_ray_nor_the_harness() -> None:
    code = """
import sys, pkgutil, importlib, analysis
for module in pkgutil.iter_modules(analysis.__path__):
    importlib.import_module(f"analysis.{module.name}")
assert not {"torch", "ray", "harness"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
