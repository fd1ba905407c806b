"""What is read from results folders: torn lines, repeated keys, older rows, several folders."""

import json
from pathlib import Path

import pytest
import rows_factory as factory

from analysis.rows import frame, load


def test_every_planned_row_is_read_once(tmp_path: Path) -> None:
    study = factory.study()
    results = load(factory.write(tmp_path / "made-up", study, factory.rows(study)))
    assert results.name == "made-up"
    assert set(results.trials["key"]) == {job["key"] for job in study["plan"]}
    assert results.torn == 0


def test_torn_last_line_is_counted_and_left_out(tmp_path: Path) -> None:
    study = factory.study(seeds=1, rules=["A"], snapshots=[5])
    folder = factory.write(tmp_path / "s", study, factory.rows(study))
    text = (folder / "trials.jsonl").read_text()
    (folder / "trials.jsonl").write_text(text[:-40])
    results = load(folder)
    assert (len(results.trials), results.torn) == (len(study["plan"]) - 1, 1)


def test_no_rows_yet_is_an_empty_frame(tmp_path: Path) -> None:
    folder = factory.write(tmp_path / "s", factory.study(), [])
    (folder / "trials.jsonl").unlink()
    assert load(folder).trials.empty


def test_last_done_row_of_a_key_counts_in_any_order() -> None:
    study = factory.study(seeds=1)
    good = factory.rows(study)[1]
    bad, better = factory.failed(good), {**good, "test_accuracy": 99.0}
    assert frame([good, bad])["status"].tolist() == ["done"]
    assert frame([bad, good])["status"].tolist() == ["done"]
    assert frame([good, better, bad])["test_accuracy"].tolist() == [99.0]
    assert frame([bad, {**bad, "error": "later"}])["error"].tolist() == ["later"]


def test_rows_of_an_older_version_are_read(tmp_path: Path) -> None:
    old = {"key": "k1", "kind": "train", "method": "baseline", "seed": 0, "test_accuracy": 70.5}
    twin = {**old, "key": "k2", "method": "random-A@5", "twin_of": "darts-A@5", "status": "failed"}
    folder = tmp_path / "old"
    folder.mkdir()
    (folder / "study.json").write_text("{}")
    (folder / "trials.jsonl").write_text(f"{json.dumps(old)}\n{json.dumps(twin)}\n")
    trials = load(folder).trials
    assert trials["role"].tolist() == ["baseline", "twin"]
    assert trials["status"].tolist() == ["done", "failed"]
    assert trials["methods"].tolist() == [("baseline",), ("random-A@5",)]


def test_folders_of_one_study_are_put_together(tmp_path: Path) -> None:
    study = factory.study()
    rows = factory.rows(study)
    parts = factory.write(tmp_path / "a", study, rows[:20]), factory.write(tmp_path / "b", study, rows[15:])
    results = load(parts)
    assert (results.name, len(results.trials)) == ("made-up", len(rows))


def test_methods_of_different_studies_keep_apart(tmp_path: Path) -> None:
    one, two = factory.study("one", rules=["A"]), factory.study("two", rules=["A"], data={"name": "digits"})
    results = load([factory.write(tmp_path / s["name"], s, factory.rows(s)) for s in (one, two)])
    assert results.name == "one + two"
    assert (results.study["names"], results.study["differ"]) == (["one", "two"], ["data"])
    assert {"one/baseline", "two/baseline"} <= set(results.trials["method"])
    assert {row["twin"] for row in results.study["rows"] if row["twin"]} >= {"one/random-A@5", "two/random-A@5"}


def test_curves_become_arrays_with_nested_parts(tmp_path: Path) -> None:
    study = factory.study(seeds=1)
    trials = load(factory.write(tmp_path / "s", study, factory.rows(study))).trials
    curve = trials[trials["kind"] == "search"]["curve"].iloc[0]
    assert curve["counts.A"].tolist() == [10.0 + n for n in range(20)]
    assert len(curve["val_accuracy"]) == 20


def test_a_folder_without_a_study_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load(tmp_path)
    (tmp_path / "study.json").write_text("{")
    with pytest.raises(ValueError, match=r"study\.json is no study"):
        load(tmp_path)
