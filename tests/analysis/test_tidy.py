"""Tidy tables: one line a trial, one a trial and epoch, each column explained, the same in every format."""

import io
import subprocess
from pathlib import Path

import pandas as pd
import pytest
import rows_factory as factory

from analysis.report import compare, data_files
from analysis.results import tidy
from analysis.results.rows import load


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    study = factory.study(seeds=2, snapshots=(5, 10))
    rows = factory.rows(study)
    rows[-1] = factory.failed(rows[-1], error="=cmd()")
    return factory.write(tmp_path / "made-up", study, rows)


def test_a_line_is_a_trial_with_what_the_study_says_of_its_row(folder: Path) -> None:
    study = factory.study(seeds=2, snapshots=(5, 10))
    rows = {row["key"]: row for row in factory.rows(study)}
    found = tidy.runs(load(folder)).set_index("key")
    assert list(found.index) == sorted(rows)
    assert found["status"].value_counts().to_dict() == {"done": len(rows) - 1, "failed": 1}
    for key, row in rows.items():
        if found.loc[key, "status"] == "done" and row["kind"] == "train":
            assert found.loc[key, "test_accuracy"] == row["test_accuracy"]
            assert found.loc[key, "parameters"] == row["parameters"]
    twins = found[found["role"] == "twin"]
    assert set(zip(twins["method"], twins["rule"], twins["search_epochs"], strict=True)) == {
        (f"random-{rule}@{epochs}", rule, epochs) for rule in "AB" for epochs in (5, 10)}  # fmt: skip
    assert set(found["recipe.scheduler.kind"].dropna()) == {"step"}
    assert set(found["version.torch"]) == {factory.VERSIONS["torch"]}
    assert str(found["started"].dtype).endswith("UTC]")


def test_a_line_is_an_epoch_of_a_trial(folder: Path) -> None:
    rows = {row["key"]: row for row in factory.rows(factory.study(seeds=2, snapshots=(5, 10)))}
    found = tidy.curves(load(folder))
    for key, lines in found.groupby("key"):
        curve = rows[str(key)]["curve"]
        assert lines["epoch"].tolist() == [point["epoch"] for point in curve]
        assert lines["train_loss"].tolist() == pytest.approx([point["train_loss"] for point in curve])
        if rows[str(key)]["kind"] == "search":
            assert lines["counts.A"].tolist() == [point["counts"]["A"] for point in curve]
        else:
            assert lines["counts.A"].isna().all()


def test_epochs_of_a_training_that_went_on_are_counted_on(tmp_path: Path) -> None:
    study = factory.study(seeds=1, snapshots=(5,))
    rows = factory.rows(study)
    went_on = next(row for row in rows if row["kind"] == "train")
    went_on["settings"]["source"] = {"rank": 0, "among": [rows[0]["key"]], "trained": 4}
    results = load(factory.write(tmp_path / "continued", study, rows))
    curves, runs = tidy.curves(results), tidy.runs(results).set_index("key")
    own = curves.loc[curves["key"] == went_on["key"], "epoch"].tolist()
    assert own == [4 + point["epoch"] for point in went_on["curve"]]
    assert runs["epochs_before"].to_dict() == {row["key"]: 4 * (row is went_on) for row in rows}


def test_each_column_is_explained_and_has_the_type_that_is_said(folder: Path) -> None:
    runs, curves = tidy.runs(load(folder)), tidy.curves(load(folder))
    said = tidy.dictionary(runs, curves)
    for name, frame in (("runs", runs), ("curves", curves)):
        own = said[said["table"] == name].set_index("column")
        assert list(own.index) == list(frame)
        assert own["meaning"].str.len().min() > 2
        for column, kind in own["type"].items():
            expected = {"value": "", "time": "datetime64", **tidy.TYPES}[kind]
            assert str(frame[column].dtype).startswith(expected), column


def test_files_hold_the_same_in_every_format(folder: Path) -> None:
    files, runs = data_files.files(load(folder)), tidy.runs(load(folder))
    assert set(files) == set(data_files.NAMES)
    pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(files["data/runs.parquet"])), runs)
    curves = pd.read_parquet(io.BytesIO(files["data/curves.parquet"]))
    pd.testing.assert_frame_equal(curves, tidy.curves(load(folder)))
    csv = pd.read_csv(io.BytesIO(files["data/runs.csv"]))
    assert list(csv) == list(runs)
    assert csv["test_accuracy"].tolist() == pytest.approx(runs["test_accuracy"].tolist(), nan_ok=True)
    assert csv["error"].dropna().tolist() == ["'=cmd()"], "no spreadsheet takes it for a formula"
    assert files == data_files.files(load(folder))


def test_studies_together_and_a_study_without_rows(folder: Path, tmp_path: Path) -> None:
    other = factory.study("other", seeds=1)
    second = factory.write(tmp_path / "other", other, factory.rows(other))
    both = tidy.runs(load([folder, second]))
    assert set(both["study"]) == {"made-up", "other"}
    assert set(both.loc[both["study"] == "other", "rule"].dropna()) == {"A", "B"}
    empty = load(factory.write(tmp_path / "empty", other, []))
    assert (len(tidy.runs(empty)), len(tidy.curves(empty))) == (0, 0)
    assert list(tidy.runs(empty))[: len(tidy.RUNS)] == list(tidy.RUNS)
    assert data_files.files(empty)["data/runs.csv"].startswith(b"key,study,data,")


def test_data_files_are_compared_where_they_are_there(folder: Path) -> None:
    report, results = folder / "report", load(folder)
    assert data_files.kept(results, report) == {}, "left out, as where a report is kept in git"
    (report / "data").mkdir(parents=True)
    (report / "data" / "runs.csv").write_text("key\nother\n")
    found = data_files.kept(results, report)
    assert list(found) == ["data/runs.csv"]
    assert compare.differences(report, found)
    (report / "data" / "runs.csv").write_text(found["data/runs.csv"])
    assert not compare.differences(report, found)


def test_git_keeps_out_what_every_report_has() -> None:
    root = Path(__file__).parents[2]
    line = ["git", "check-ignore", *(f"results/any/report/{name}" for name in data_files.NAMES)]
    done = subprocess.run(line, cwd=root, capture_output=True, text=True)
    assert len(done.stdout.splitlines()) == len(data_files.NAMES)
