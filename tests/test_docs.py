"""The README says what is there: what it shows exists, every command is in it, its tables are real."""

import re
import shlex
from pathlib import Path

import pytest

from harness.commands.options import parser
from harness.study.load import packaged

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SHOWN = re.compile(r"^\s*(?:\.venv/bin/)?nas-harness (?P<rest>[^#`\n]+)", re.MULTILINE)


def commands(page):
    blocks = re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL)
    joined = "\n".join(blocks).replace("\\\n", " ")
    return [match["rest"].strip() for match in SHOWN.finditer(joined)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_shown_are_understood(page):
    for line in commands(page):
        parser().parse_args(shlex.split(line))


def test_every_command_is_in_the_readme():
    text = (ROOT / "README.md").read_text()
    names = next(action.choices for action in parser()._actions if action.dest == "command")
    assert not [name for name in names if f"nas-harness {name}" not in text]


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


def test_the_readmes_study_is_the_packaged_one():
    import tomllib

    shown = tomllib.loads(re.search(r"```toml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[1])
    real = tomllib.loads((ROOT / "harness" / "studies" / "shortcut-cifar10-mini.toml").read_text())
    assert {k: v for k, v in shown.items() if k != "method"} == {k: v for k, v in real.items() if k != "method"}
    assert all(method in real["method"] for method in shown["method"])


@pytest.mark.parametrize("name", ["README.md", "docs/studies.md"])
def test_tables_shown_are_what_the_rows_give(name):
    tables = re.findall(r"<!-- table: (\S+) -->\n(.*?)<!-- end -->", (ROOT / name).read_text(), re.DOTALL)
    assert tables
    for results, table in tables:
        assert table.strip() in (ROOT / results / "report" / "table.md").read_text()


def test_numbers_told_of_the_studies_stand_in_their_tables():
    tables = ("*/report/table.md", "*/report/tuning/tables.md", "*/study.json")
    known = "".join(path.read_text() for name in tables for path in (ROOT / "results").glob(name))
    told = re.findall(r"\d+\.\d{2,}", (ROOT / "docs" / "studies.md").read_text())
    assert len(told) > 30
    assert not [number for number in told if not re.search(rf"(?<![\d.]){re.escape(number)}(?!\d)", known)]
