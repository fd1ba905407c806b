"""Rows that somebody removes, replaces or moves while a run has them open: said, and none is lost."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import BadInput, Stopped
from harness.run.driver import Assignment
from harness.storage import protocol
from harness.storage.folder import read_study
from harness.storage.rows import Records, latest_rows, read_rows
from tests.driven import JOBS, ran

pytestmark = pytest.mark.long


def after(number: int, act: Callable[[Path], object], folder: Path) -> Callable[[Assignment], None]:
    """A verdict that lets trials run, and acts on the results folder before the one of this number."""
    assigned: list[str] = []

    def verdict(assignment: Assignment) -> None:
        assigned.append(assignment.job.key)
        if len(assigned) == number:
            act(folder / "driven")

    return verdict


def rewrite(folder: Path) -> None:
    """As `sed -i` does."""
    (folder / "new").write_bytes((folder / "trials.jsonl").read_bytes())
    (folder / "new").replace(folder / "trials.jsonl")


def cut(folder: Path) -> None:
    """Into a new file, without its last row and the newline before it."""
    lines = (folder / "trials.jsonl").read_bytes().splitlines()
    (folder / "new").write_bytes(b"\n".join(lines[:-1]))
    (folder / "new").replace(folder / "trials.jsonl")


def remove(folder: Path) -> None:
    (folder / "trials.jsonl").unlink()


def edit(folder: Path) -> None:
    (folder / "new").write_bytes((folder / "trials.jsonl").read_bytes().replace(b'"threads": 1', b'"threads": 9'))
    (folder / "new").replace(folder / "trials.jsonl")


@pytest.mark.parametrize(
    ("act", "said"), [(rewrite, "replaced"), (cut, "replaced"), (edit, "replaced"), (remove, "removed")]
)
@pytest.mark.parametrize("number", [4, JOBS])
def test_a_file_of_rows_that_was_removed_or_replaced_lacks_none(
    act: Callable[[Path], None], said: str, number: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing, statuses, _ = ran(tmp_path, after(number, act, tmp_path))
    assert (missing, statuses) == (0, {"done": JOBS})
    rows = read_rows(tmp_path / "driven")
    assert len(rows) == JOBS, "each once"
    assert capsys.readouterr().err.count(f"trials.jsonl was {said} during the run") == 1
    assert sum(row["threads"] == 9 for row in rows) == (number - 1 if act is edit else 0), "edited rows stay edited"


def test_a_folder_that_was_moved_has_every_row_and_the_run_stops(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    with pytest.raises(Stopped, match=r"driven was moved during the run; .* move it back"):
        ran(tmp_path, after(4, lambda folder: folder.rename(elsewhere), tmp_path))
    assert not (tmp_path / "driven").exists()
    done = [row for row in read_rows(elsewhere) if row["status"] == "done"]
    assert len(done) == 3
    elsewhere.rename(tmp_path / "driven")
    assert ran(tmp_path)[:2] == (0, {"done": JOBS})


def displaced(home: Path, elsewhere: Path, moved: bool) -> None:
    """A driver's folder by another's; the first one then goes on."""
    with Records(home) as first:
        first.append({"key": "a1", "status": "done"})
        home.rename(elsewhere)
        if not moved:
            shutil.rmtree(elsewhere)
        with Records(home) as second:
            second.append({"key": "b1", "status": "done"})
            first.append({"key": "a2", "status": "done"})


@pytest.mark.parametrize("moved", [True, False])
def test_rows_go_into_no_folder_that_took_the_place_of_theirs(moved: bool, tmp_path: Path) -> None:
    """Only where theirs was removed: then each once."""
    home, elsewhere, mine = tmp_path / "home", tmp_path / "elsewhere", ["a1", "a2"]
    with pytest.raises(Stopped, match=f"was {'moved' if moved else 'removed'} during the run"):
        displaced(home, elsewhere, moved)
    assert [row["key"] for row in read_rows(home)] == (["b1"] if moved else ["b1", *mine])
    assert not moved or [row["key"] for row in read_rows(elsewhere)] == mine


def test_a_folder_that_was_removed_has_every_row_again(tmp_path: Path) -> None:
    with pytest.raises(Stopped, match="driven was removed during the run; its rows were written into it again"):
        ran(tmp_path, after(4, shutil.rmtree, tmp_path))
    folder = tmp_path / "driven"
    assert sum(row["status"] == "done" for row in read_rows(folder)) == 3
    assert read_study(folder)["name"] == "driven"
    assert ran(tmp_path)[:2] == (0, {"done": JOBS})
    assert not list(protocol.faults(protocol.read(folder), [row["protocol"] for row in latest_rows(folder).values()]))


def test_a_lock_that_was_removed_lets_no_second_driver_in_for_long(tmp_path: Path) -> None:
    with Records(tmp_path) as first:
        (tmp_path / ".lock").unlink()
        first.append({"key": "a", "status": "done"})
        with pytest.raises(BadInput, match="another nas-harness is running"):
            Records(tmp_path)
        (tmp_path / ".lock").unlink()
        with Records(tmp_path) as second:
            second.append({"key": "b", "status": "done"})
            with pytest.raises(BadInput, match="another nas-harness is running"):
                first.append({"key": "c", "status": "done"})
    assert latest_rows(tmp_path).keys() == {"a", "b", "c"}
