"""Pages say what is there: what they show exists, every command is in them, their tables are real, the site builds."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.results.kept import study_bytes
from harness.commands.options import parser
from harness.plan.keys import SCHEMA
from harness.storage.folder import SCHEMAS
from harness.study.load import packaged

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
TABLE = re.compile(r"<!-- table: (\S+)(?: rows: (.+?))? -->\n(.*?)<!-- end -->", re.DOTALL)
SHOWN = re.compile(r"^\s*(?:\.venv/bin/)?nas-harness (?P<rest>[^#`\n]+)", re.MULTILINE)


def commands(page):
    blocks = re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL)
    joined = "\n".join(blocks).replace("\\\n", " ")
    return [match["rest"].strip() for match in SHOWN.finditer(joined)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_shown_are_understood(page):
    for line in commands(page):
        parser().parse_args(shlex.split(line))


def test_every_command_is_in_its_page():
    text = (ROOT / "docs" / "commands.md").read_text()
    names = next(action.choices for action in parser()._actions if action.dest == "command")
    assert not [name for name in names if f"nas-harness {name}" not in text]


def test_the_page_of_rows_says_the_schema_of_new_folders():
    text = (ROOT / "docs" / "rows.md").read_text()
    *older, _ = SCHEMAS
    assert f"| `schema` | int | {SCHEMA} in new folders; {' or '.join(map(str, older))} in " in text
    assert f"- **Schema {SCHEMA}**, of new folders," in text


def test_links_lead_to_files_that_are_kept():
    """Not to pages and pictures that lie there only after `make reports`."""
    ignored = [line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines()]
    shown = {line.removeprefix("!/") for line in ignored if line.startswith("!")}
    for page in PAGES:
        for link in re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text()):
            place = (page.parent / link).resolve().relative_to(ROOT)
            assert (ROOT / place).exists(), f"{page.name}: {link}"
            made = place.suffix in (".html", ".png", ".svg", ".pdf") and place.is_relative_to("results")
            assert not made or str(place) in shown, f"{page.name}: {link}"


def test_packaged_studies_that_pages_name_exist():
    for page in PAGES:
        for name in re.findall(r"nas-harness (?:run|plan|tune) ([a-z0-9-]+)(?=\s)", page.read_text()):
            assert name in packaged(), f"{page.name} names the study {name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_pages_name_exist(page):
    named = re.findall(
        r"`((?:harness|analysis|spaces|tests|docs|benchmarks|examples|gpu_kit)/[\w/.-]*)`", page.read_text()
    )
    assert not [name for name in named if not (ROOT / name).exists() and "myspace" not in name]


def test_contributing_states_the_arrows_that_the_test_holds():
    from tests.test_arrows import ARROWS, BASE, NARROWER

    page = (ROOT / "CONTRIBUTING.md").read_text()
    packages = [line for line in lines(page) if "may import" in line]
    stated = {line["package"].strip("`"): set(re.findall(r"`(.+?)`", line["may import"])) for line in packages}
    for line in packages:
        stated[line["package"].strip("`")] |= BASE if "base" in line["may import"] else set()
    assert stated == {package: others | NARROWER.get(package, BASE) for package, others in ARROWS.items()}


def test_the_readmes_study_is_the_packaged_one_under_another_name():
    import tomllib

    shown = tomllib.loads(re.search(r"```toml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[1])
    real = tomllib.loads((ROOT / "harness" / "studies" / "shortcut-cifar10-mini.toml").read_text())
    assert shown.pop("name") not in packaged()
    assert {**shown, "method": [], "name": real["name"]} == {**real, "method": []}
    assert all(method in real["method"] for method in shown["method"])


def lines(markdown):
    """Of every table in it: each line as column → cell."""
    for block in re.findall(r"(?:^\|.*\n)+", markdown, re.MULTILINE):
        head, _, *body = [[cell.strip() for cell in line.strip("| ").split("|")] for line in block.splitlines()]
        yield from (dict(zip(head, cells, strict=True)) for cells in body)


def named(line):
    """As the study names the line: darts-A@30, or baseline."""
    return "@".join(cell for cell in (line["Method"], line["Search epochs"]) if cell != "–")


def faults(shown, rows, reported):
    """In what a table differs from a report: whole tables word by word, chosen rows cell by cell."""
    if not rows:
        return [] if shown.strip() in reported else ["the table is not the report's"]
    found = list(lines(shown))
    known = list(lines(reported))
    wrong = [line for line in found if not any(line.items() <= true.items() for true in known)]
    names = [] if [named(line) for line in found] == rows.split(", ") else [f"rows are not {rows}"]
    return names + [f"no row of the report is {line}" for line in wrong]


@pytest.mark.parametrize("name", ["README.md", "docs/studies.md", "docs/one-shot-studies.md"])
def test_tables_shown_are_what_the_rows_give(name):
    tables = TABLE.findall((ROOT / name).read_text())
    assert tables
    for results, rows, shown in tables:
        assert not faults(shown, rows, (ROOT / results / "report" / "table.md").read_text())


REPORTED = """
| Method | Search epochs | Accuracy | Shortcuts |
|--------|---------------|----------|-----------|
| a      | 10            | 70.1     | 3         |
| a      | 20            | 71.2     | 4         |
| base   | –             | 67.0     | 0         |
"""


@pytest.mark.parametrize(
    ("rows", "body", "fault"),
    [
        ("a@20, base", "| a | 20 | 71.2 |\n| base | – | 67.0 |\n", None),
        ("a@20", "| a | 20 | 70.1 |\n", "no row of the report"),
        ("a@20", "| a | 30 | 71.2 |\n", "rows are not a@20"),
        ("a@20, base", "| a | 20 | 71.2 |\n", "rows are not a@20, base"),
    ],
)
def test_a_table_of_chosen_rows_is_checked_cell_by_cell(rows, body, fault):
    shown = "| Method | Search epochs | Accuracy |\n|---|---|---|\n" + body
    found = faults(shown, rows, REPORTED)
    assert (fault in found[0]) if fault else not found


@pytest.mark.parametrize(
    ("name", "least"), [("README.md", 6), ("docs/studies.md", 30), ("docs/one-shot-studies.md", 30)]
)
def test_numbers_in_prose_stand_in_the_tables(name, least):
    tables = [path for one in ("table.md", "tuning/tables.md") for path in (ROOT / "results").glob(f"*/report/{one}")]
    studies = {path.parent for path in (ROOT / "results").glob("*/study.json*")}
    known = "".join([*(path.read_text() for path in tables), *(study_bytes(folder).decode() for folder in studies)])
    stated = re.findall(r"(?<!Python )\b\d+\.\d{2,}", (ROOT / name).read_text())
    assert len(stated) > least
    assert not [number for number in stated if not re.search(rf"(?<![\d.]){re.escape(number)}(?!\d)", known)]


@pytest.mark.long
def test_the_site_builds_without_a_warning(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", tmp_path / "site"]
    quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=quiet, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    pages = sorted((tmp_path / "site").rglob("*.html"))
    assert {"index.html", "CONTRIBUTING.html", "api.html", "rows.html"} <= {page.name for page in pages}
    fetched = re.compile(r"""<(?:script|link|img)[^>]+(?:src|href)="?(?:https?:)?//""")
    assert not [page.name for page in pages if fetched.search(page.read_text())]


def test_functions_that_contributing_places_are_there():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    placed = re.findall(r"^\| [^|]+ \| `([\w/]+\.py)` \| ([^|]+) \|$", text, re.MULTILINE)
    assert len(placed) > 10
    for file, names in placed:
        for name in re.findall(r"`(\w+)`", names):
            assert re.search(rf"^\s*def {name}\(", (ROOT / file).read_text(), re.MULTILINE), f"{file}: {name}"
