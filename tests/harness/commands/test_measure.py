"""Networks of a study measured by the command: one line a training and batch size, replaced when measured again."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

import pandas as pd
import pytest

from analysis.results.measured import FILE, read
from harness.commands import measure
from tests.commands import ended
from tests.driven import STUDY, ran

Said = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A study of two networks, whose trainings a formula stood in for."""
    ran(tmp_path, study=STUDY.replace(', rule = "A", twins = 1', ', rule = "A"').replace(", snapshots = [1, 2]", ""))
    return tmp_path / "driven"


@pytest.mark.long
def test_each_training_is_measured_in_processes_of_its_own(folder: Path, monkeypatch: pytest.MonkeyPatch,
                                                           capsys: Said) -> None:  # fmt: skip
    monkeypatch.setattr(measure, "ROUNDS", 2)
    for _ in range(2):
        assert ended("measure", folder, "--device", "cpu", "--seconds", "0.01") == 0
    assert "2 networks of 2 trainings, 2 processes each" in capsys.readouterr().out
    found = read(folder)
    assert found.groupby("key")["batch"].apply(sorted).tolist() == [[1, 64], [1, 64]], "measured again, replaced"
    assert (found["median_ms"] > 0).all()
    assert set(found["threads"]) == {1}
    larger = found.pivot_table(index="key", columns="batch", values="median_ms")
    assert (larger[64] > larger[1]).all(), "64 images take longer than one"


def test_rounds_become_a_median_and_its_interval() -> None:
    rounds = {1: [(0.001 * n, 100 * n) for n in range(1, 7)]}
    (line,) = measure.records("a", rounds, measure.Place("cpu", 3, 1.0))
    assert (line["median_ms"], line["low_ms"], line["high_ms"]) == pytest.approx((3.5, 1.0, 6.0))
    assert (line["peak_memory_bytes"], line["threads"], line["batch"]) == (350, 3, 1)


def test_equal_networks_are_one(folder: Path) -> None:
    found = measure.networks(folder, None)
    assert sorted(map(len, found.values())) == [1, 1]
    assert {(one.classes, one.channels, one.size) for one in found} == {(10, 1, 32)}


def test_rows_that_the_study_left_out_are_not_measured(folder: Path) -> None:
    """Their networks are of another width, and their keys may be planned again one day."""
    before = measure.networks(folder, None)
    narrow = STUDY.replace(', rule = "A", twins = 1', ', rule = "A"').replace(", snapshots = [1, 2]", "")
    ran(folder.parent, study=narrow.replace("width = 0.125", "width = 0.25"))
    after = measure.networks(folder, None)
    assert {one.options for one in before} == {'{"width": 0.125}'}
    assert {one.options for one in after} == {'{"width": 0.25}'}
    first, second = (set(chain.from_iterable(found.values())) for found in (before, after))
    assert not first & second


@pytest.mark.long
def test_a_trusted_space_may_lie_where_the_command_runs(tmp_path: Path) -> None:
    """In the processes that measure, too; the installed command has no folder of its own on Python's path."""
    (tmp_path / "narrow.py").write_text(
        "from spaces.shortcuts.space import ShortcutSpace\n\n\n"
        "class Narrow(ShortcutSpace):\n    def __init__(self):\n        super().__init__('vgg11', width=0.125)\n"
    )
    (tmp_path / "study.toml").write_text(
        STUDY.replace('"shortcut-vgg11"', '"narrow:Narrow"').replace("space_options = { width = 0.125 }\n", "")
    )
    for words in (["run", "study.toml", "--executor", "in-process", "--results", "."], MEASURE):
        line = [Path(sys.executable).with_name("nas-harness"), *words, "--device", "cpu"]
        done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert len(read(tmp_path / "driven")) == 2 * 5


MEASURE = ["measure", "driven", "--trust", "--seconds", "0.01"]


def replaced(file: Path, old: str, new: str) -> None:
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda folder: (folder / "trials.jsonl").write_text(""), "no finished training yet"),
        (lambda folder: (folder / FILE).write_text("x"), "none that nas-harness measure wrote"),
        (lambda folder: replaced(folder / "trials.jsonl", '"vgg11 ', '"vgg99 '), "was not written by a run"),
        (lambda folder: replaced(folder / "study.json", '"shortcut-vgg11"', '"stranger:Space"'), "--trust loads it"),
    ],
)  # fmt: skip
def test_what_cannot_be_measured_is_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said, change,  # type: ignore[no-untyped-def]
                                             says: str) -> None:  # fmt: skip
    monkeypatch.setattr(measure, "measure", lambda wanted, _: {one: {1: [(1.0, 1)]} for one in wanted})
    change(folder)
    capsys.readouterr()
    assert ended("measure", folder, "--device", "cpu") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line


ONE = {"key": "a", "batch": 1, "device": "cpu", "hardware": "x", "threads": 1, "precision": "fp32",
       "median_ms": 1.5, "low_ms": 1.0, "high_ms": 2.0, "peak_memory_bytes": 5, "torch": "2",
       "measured": "now"}  # fmt: skip


def test_what_was_measured_elsewhere_stays(folder: Path) -> None:
    for line in (ONE, {**ONE, "hardware": "y"}, {**ONE, "median_ms": 2.5}):
        measure.write(folder, [line])
    assert pd.Series(read(folder)["median_ms"]).tolist() == [2.5, 1.5]


def test_what_another_machine_measures_meanwhile_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(wanted: list[measure.Network], _: measure.Place) -> dict[measure.Network, measure.Measured]:
        measure.write(folder, [{**ONE, "hardware": "another"}])
        return {one: {1: [(1.0, 1)]} for one in wanted}

    monkeypatch.setattr(measure, "measure", slow)
    assert ended("measure", folder, "--device", "cpu") == 0
    found = read(folder)
    assert (len(found), list(found["hardware"]).count("another")) == (3, 1)


def test_machines_that_write_at_once_keep_each_others_lines(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as hosts:
        list(hosts.map(lambda number: measure.write(tmp_path, [{**ONE, "hardware": str(number)}]), range(40)))
    assert sorted(map(int, read(tmp_path)["hardware"])) == list(range(40))
    assert sorted(path.name for path in tmp_path.iterdir()) == [measure.LOCK, FILE]


def test_a_column_that_somebody_added_stays_and_harms_nothing(folder: Path, capsys: Said) -> None:
    measure.write(folder, [ONE, {**ONE, "batch": 64}])
    lines = (folder / FILE).read_text().splitlines()
    notes = ("note,", "by night,", '"warm, it seems",')
    (folder / FILE).write_text("\n".join(note + line for note, line in zip(notes, lines, strict=True)))
    measure.write(folder, [{**ONE, "key": "b"}])
    assert list(read(folder)) == list(ONE)
    assert pd.read_csv(folder / FILE)["note"].fillna("").tolist() == ["by night", "warm, it seems", ""]
    assert ended("report", folder) == 0
