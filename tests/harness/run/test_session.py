"""What a run writes before its first trial: rows that it takes over are said first, and a refusal leaves nothing."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from harness.commands.verify import problems
from harness.errors import BadInput, Stopped
from harness.run.admission import Shares
from harness.run.prepare import prepare
from harness.storage import protocol
from harness.storage.rows import Records, read_rows
from harness.study.load import load_with_recipe
from tests.driven import JOBS, STUDY, ran

MORE = STUDY.replace("search = 1", "search = 2")


def said(folder: Path) -> list[dict[str, Any]]:
    return [entry.content for entry in protocol.read(folder) if entry.event == "reused"]


@pytest.fixture
def one(tmp_path: Path) -> Path:
    ran(tmp_path / "one")
    return tmp_path / "one" / "driven"


@pytest.mark.parametrize("there", [0, 1, 3, JOBS - 1])
@pytest.mark.parametrize("fault", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()], ids=type)
def test_rows_that_are_taken_over_are_in_the_protocol_once_whatever_cuts_it_off(
    one: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: int, fault: BaseException
) -> None:
    append, left = Records.append, [there]

    def struck(book: Records, *given: Any, **more: Any) -> None:
        if not left[0]:
            raise fault
        left[0] -= 1
        append(book, *given, **more)

    two = tmp_path / "two" / "driven"
    with monkeypatch.context() as patch:
        patch.setattr(Records, "append", struck)
        with pytest.raises((Stopped, KeyboardInterrupt)):
            ran(tmp_path / "two", study=MORE, reuse=(one,))
    assert len(read_rows(two)) == there
    for _ in range(2):
        assert ran(tmp_path / "two", study=MORE, reuse=(one,))[0] == 0
        keys = sorted(row["key"] for row in read_rows(one))
        assert said(two) == [{"rows": JOBS, "from": ["driven"], "keys": keys}]
    (entry,) = (entry for entry in protocol.read(two) if entry.event == "reused")
    assert {row["protocol"] for row in read_rows(two)} == {entry.hash}
    assert [line for line in problems(two) if "report" not in line] == []


def test_rows_that_come_later_are_said_then(one: Path, tmp_path: Path) -> None:
    ran(tmp_path / "two", study=MORE, reuse=(one,))
    ran(tmp_path / "three", study=MORE.replace("search = 2", "search = 3"))
    third, two = tmp_path / "three" / "driven", tmp_path / "two" / "driven"
    ran(tmp_path / "two", study=MORE.replace("search = 2", "search = 3"), reuse=(third, one))
    ran(tmp_path / "two", study=MORE.replace("search = 2", "search = 3"), reuse=(one,))
    assert [content["rows"] for content in said(two)] == [JOBS, JOBS]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"engine_path": "eagr"}, "--path 'eagr' is unknown"),
        ({"checkpoints": "file:///proc/no"}, "--checkpoints: "),
        ({"checkpoints": "file://{}/taken"}, "holds the checkpoints of another results folder"),
        ({"checkpoints": "file://{}/free", "study": STUDY.replace('task = "harness.training.formula:stand_in"\n',
                                                                   'keep_weights = "all"\n')},
         "keep_weights needs a results folder that all machines share"),
        ({"shares": Shares({"train": 3}, {}), "room": (2, 0)}, "train trial asks for 3 cores, and all trials together"),
        ({"shares": Shares({}, {"": 1}), "room": (2, 0)}, "trial asks for 1 GPUs, and all trials together have 0"),
    ],
    ids=["path", "unreachable", "another's", "keep_weights", "cores", "GPUs"],
)  # fmt: skip
def test_what_is_refused_leaves_no_folder(tmp_path: Path, more: dict[str, Any], says: str) -> None:
    if "taken" in more.get("checkpoints", ""):
        ran(tmp_path / "other", checkpoints=f"file://{tmp_path}/taken")
    with pytest.raises(BadInput, match=says):
        ran(tmp_path / "mine", **{name: value.replace("{}", str(tmp_path)) if isinstance(value, str) else value
                                  for name, value in more.items()})  # fmt: skip
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["study.toml"]


def test_a_row_names_the_entry_that_was_the_last_when_it_was_made(tmp_path: Path) -> None:
    """So no look that was taken during a run can be cut off the end of the protocol."""
    folder = tmp_path / "driven"
    looks: list[str] = []

    def looked(_: object) -> None:
        protocol.append(folder, protocol.Event.REPORTED, {}, len(read_rows(folder)), JOBS)
        looks.append(protocol.read(folder)[-1].hash)

    ran(tmp_path, looked)
    assert [row["protocol"] for row in read_rows(folder)] == looks
    path = protocol.protocol_file(folder)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    assert any("rows name an entry that is not there" in line for line in problems(folder))


def test_study_json_says_how_many_classes_its_data_have(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(STUDY)
    prepared = prepare(load_with_recipe(str(tmp_path / "study.toml"), []), tmp_path / "results", None, False, "cpu")
    assert prepared.as_json("")["classes"] == {"digits": 10}


@pytest.mark.parametrize("number", [errno.EIO, errno.EROFS, errno.ESTALE])
def test_a_disk_that_fails_during_the_run_stops_it_in_one_line(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append, left = Records.append, [2]

    def struck(book: Records, *given: Any, **more: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(number, os.strerror(number))
        append(book, *given, **more)

    monkeypatch.setattr(Records, "append", struck)
    with pytest.raises(Stopped, match=f"{os.strerror(number)}; nothing is lost, the same command carries on"):
        ran(tmp_path)
    monkeypatch.undo()
    assert ran(tmp_path)[0] == 0
