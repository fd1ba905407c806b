"""What is taken from a machine and brought to the next: rows always, checkpoints where there is room."""

import fcntl
import gzip
import json
import lzma
from pathlib import Path
from typing import Any

import pytest
from made_for_kits import results

from gpu_kit import brought
from gpu_kit.unpack import Unusable

ROOM, PIECE = 10**6, 10**5


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_rows_and_newest_checkpoints_come_back(tmp_path: Path) -> None:
    study = results(tmp_path / "results", "toy", 3, {"a": (5, 300_000), "b": (2, 10)})
    weights = study / "checkpoints" / "weights" / "c.pt"
    weights.parent.mkdir()
    weights.write_bytes(b"weights")
    said = brought.take(tmp_path / "results", tmp_path / "out", ROOM, PIECE)
    assert len(said) == 1
    assert all(path.stat().st_size <= PIECE for path in (tmp_path / "out").iterdir())
    assert brought.bring(tmp_path / "out", tmp_path / "new" / "results") == [f"{tmp_path / 'new/results/toy'}: brought"]
    assert files(tmp_path / "new" / "results" / "toy") == {
        "study.json", "trials.jsonl", "predictions/0.bin", "checkpoints/a/000005.pt", "checkpoints/b/000002.pt",
        "checkpoints/weights/c.pt",
    }  # fmt: skip
    for name in ("trials.jsonl", "checkpoints/a/000005.pt"):
        assert (tmp_path / "new" / "results" / "toy" / name).read_bytes() == (study / name).read_bytes()


def test_nothing_of_the_study_at_home_is_lost(tmp_path: Path) -> None:
    """Not what lies beside it, and no entry of its protocol."""
    away = results(tmp_path / "results", "toy", 3, {})
    (away / "protocol.jsonl").write_text("fixed\n")
    brought.take(tmp_path / "results", tmp_path / "out", ROOM, PIECE)
    home = results(tmp_path / "home", "toy", 2, {"a": (5, 10)})
    (home / "notes.md").write_text("mine")
    (home / "protocol.jsonl").write_text("fixed otherwise\n")
    (said,) = brought.bring(tmp_path / "out", tmp_path / "home")
    assert said.endswith("each have entries that the other lacks; it stays as it is")
    (home / "protocol.jsonl").write_text("fixed\nreported\n")
    (tmp_path / "disk").mkdir()
    home.rename(tmp_path / "disk" / "toy")
    home.symlink_to(tmp_path / "disk" / "toy")
    assert brought.bring(tmp_path / "out", tmp_path / "home") == [f"{home}: brought"]
    assert home.is_symlink()
    assert files(home.resolve()) == {"study.json", "trials.jsonl", "protocol.jsonl", "predictions/0.bin", "notes.md"}
    assert (home / "protocol.jsonl").read_text() == "fixed\nreported\n"
    assert [path.name for path in (tmp_path / "disk").iterdir()] == ["toy"]


def test_a_checkpoint_without_room_is_left_and_counted(tmp_path: Path) -> None:
    results(tmp_path / "results", "toy", 3, {"a": (5, ROOM), "b": (2, 10)})
    said = brought.take(tmp_path / "results", tmp_path / "out", ROOM, PIECE)
    assert said[1].startswith("checkpoints of 1 trials (1.0 MB) find no room there")
    assert sum(path.stat().st_size for path in (tmp_path / "out").glob("*.tar*")) <= ROOM
    brought.bring(tmp_path / "out", tmp_path / "new")
    assert [path.name for path in (tmp_path / "new" / "toy" / "checkpoints").iterdir()] == ["b"]


@pytest.mark.parametrize("room", [25_000, 31_000, 40_000, 100_000])
def test_never_more_than_the_limit(tmp_path: Path, room: int) -> None:
    results(tmp_path / "results", "toy", 3, {f"{number:032d}": (5, 3000) for number in range(20)})
    brought.take(tmp_path / "results", tmp_path / "out", room, PIECE)
    assert sum(path.stat().st_size for path in (tmp_path / "out").glob("*.tar*")) <= room


def test_rows_that_find_no_room_are_an_error(tmp_path: Path) -> None:
    results(tmp_path / "results", "toy", 3, {})
    with pytest.raises(Unusable, match=r"more than 0\.0 MB; give a larger --out-mb"):
        brought.take(tmp_path / "results", tmp_path / "out", 10, PIECE)


@pytest.mark.parametrize(("here", "kept"), [
    ((2, {"a": (9, 10)}), False),  # fewer rows
    ((3, {"a": (4, 10)}), False),  # fewer epochs
    ((3, {"a": (5, 10)}), True),
    ((3, {"a": (6, 10)}), True),
    ((4, {}), True),
])  # fmt: skip
def test_what_is_further_stays(tmp_path: Path, here: tuple, kept: bool) -> None:
    results(tmp_path / "results", "toy", 3, {"a": (5, 10)})
    brought.take(tmp_path / "results", tmp_path / "out", ROOM, PIECE)
    before = results(tmp_path / "new", "toy", *here)
    was = brought.progress(before)
    said = brought.bring(tmp_path / "out", tmp_path / "new")
    assert ("stays as it is" in said[0]) == kept
    assert brought.progress(before) == (was if kept else (brought.progress(tmp_path / "results" / "toy")))


@pytest.mark.parametrize("pack", [lzma, gzip])
def test_rows_that_are_kept_compressed_are_not_lost(tmp_path: Path, pack: Any) -> None:
    results(tmp_path / "results", "toy", 3, {"a": (5, 10)})
    brought.take(tmp_path / "results", tmp_path / "out", ROOM, PIECE)
    here = results(tmp_path / "new", "toy", 5, {})
    rows = here / "trials.jsonl"
    kept = rows.with_name("trials.jsonl.xz" if pack is lzma else "trials.jsonl.gz")
    kept.write_bytes(pack.compress(rows.read_bytes()))
    rows.unlink()
    before = files(here)
    assert brought.bring(tmp_path / "out", tmp_path / "new") == [
        f"{here}: 2 of its rows are not among those that were brought; it stays as it is"
    ]
    assert files(here) - {".lock"} == before
    kept.write_bytes(b"no rows")
    with pytest.raises(Unusable, match=r"trials\.jsonl\..z cannot be read: .+; mend or remove it"):
        brought.bring(tmp_path / "out", tmp_path / "new")


def test_a_finished_row_is_not_lost_to_a_longer_file(tmp_path: Path) -> None:
    """The key alone says nothing: there it failed."""
    brought_rows = [{"key": "a", "status": "failed"}, {"key": "b", "status": "done"}, {"key": "c", "status": "done"}]
    there = results(tmp_path / "results", "toy", 0, {})
    (there / "trials.jsonl").write_text("".join(json.dumps(row) + "\n" for row in brought_rows))
    brought.take(tmp_path / "results", tmp_path / "out", ROOM, PIECE)
    here = results(tmp_path / "new", "toy", 0, {})
    rows = [{"key": "a", "status": "failed"}, {"key": "a", "status": "done"}]
    (here / "trials.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (said,) = brought.bring(tmp_path / "out", tmp_path / "new")
    assert said == f"{here}: 1 of its rows are not among those that were brought; it stays as it is"


def test_a_study_that_a_driver_runs_stays(tmp_path: Path) -> None:
    results(tmp_path / "results", "toy", 3, {})
    brought.take(tmp_path / "results", tmp_path / "out", ROOM, PIECE)
    here = results(tmp_path / "new", "toy", 1, {})
    with open(here / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert brought.bring(tmp_path / "out", tmp_path / "new") == [f"{here}: a driver runs it; it stays as it is"]
    assert brought.bring(tmp_path / "out", tmp_path / "new") == [f"{here}: brought"]


def test_what_was_taken_before_goes_and_nothing_else(tmp_path: Path) -> None:
    results(tmp_path / "results", "toy", 3, {"a": (5, 300_000)})
    brought.take(tmp_path / "results", tmp_path / "out", ROOM, PIECE)
    before = files(tmp_path / "out")
    brought.take(tmp_path / "results", tmp_path / "out", ROOM, ROOM)
    assert files(tmp_path / "out") < before
    (tmp_path / "out" / "mine").touch()
    with pytest.raises(Unusable, match="mine was not taken"):
        brought.take(tmp_path / "results", tmp_path / "out", ROOM, PIECE)
    assert (tmp_path / "out" / "mine").exists()


def test_damaged_pieces_bring_nothing(tmp_path: Path) -> None:
    results(tmp_path / "results", "toy", 3, {"a": (5, 300_000)})
    brought.take(tmp_path / "results", tmp_path / "out", ROOM, PIECE)
    (tmp_path / "out" / "checkpoints.tar.01").write_bytes(b"")
    with pytest.raises(Unusable, match=r"checkpoints\.tar\.01 has not the SHA-256"):
        brought.bring(tmp_path / "out", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_without_studies_there_is_nothing_to_take(tmp_path: Path) -> None:
    brought.take(tmp_path / "results", tmp_path / "out", ROOM, PIECE)
    assert brought.bring(tmp_path / "out", tmp_path / "new") == []
