"""`report` as the command line runs it."""

import shutil
from pathlib import Path

import pytest
import rows_factory as factory

from harness.commands import report_pages
from harness.storage import protocol
from tests.commands import ended
from tests.driven import ran


def state(folder: Path) -> list[tuple[Path, int]]:
    return sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("made")
    ran(place)
    return place / "driven"


@pytest.mark.long
def test_a_page_of_ones_own_is_not_overwritten(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs, out = tmp_path / "theirs", tmp_path / "site"
    shutil.copytree(folder, theirs)
    (out / "figures").mkdir(parents=True)
    (out / "index.html").write_text("mine")
    (out / "figures" / "mine.pdf").write_text("mine")
    published = tmp_path / "p.csv"
    published.write_text("method\n")
    before = state(tmp_path)
    assert ended("report", theirs, "--out", out, "--published", published) == 2
    err = capsys.readouterr().err
    assert err == f"nas-harness: {out}/index.html is of no earlier report: name another --out, or move it away\n"
    assert state(tmp_path) == before
    (out / "index.html").unlink()
    for _ in range(2):
        assert ended("report", theirs, "--out", out) == 0
    assert (out / "figures" / "mine.pdf").read_text() == "mine"


@pytest.mark.long
def test_what_is_seen_before_a_network_was_trained_is_no_look(tmp_path: Path) -> None:
    study = factory.study(seeds=1, snapshots=[5], rules=["A"])
    rows = factory.rows(study)
    folder = factory.write(tmp_path / "made-up", study, [row for row in rows if row["kind"] != "train"])
    protocol.append(folder, protocol.Event.FIXED, {}, 0, 4)
    report_pages.show([folder])
    assert [entry.event for entry in protocol.read(folder)] == ["fixed"]


def test_a_look_counts_from_when_something_can_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report that cannot be made shows nothing; one that is interrupted while it is written may have."""
    study = factory.study(seeds=1, snapshots=[5], rules=["A"])
    folder = factory.write(tmp_path / "made-up", study, factory.rows(study)[:-1])
    protocol.append(folder, protocol.Event.FIXED, {}, 0, 4)

    def failing(_: object) -> None:
        raise RuntimeError

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(report_pages, "findings", failing)
        with pytest.raises(RuntimeError):
            report_pages.show([folder])
    assert [entry.event for entry in protocol.read(folder)] == ["fixed"]
    with monkeypatch.context() as patched:
        patched.setattr(report_pages.write, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            report_pages.show([folder])
    assert [entry.event for entry in protocol.read(folder)] == ["fixed", "reported"]
    report_pages.show([folder])
    assert "looked at 1 time before they were complete" in (folder / "report" / "index.html").read_text()
