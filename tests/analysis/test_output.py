"""A report replaces and removes only what an earlier report wrote."""

import json
import shutil
from pathlib import Path

import pytest
import rows_factory as factory

from analysis.findings.collect import findings
from analysis.report import output, write
from analysis.report.output import Refused

FILES = {"index.html": b"page", "table.csv": b"1", "figures/one.csv": b"1", "figures/one.pdf": b"1"}
FEWER = {"index.html": b"new", "table.csv": b"2"}


def state(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_next_report_replaces_the_one_before_and_leaves_the_users_files(tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    users = {"figures/mine.pdf": b"mine", "figures/mine.csv": b"mine", "notes.md": b"mine"}
    for name, content in users.items():
        (tmp_path / name).write_bytes(content)
    output.put(tmp_path, FILES, own=False)
    assert state(tmp_path).items() > {**FILES, **users}.items()
    output.put(tmp_path, FEWER, own=False)
    manifest = state(tmp_path)[output.MANIFEST]
    assert json.loads(manifest)["files"] == sorted(FEWER)
    assert state(tmp_path) == {**FEWER, **users, output.MANIFEST: manifest}


@pytest.mark.parametrize("name", ["index.html", "table.csv", "figures/one.pdf", "report.json"])
@pytest.mark.parametrize("content", ["mine", '{"files": ["index.html", "table.csv"]}', "[]"])
def test_a_file_that_no_report_wrote_is_refused_and_nothing_changes(name: str, content: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(content)
    with pytest.raises(Refused, match=r"is of no earlier report: name another --out"):
        output.put(tmp_path, FILES, own=False)
    assert state(tmp_path) == {name: content.encode()}


@pytest.mark.parametrize(
    "name", ["tuning/../../mine-history.csv", "tuning/a/b.csv", "/tmp/mine", "figures/..", "x.csv"]
)
def test_a_name_that_leads_elsewhere_is_refused_and_nothing_is_written(name: str, tmp_path: Path) -> None:
    """Names of figures begin with names of tunings, which somebody else's rows may give."""
    (tmp_path / "mine-history.csv").write_text("mine")
    with pytest.raises(Refused, match="is no file of a report"):
        output.put(tmp_path / "report", {**FILES, name: b"1"}, own=True)
    assert state(tmp_path) == {"mine-history.csv": b"mine"}


def test_a_file_in_the_place_of_a_folder_is_refused_and_nothing_changes(tmp_path: Path) -> None:
    (tmp_path / "figures").write_text("mine")
    with pytest.raises(Refused, match="is in the place of the report's folder"):
        output.put(tmp_path, FILES, own=True)
    assert state(tmp_path) == {"figures": b"mine"}


@pytest.mark.parametrize(
    ("changes", "says"), [({}, ""), ({"version": "0.0.9"}, "version 0.0.9"), ({"version": None}, "an older version")]
)
def test_a_report_says_which_version_made_it(changes: dict[str, str | None], says: str, tmp_path: Path) -> None:
    assert output.other_version(tmp_path) == ""
    output.put(tmp_path, FILES, own=False)
    found = json.loads((tmp_path / output.MANIFEST).read_text()) | changes
    kept = {name: value for name, value in found.items() if value is not None}
    (tmp_path / output.MANIFEST).write_text(json.dumps(kept))
    assert output.other_version(tmp_path) == says


def test_a_manifest_names_nothing_outside_its_report(tmp_path: Path) -> None:
    out = tmp_path / "a" / "report"
    output.put(out, FILES, own=False)
    (tmp_path / "mine").write_text("mine")
    (out.parent / "trials.jsonl").write_text("mine")
    bad = ["../trials.jsonl", str(tmp_path / "mine"), "figures/../../trials.jsonl", "figures/..", "notes.md", 3, None]
    (out / "notes.md").write_text("mine")
    (out / output.MANIFEST).write_text(json.dumps({"made_by": output.MADE_BY, "files": [*FILES, *bad]}))
    output.put(out, FEWER, own=False)
    assert (tmp_path / "mine").exists()
    assert (out.parent / "trials.jsonl").exists()
    assert (out / "notes.md").exists()
    assert not (out / "figures" / "one.pdf").exists()


@pytest.mark.parametrize("name", ["index.html", "figures", "report.json"])
def test_links_are_not_followed(name: str, tmp_path: Path) -> None:
    mine, out = tmp_path / "mine", tmp_path / "out"
    mine.mkdir()
    (mine / "one.pdf").write_text("mine")
    output.put(out, FILES, own=False)
    shutil.rmtree(out / name) if name == "figures" else (out / name).unlink()
    (out / name).symlink_to(mine if name == "figures" else mine / "one.pdf")
    with pytest.raises(Refused, match=r"is a symbolic link|is of no earlier report"):
        output.put(out, FILES, own=True)
    assert state(mine) == {"one.pdf": b"mine"}


@pytest.mark.long
def test_a_report_from_before_there_were_manifests_is_made_anew(tmp_path: Path) -> None:
    study = factory.study(snapshots=[5])
    folder = factory.write(tmp_path / "made-up", study, factory.rows(study))
    home = write.write(findings(folder), folder)
    (home / output.MANIFEST).unlink()
    for kind in ("csv", "pdf"):
        (home / "figures" / f"of-before.{kind}").write_text("stale")
    (home / "figures" / "mine.pdf").write_text("mine")
    (home / "table.md").write_text("stale")
    write.write(findings(folder), folder)
    assert not list(home.glob("figures/of-before.*"))
    assert (home / "figures" / "mine.pdf").read_text() == "mine"
    assert "darts" in (home / "table.md").read_text()
    with pytest.raises(Refused):
        write.check(folder, shutil.copytree(home, tmp_path / "copy", ignore=shutil.ignore_patterns("report.json")))
