"""The report's files: complete, equal for equal rows, without torch; every link of the page leads somewhere."""

import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
import rows_factory as factory

from analysis import report

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    study = factory.study(snapshots=[5, 10])
    out = factory.write(tmp_path_factory.mktemp("results") / "made-up", study, factory.rows(study))
    report.write(out)
    return out


BROWSER = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)


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


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_all_files_are_there(folder: Path) -> None:
    found = names(folder / "report")
    assert {"index.html", "table.md", "table.csv", "table.tex", "table.txt"} <= found
    for figure in ("accuracy-parameters", "accuracy-shortcuts", "slope-parameters", "accuracy-cost", "cost", "pairwise",
                   "distributions", "networks", "shortcut-lengths", "shortcut-targets", "alpha-darts",
                   "search-accuracy", "search-counts", "search-entropy", "learning-curves"):  # fmt: skip
        assert {f"figures/{figure}.{kind}" for kind in ("svg", "pdf", "png")} <= found


def test_equal_rows_give_equal_bytes_and_changes_are_noticed(folder: Path, tmp_path: Path) -> None:
    study = factory.study(snapshots=[5, 10])
    shuffled = factory.write(tmp_path / "made-up", study, factory.rows(study)[::-1])
    shutil.copytree(folder / "report", shuffled / "report")
    (shuffled / "report" / "table.md").write_text("nicer numbers")
    (shuffled / "report" / "table.csv").unlink()
    (shuffled / "report" / "figures" / "nicer.svg").write_text("<svg/>")
    assert report.differences(shuffled) == ["figures/nicer.svg", "table.csv", "table.md"]


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
    for words in ("darts-A   5 ", "baseline", "Verdict", "! Few seeds"):
        assert words in text


def test_a_study_without_rows_has_a_report(tmp_path: Path) -> None:
    out = report.write(factory.write(tmp_path / "s", factory.study(), []))
    assert "0/3 runs" in (out / "index.html").read_text()
    assert not any(name.startswith("figures/") for name in names(out))


def test_cells_and_other_studies_in_one_report(tmp_path: Path) -> None:
    one, two = (factory.study(name, rules=["A"], snapshots=[5], seeds=2) for name in ("one", "two"))
    folders = [factory.write(tmp_path / s["name"], s, factory.as_cells(factory.rows(s))) for s in (one, two)]
    (tmp_path / "one" / "report" / "figures").mkdir(parents=True)
    (tmp_path / "one" / "report" / "figures" / "old.png").write_text("of an earlier report")
    out = report.write(folders)
    assert out == tmp_path / "one" / "report"
    assert {"figures/cells.svg", "figures/cell-structure.svg", "figures/alpha-one-darts.svg"} <= names(out)
    assert "figures/old.png" not in names(out)
    table = (out / "table.md").read_text()
    assert "one/darts-A" in table
    assert "two/baseline" in table


def test_provenance_of_a_row(folder: Path) -> None:
    text = (folder / "report" / "index.html").read_text()
    row = next(r for r in factory.rows(factory.study(snapshots=[5, 10])) if r["method"] == "darts-B@10")
    assert f'<tr id="row-{row["key"]}">' in text
    for fact in (
        row["commit"],
        "torch 2.14.1",
        "channels_last",
        "nas-harness run made-up --data-root DATA",
        row["key"],
    ):
        assert fact in text
    assert re.search(rf"nas-harness verify results/made-up --keys [^<]*{row['key']}[^<]* --data-root DATA", text)


FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--allow-file-access-from-files",
    "--enable-logging=stderr", "--virtual-time-budget=8000",
)  # fmt: skip
CLICK = """
<iframe id="page" src="PAGE" style="width: WIDTHpx; height: 900px"></iframe>
<script>
const frame = document.getElementById("page");
frame.onload = () => {
  const page = frame.contentDocument;
  const link = [...page.querySelectorAll("#sheet-twins + .wide td a")][2];
  link.click();
  setTimeout(() => {
    const place = page.getElementById(decodeURIComponent(link.hash.slice(1)));
    const row = place.querySelector("tr[id^=row-]");
    document.body.textContent = "FOUND" + JSON.stringify({
      top: place.getBoundingClientRect().top, shown: row.getBoundingClientRect().height > 0, place: place.id,
      wide: page.documentElement.scrollWidth <= frame.clientWidth,
    }) + "END";
  }, 300);
};
</script>
"""


@pytest.mark.skipif(not BROWSER, reason="needs a Chromium")
@pytest.mark.parametrize("width", [1280, 390])
def test_a_click_on_a_cell_shows_its_rows(folder: Path, tmp_path: Path, width: int) -> None:
    page = tmp_path / "click.html"
    page.write_text(CLICK.replace("PAGE", (folder / "report" / "index.html").as_uri()).replace("WIDTH", str(width)))
    ran = subprocess.run([str(BROWSER), *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", page.as_uri()],
                         capture_output=True, text=True, timeout=120, check=True)  # fmt: skip
    found = json.loads(re.search(r"FOUND(.*?)END", ran.stdout)[1])  # type: ignore[index]
    assert found["place"] == "pair-darts-A@5"
    assert found["shown"]
    assert found["wide"]
    assert -5 <= found["top"] < 900
    assert "CONSOLE" not in ran.stderr


def test_the_analysis_imports_neither_torch_nor_ray_nor_the_harness() -> None:
    code = """
import sys, pkgutil, importlib, analysis
for module in pkgutil.iter_modules(analysis.__path__):
    importlib.import_module(f"analysis.{module.name}")
assert not {"torch", "ray", "harness"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
