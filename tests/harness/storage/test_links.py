"""A link in a results folder that leads out of it is refused by every command, and nothing behind it changes."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli import main
from harness.errors import BadInput
from harness.storage import checkpoint, files, protocol, stop
from harness.storage.files import refuse_links, write_atomically
from harness.storage.rows import Records
from harness.training.watchdog import TrialWatch
from tests.driven import STUDY, ran

FILES = ("study.json", "trials.jsonl", "trials.jsonl.gz", ".lock", "running.json", ".stop", "protocol.jsonl",
         "published.csv", "report/index.html", "report/table.csv", "checkpoints/weights/a.pt", "report/report.json",
         "predictions/a.npy")  # fmt: skip
FOLDERS = (
    "report",
    "predictions",
    "report/figures",
    "checkpoints",
    "checkpoints/weights",
    ".tune",
    "tensorboard",
    "wandb",
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("made")
    ran(place)
    return place / "driven"


def state(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def linked(made: Path, place: Path, name: str) -> Path:
    """A copy of the folder in which `name` is a link to a neighbour's file or folder; returns the neighbour."""
    shutil.copytree(made, place / "driven")
    mine, path = place / "mine", place / "driven" / name
    (mine / "figures").mkdir(parents=True)
    for file in ("000001.pt", "table.pdf", "figures/a.pdf", "index.html"):
        (mine / file).write_text("mine")
    shutil.rmtree(path, ignore_errors=True)
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(mine if name in FOLDERS else mine / "index.html")
    return mine


@pytest.mark.parametrize("name", [*FILES, *FOLDERS])
def test_every_command_refuses_it(name: str, made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = linked(made, tmp_path, name)
    study, folder = tmp_path / "study.toml", str(tmp_path / "driven")
    study.write_text(STUDY)
    before = state(mine)
    commands = [["run", str(study), "--executor", "in-process"], ["plan", str(study)], ["status", folder],
                ["report", folder], ["report", folder, "--out", str(tmp_path / "out")], ["verify", folder],
                ["track", folder, "--to", "tensorboard"]]  # fmt: skip
    for words in commands:
        more = ["--results", str(tmp_path)] * (words[0] in ("run", "plan"))
        with pytest.raises(SystemExit) as end:
            main([*words, *more])
        err = capsys.readouterr().err
        assert (end.value.code, err.count("\n")) == (2, 1), err
        assert "is a symbolic link out of the results folder" in err
        assert state(mine) == before


@pytest.mark.long
@pytest.mark.parametrize("command", ["run", "status", "report", "verify"])
def test_the_folder_is_walked_once_a_command(
    command: str, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(made, tmp_path / "driven")
    (tmp_path / "driven" / "checkpoints" / "kept").mkdir(parents=True, exist_ok=True)
    (tmp_path / "study.toml").write_text(STUDY)
    walked: list[str] = []
    below = files._below
    monkeypatch.setattr(files, "_below", lambda folder: walked.append(folder) or below(folder))
    words = [str(tmp_path / "driven")]
    if command == "run":
        words = [str(tmp_path / "study.toml"), "--results", str(tmp_path), "--executor", "in-process"]
    with pytest.raises(SystemExit) as end:
        main([command, *words])
    assert end.value.code in (0, 1)
    assert walked.count(os.path.realpath(tmp_path / "driven")) == 1


def test_links_within_the_folder_and_the_folder_itself_as_a_link_are_fine(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one").write_text("")
    (tmp_path / "a" / "two").symlink_to("one")
    (tmp_path / "b").symlink_to("a")
    refuse_links(tmp_path / "b")


def test_what_is_neither_file_nor_folder_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "study.json")
    with pytest.raises(BadInput, match=r"study\.json is neither a file nor a folder"):
        refuse_links(tmp_path)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        (".lock", Records),
        (".stop", stop.clear),
        ("trials.jsonl", Records),
        ("protocol.jsonl", lambda folder: protocol.append(folder, protocol.Event.LOOKED, {}, 0, 0)),
        ("hung.txt", lambda folder: TrialWatch(folder / "hung.txt", 100).start()),
    ],
)
def test_a_link_is_not_opened_even_where_nobody_looked_before(
    name: str, write: Callable[[Path], object], tmp_path: Path
) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / name).symlink_to(tmp_path / "mine")
    with pytest.raises(BadInput, match="is a symbolic link, which is not followed"):
        write(tmp_path / "folder")
    assert (tmp_path / "mine").read_text() == "mine"


def test_a_file_that_is_written_takes_the_place_of_a_link(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "a").symlink_to(tmp_path / "mine")
    write_atomically(tmp_path / "a", b"new")
    assert (tmp_path / "mine").read_text() == "mine"
    (tmp_path / "folder").symlink_to(tmp_path)
    checkpoint.Checkpoints(tmp_path / "folder").remove()
    assert (tmp_path / "mine").exists()
