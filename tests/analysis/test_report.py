"""The report's files: complete, the same for the same rows, without torch; every link of the page leads somewhere."""

import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
import rows_factory as factory

from analysis.findings.collect import findings
from analysis.report import compare, write

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    study = factory.study(snapshots=[5, 10])
    out = factory.write(tmp_path_factory.mktemp("results") / "made-up", study, factory.rows(study))
    write.write(findings(out), out)
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
        assert {f"figures/{figure}.{kind}" for kind in ("svg", "pdf", "png", "csv")} <= found


def test_rows_in_another_order_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    study = factory.study(snapshots=[5, 10])
    other = factory.write(tmp_path / "made-up", study, factory.rows(study)[::-1])
    shuffled = write.write(findings(other), other)
    for name in names(folder / "report"):
        assert (shuffled / name).read_bytes() == (folder / "report" / name).read_bytes(), name


def test_what_was_changed_in_a_report_is_named(folder: Path, tmp_path: Path) -> None:
    out, built = tmp_path / "report", write.numbers(findings(folder))
    shutil.copytree(folder / "report", out)
    assert compare.differences(out, built) == []
    (out / "table.tex").unlink()
    points = out / "figures" / "accuracy-parameters.csv"
    head, first, *rest = points.read_text().splitlines()
    *start, accuracy, _ = first.split(",")
    points.write_text("\n".join([head, ",".join([*start, accuracy, "9.87654"]), *rest]) + "\n")
    (out / "figures" / "nicer.csv").write_text("a,b\n")
    missing, changed, added = compare.differences(out, built)
    assert missing == "table.tex is missing"
    assert re.fullmatch(
        r"figures/accuracy-parameters\.csv, line 2 \(darts-A\), accuracy_std: 9\.87654 stored, [\d.]+ by the rows",
        changed,
    )
    assert added == "figures/nicer.csv is of no figure that the rows give"
    (out / "figures" / "accuracy-parameters.svg").unlink()  # pictures are made anew, not compared
    assert len(compare.differences(out, built)) == 3


def test_a_figures_numbers_are_those_of_the_rows(folder: Path) -> None:
    """Every point of a scatter plot leads to a row, and stands in its CSV with that row's accuracy."""
    rows = {row["key"]: row for row in factory.rows(factory.study(snapshots=[5, 10]))}
    drawn = pd.read_csv(folder / "report" / "figures" / "distributions.csv")
    runs = drawn[drawn["mark"] == "run"]
    assert len(runs) == sum(row["kind"] == "train" for row in rows.values())
    for key, accuracy in zip(runs["key"], runs["accuracy"], strict=True):
        assert accuracy == pytest.approx(rows[key]["test_accuracy"], rel=1e-5)
    points = pd.read_csv(folder / "report" / "figures" / "slope-parameters.csv")
    networks, line = (points[points["mark"] == mark] for mark in ("network", "line"))
    for key, x in zip(networks["key"], networks["parameters"], strict=True):
        assert x == pytest.approx(rows[key]["parameters"] / 1e6, rel=1e-5)
    assert (line["low"] <= line["accuracy"]).all()
    assert (line["accuracy"] <= line["high"]).all()


def test_every_figure_has_numbers_and_every_csv_a_figure(folder: Path) -> None:
    files = [Path(name) for name in names(folder / "report") if name.startswith("figures/")]
    drawn, numbered = ({file.stem for file in files if file.suffix == suffix} for suffix in (".svg", ".csv"))
    assert drawn == numbered
    for name in numbered:
        assert len(pd.read_csv(folder / "report" / "figures" / f"{name}.csv")) > 0, name


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
    text = write.text(findings(folder))
    assert text.startswith("made-up\n")
    for words in ("darts-A   5 ", "baseline", "Verdict", "! Few seeds"):
        assert words in text


def test_a_study_without_rows_has_a_report(tmp_path: Path) -> None:
    folder = factory.write(tmp_path / "s", factory.study(), [])
    out = write.write(findings(folder), folder)
    assert "0/3 runs" in (out / "index.html").read_text()
    assert not any(name.startswith("figures/") for name in names(out))


def test_cells_and_other_studies_in_one_report(tmp_path: Path) -> None:
    one, two = (factory.study(name, rules=["A"], snapshots=[5], seeds=2) for name in ("one", "two"))
    folders = [factory.write(tmp_path / s["name"], s, factory.as_cells(factory.rows(s))) for s in (one, two)]
    (tmp_path / "one" / "report" / "figures").mkdir(parents=True)
    for old in ("old.png", "old.csv"):
        (tmp_path / "one" / "report" / "figures" / old).write_text("of an earlier report")
    out = write.write(findings(folders), folders[0])
    assert out == tmp_path / "one" / "report"
    assert {"figures/cells.svg", "figures/cell-structure.svg", "figures/alpha-one-darts.svg"} <= names(out)
    assert not {"figures/old.png", "figures/old.csv"} & names(out)
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
  const link = [...page.querySelectorAll("#table-twins + .wide td a")][2];
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
for module in pkgutil.walk_packages(analysis.__path__, "analysis."):
    importlib.import_module(module.name)
assert not {"torch", "ray", "harness"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
