"""`verify` as the command line runs it: what is no row, no folder and no schema; rows drawn at random."""

import json
import lzma
import os
import shlex
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis.report.provenance import command
from analysis.results.rows import load
from harness.commands import verify, verify_again
from harness.commands.verify import malformed, problems
from harness.storage.row_fields import faults
from harness.storage.rows import read_rows
from tests.commands import ended
from tests.driven import JOBS, STUDY, ran
from tests.studies import as_toml

ALPHA = [[0.0] * 8, [0.0] * 7 + [1.0], *[[0.0] * 8] * 6]  # one shortcut, from block 2 to 8
COUNTED = [{"epoch": 1, "counts": {"A": 3, "B": 1}, "alpha": {"pairs": ALPHA}}]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("made")
    ran(place)
    return place / "driven"


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "driven"))


def change(folder: Path, kind: str, **fields: Any) -> None:
    """Of the first row of this kind."""
    rows = [json.loads(line) for line in (folder / "trials.jsonl").read_text().splitlines()]
    next(row for row in rows if row["kind"] == kind).update(fields)
    (folder / "trials.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.mark.parametrize(
    ("kind", "fields", "says"),
    [
        ("train", {"test_accuracy": 999}, "test_accuracy is 999, which is no percentage"),
        ("train", {"test_accuracy": "much"}, "test_accuracy is 'much', which is no percentage"),
        ("search", {"val_accuracy": -1}, "val_accuracy is -1, which is no percentage"),
        ("search", {"val_accuracy": True}, "val_accuracy is True, which is no percentage"),
        ("search", {"snapshots": {"1": "x"}}, "snapshots.1 is 'x', which is no object"),
        ("train", {"curve": "x"}, "curve is 'x', which is no list"),
        ("train", {"seconds": -1.0}, "seconds is -1.0, which is no number from 0 on"),
        ("train", {"shortcuts": 1.5}, "shortcuts is 1.5, which is no whole number from 0 on"),
        ("train", {"train_loss": float("inf")}, "train_loss is inf, which is no number"),
        ("train", {"status": "great"}, "status is 'great', which is no status of done, failed"),
        ("train", {"schema": 9}, "schema is 9, which is no schema of 1, 2, 3, 4, 5"),
        ("train", {"schema": 1}, "schema is 1, but 5 in its settings"),
        ("train", {"settings": {"schema": 5, "recipe": "x"}}, "its settings match no job of the plan"),
        ("train", {"settings": {"schema": 5, "recipe": {"scheduler": 1}}}, "its settings match no job of the plan"),
    ],
    ids=str,
)
def test_what_is_no_row_is_a_problem(
    kind: str, fields: dict[str, Any], says: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert malformed(folder) == []
    change(folder, kind, **fields)
    assert ended("verify", folder) == 1
    assert says in capsys.readouterr().out


def test_counts_are_those_of_the_architecture(folder: Path) -> None:
    change(folder, "train", shortcuts=99, architecture="vgg11 1-3")
    assert [line.partition(": ")[2] for line in problems(folder)][:1] == ["shortcuts is 99, but 1 by its architecture"]


@pytest.mark.parametrize(
    ("kind", "fields", "says"),
    [
        ("train", {"seed": 7}, "its seed is 7, but 0 by its settings"),
        ("search", {"seed": 7}, "its seed is 7, but 0 by its settings"),
        ("train", {"train_seed": 3}, "its train_seed is 3, but 0 by its settings"),
        ("train", {"twin": 9}, "its twin is 9, but 0 by its settings"),
        ("train", {"pair": "f" * 16}, f"its pair is '{'f' * 16}', but "),
        ("train", {"pair": None}, "its pair is None, but "),
        ("train", {"split": "f" * 16}, f"its split is '{'f' * 16}', but '' in other rows of these images"),
        ("train", {"split": None}, "its split is None, but '' in other rows of these images"),
        ("train", {"status": "pruned"}, "is pruned, which does not follow from the rows it needed"),
        ("train", {"status": "unmatched"}, "is unmatched, which does not follow"),
        ("train", {"status": "disconnected"}, "is disconnected, which does not follow"),
        ("train", {"status": "diverged"}, "is diverged, but has a test accuracy"),
        ("train", {"status": "diverged", "test_accuracy": None, "split": "f" * 16}, "its split is "),
        ("train", {"epochs": 1}, "its epochs and points of its curve are 1 and 2, but 2 by its recipe"),
        ("train", {"curve": []}, "its epochs and points of its curve are 2 and 0, but 2 by its recipe"),
        ("search", {"curve": [{**COUNTED[0], "alpha": {"pairs": [[1.0]]}}]}, "epoch 1 of its curve: its α is none of"),
        ("search", {"curve": COUNTED}, "epoch 1 of its curve: counts.A is 3, but 1 by its α"),
    ],
    ids=str,
)
def test_a_row_stands_where_its_settings_say(kind: str, fields: dict[str, Any], says: str, folder: Path) -> None:
    """Its key is the hash of its settings alone, and tables place it by these fields."""
    assert problems(folder) == []
    change(folder, kind, **fields)
    assert any(says in line for line in problems(folder))


def test_a_row_that_says_that_it_diverged_is_trained_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(folder, "train", status="diverged", test_accuracy=None, error="the training loss became nan")
    rows = [json.loads(line) for line in (folder / "trials.jsonl").read_text().splitlines()]
    (key,) = [row["key"] for row in rows if row["status"] == "diverged"]
    assert ended("verify", folder, "--trust", "--keys", key) == 1
    assert f"({key}) trained again: it ended as done" in capsys.readouterr().out


def test_the_number_of_classes_is_that_of_the_protocol(folder: Path) -> None:
    """By which a failed training counts as guessing."""
    study = json.loads((folder / "study.json").read_text())
    (folder / "study.json").write_text(json.dumps({**study, "classes": {"digits": 2}}))
    assert problems(folder) == ["study.json, classes: is {'digits': 2}, but the protocol has {'digits': 10}"]


def test_a_row_of_an_older_version_may_lack_fields_and_have_nulls() -> None:
    assert list(faults({"key": "a", "status": "done", "test_accuracy": None})) == []


def test_a_folder_without_rows_or_without_a_study_does_not_hold(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "trials.jsonl").write_text("")
    assert ended("verify", folder) == 1
    assert f"there is no row of the {JOBS} jobs that study.json plans" in capsys.readouterr().out
    shutil.rmtree(folder)
    folder.mkdir()
    assert ended("verify", folder) == 2
    assert "holds no study.json" in capsys.readouterr().err


@pytest.mark.parametrize("schema", [9, "3", [3], None])
def test_an_unknown_schema_of_the_study_is_refused(
    schema: Any, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = json.loads((folder / "study.json").read_text())
    (folder / "study.json").write_text(json.dumps({**study, "schema": schema}))
    assert ended("verify", folder) == 2
    assert "which this version does not know" in capsys.readouterr().err


def test_a_folder_of_other_things_is_no_study_whatever_lies_in_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.symlink("/", tmp_path / "link")
    assert ended("verify", tmp_path) == 2
    assert f"{tmp_path} holds no study.json" in capsys.readouterr().err


def test_a_study_with_a_byte_order_mark_is_read(folder: Path) -> None:
    path = folder / "study.json"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert problems(folder) == []


def pack(path: Path, change: Callable[[bytes], bytes] = bytes) -> None:
    path.with_name(f"{path.name}.xz").write_bytes(lzma.compress(change(path.read_bytes())))


def test_a_compressed_study_beside_the_study_says_the_same(folder: Path) -> None:
    path = folder / "study.json"
    pack(path)
    assert problems(folder) == []
    pack(path, lambda content: json.dumps({**json.loads(content), "alpha": 0.5, "looks": [2]}).encode())
    other = "study.json.xz has other alpha, looks than study.json beside it: pack it anew, or remove it"
    assert problems(folder) == [other]
    for content in (lambda _: b"[]", lambda _: b"[1]", lambda content: content[:-9]):
        pack(path, content)
        assert ["study.json.xz" in line for line in problems(folder)] == [True]


def test_compressed_rows_that_differ_from_those_beside_them_are_named(folder: Path) -> None:
    """Both are read, and what a run adds stands in trials.jsonl."""
    path = folder / "trials.jsonl"
    pack(path)
    assert problems(folder) == []
    change(folder, "train", test_accuracy=12.5)
    assert ["two finished rows of one key differ" in line for line in problems(folder)] == [True]


def test_a_torn_row_is_named_where_no_run_cuts_it_off(folder: Path) -> None:
    path = folder / "trials.jsonl"
    rows = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(rows)[:-20])
    assert problems(folder) == []
    pack(path)
    path.write_bytes(rows[-1])
    assert [line.partition(":")[0] for line in problems(folder)] == [
        f"trials.jsonl.xz, line {JOBS} is torn, and no row"
    ]


KEPT = Path(__file__).parents[3] / "results" / "cell-cifar10-mini"


def test_rows_that_cannot_be_trained_again_say_why(tmp_path: Path) -> None:
    ((_, said),) = verify_again.rerun(KEPT, 1, [], tmp_path, seed=0)
    assert said[0].startswith("it ended as ")
    assert str(tmp_path) in said[0]
    assert len(said) == 1


def test_rows_that_need_others_which_are_gone_say_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [json.loads(line) for line in (folder / "trials.jsonl").read_text().splitlines()]
    kept = [row for row in rows if row["kind"] != "search"]
    (folder / "trials.jsonl").write_text("".join(json.dumps(row) + "\n" for row in kept))
    assert ended("verify", folder, "--trust", "--rerun", len(rows)) == 1
    assert "trained again: it cannot be: KeyError" in capsys.readouterr().out


def rated(settings: dict[str, Any], epoch: int) -> dict[str, float]:
    return {"value": 1e7 * settings["recipe"]["lr"] + epoch}


RANGES = {"lr": {"low": 1e-7, "high": 1e-6}}
TUNING = [{"name": "t", "trials": 6, "pruner": "median", "startup_trials": 1, "ranges": RANGES}]


def test_the_command_that_a_report_gives_trains_pruned_rows_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran(tmp_path, study=as_toml({**tomllib.loads(STUDY), "tuning": TUNING, "task": f"{__name__}:rated"}),
        command=f"nas-harness run driven --results {tmp_path}")  # fmt: skip
    results = load(tmp_path / "driven")
    trials = results.trials[results.trials["kind"] == "tune"]
    assert {*trials["status"]} == {"done", "pruned"}
    program, *words = shlex.split(command(results, trials))
    assert program == "nas-harness"
    ended(*words, "--trust")  # without a report there are problems
    said = [line for line in capsys.readouterr().out.splitlines() if "trained again" in line]
    assert len(said) == len(trials)
    assert all(line.endswith(": identical") for line in said)
    change(tmp_path / "driven", "tune", status="pruned")
    first = next(row["key"] for row in read_rows(tmp_path / "driven") if row["kind"] == "tune")
    assert [said for _, said in verify_again.rerun(tmp_path / "driven", 0, [first], None)] == [["it ended as done"]]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--keys", ""), "it names no key"),
        (("--keys", ","), "it names no key"),
        (("--keys", "nope"), "has no finished row of this key"),
        (("--seed", 5), "--seed draws the rows of an earlier --rerun; give --rerun, too"),
    ],
    ids=str,
)
def test_what_would_train_nothing_again_is_refused_first(
    words: tuple[object, ...], says: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended("verify", folder, *words) == 2
    out, err = capsys.readouterr()
    assert says in err
    assert not out


@pytest.mark.parametrize("count", ["-1", "x", "1e3"])
def test_a_number_of_rows_that_is_none_is_refused(count: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("verify", folder, "--rerun", count) == 2
    assert f"'{count}' is no whole number from 0 on" in capsys.readouterr().err


@pytest.mark.long
def test_a_report_that_another_version_made_is_said_in_a_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("report", folder) == 0
    table, manifest = folder / "report" / "table.csv", folder / "report" / "report.json"
    table.write_text(table.read_text().replace("baseline", "plain"))
    assert ended("verify", folder) == 1
    assert "report/table.csv" in capsys.readouterr().out
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "version": "0.0.9"}))
    assert ended("verify", folder) == 1
    said = capsys.readouterr().out
    assert "1 problems" in said
    assert "report/ was made by version 0.0.9" in said
    assert f"build it again with nas-harness report {folder}" in said


def test_rows_trained_again_are_drawn_anew_and_by_the_same_seed_alike(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(verify.report_pages, "differences", lambda folder: [])

    def drawn(*more: object) -> tuple[str, str]:
        """(the rows, their seed)"""
        ended("verify", folder, "--trust", "--rerun", 3, *more)  # its formula
        lines = capsys.readouterr().out.splitlines()
        seeds = [line.rpartition(" ")[2] for line in lines if "rows drawn with --seed" in line]
        return "\n".join(line for line in lines if "trained again" in line), seeds[0]

    several = [drawn() for _ in range(4)]
    assert len({rows for rows, _ in several}) > 1, "four times the same three of six: one in 8,000"
    rows, seed = several[0]
    assert rows.count("identical") == 3
    assert drawn("--seed", seed) == (rows, seed)
