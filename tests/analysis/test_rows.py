"""What is read from results folders: torn lines, repeated keys, older rows, several folders."""

import gzip
import json
import lzma
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rows_factory as factory
from hypothesis import given
from hypothesis import strategies as st

from analysis.findings.caveats import caveats
from analysis.findings.comparisons import compared
from analysis.report.provenance import command
from analysis.report.tables.recipes import recipes
from analysis.results import searches
from analysis.results.protocol_view import Damaged
from analysis.results.rows import frame, load
from analysis.results.table import lines
from harness.errors import BadInput
from harness.storage.folder import claim, opened_study
from harness.storage.rows import latest_rows, read_rows
from harness.vocabulary.rows import Status


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


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: ["\ufeff" + lines[0], *lines[1:]],
        lambda lines: [lines[0].replace('"error": null', r'"error": "\ud800"'), *lines[1:]],
        lambda lines: [lines[0].replace('"error": null', f'"more": {"[" * 300 + "]" * 300}'), *lines[1:]],
    ],
    ids=["byte order mark", "half of a surrogate pair", "nested deeply"],
)
def test_a_report_reads_every_row_that_a_run_takes_for_done(change: Callable[[list[str]], list[str]], tmp_path: Path):
    study = factory.study(seeds=1)
    folder = factory.write(tmp_path / "s", study, factory.rows(study))
    path = folder / "trials.jsonl"
    path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")
    results = load(folder)
    assert (len(results.trials), results.torn) == (len(latest_rows(folder)), 0)


def test_a_row_nested_too_deeply_to_be_read_is_named(tmp_path: Path) -> None:
    study = factory.study(seeds=1)
    first, *rows = factory.rows(study)
    folder = factory.write(tmp_path / "s", study, rows)
    nested = json.dumps({**first, "recipe": "nested"}).replace('"nested"', '{"a":' * 600 + "1" + "}" * 600)
    (folder / "trials.jsonl").write_text(f"{nested}\n")
    with pytest.raises(Damaged, match="row 1 was not written by a run"):
        load(folder)


def test_compressed_rows_come_before_the_others(tmp_path: Path) -> None:
    study = factory.study(seeds=1)
    first, *rest = factory.rows(study)
    folder = factory.write(tmp_path / "s", study, [{**first, "test_accuracy": 99.0}, *rest[5:]])
    kept = "".join(f"{json.dumps(row)}\n" for row in [first, *rest[:5]])
    (folder / "trials.jsonl.gz").write_bytes(gzip.compress(kept.encode()))
    trials = load(folder).trials.set_index("key")
    assert set(trials.index) == {job["key"] for job in study["plan"]}
    assert trials["test_accuracy"][first["key"]] == 99.0
    (folder / "trials.jsonl").unlink()
    assert len(load(folder).trials) == 6
    (folder / "trials.jsonl.xz").write_bytes(lzma.compress(f"{json.dumps(rest[5])}\n".encode()))
    assert len(load(folder).trials) == len(read_rows(folder)) == 7
    (folder / "trials.jsonl.xz").write_bytes(b"no xz")
    for read in (load, read_rows):
        with pytest.raises((ValueError, BadInput), match=r"trials\.jsonl\.xz is damaged"):
            read(folder)
    (folder / "trials.jsonl.gz").write_bytes(b"no gzip")
    with pytest.raises(ValueError, match=r"trials\.jsonl\.gz is damaged"):
        load(folder)


def test_a_compressed_study_is_read_where_there_is_no_plain_one(tmp_path: Path) -> None:
    study = factory.study()
    folder = factory.write(tmp_path / "s", study, factory.rows(study))
    plain, kept = folder / "study.json", folder / "study.json.xz"
    before = load(folder)
    kept.write_bytes(lzma.compress(plain.read_bytes()))
    plain.unlink()
    assert load(folder).study == before.study
    assert opened_study(folder) == claim(folder, study["name"])
    with pytest.raises(BadInput, match="belongs to the study"):
        claim(folder, "another")
    kept.write_bytes(b"no xz")
    for read in (load, opened_study):
        with pytest.raises((ValueError, BadInput), match=r"study\.json\.xz is damaged"):
            read(folder)
    plain.write_text(json.dumps(study))  # of a run that went on here
    assert load(folder).study == before.study
    kept.unlink()
    plain.unlink()
    kept.symlink_to(tmp_path)
    with pytest.raises(BadInput, match="symbolic link"):
        opened_study(folder)


def test_no_rows_yet_is_an_empty_frame(tmp_path: Path) -> None:
    folder = factory.write(tmp_path / "s", factory.study(), [])
    (folder / "trials.jsonl").unlink()
    assert load(folder).trials.empty


def test_the_last_final_row_of_a_key_counts() -> None:
    """As docs/rows.md says: a failed trial is tried again, whatever else came of it stands."""
    study = factory.study(seeds=1)
    good = factory.rows(study)[1]
    bad, better = factory.failed(good), {**good, "test_accuracy": 99.0}
    assert frame([good, bad])["status"].tolist() == ["done"]
    assert frame([bad, good])["status"].tolist() == ["done"]
    assert frame([good, better, bad])["test_accuracy"].tolist() == [99.0]
    assert frame([bad, {**bad, "error": "later"}])["error"].tolist() == ["later"]
    diverged = {**good, "status": "diverged", "test_accuracy": None}
    assert frame([good, diverged])["status"].tolist() == ["diverged"]
    assert frame([diverged, bad])["status"].tolist() == ["diverged"]


@given(st.lists(st.sampled_from(list(Status)), min_size=1, max_size=6))
def test_report_status_and_driver_take_the_same_row(statuses: list[Status]) -> None:
    row = factory.rows(factory.study(seeds=1))[1]
    rows = [{**row, "status": str(status), "error": str(number)} for number, status in enumerate(statuses)]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "trials.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
        kept = latest_rows(Path(folder))[row["key"]]
    assert frame(rows)["error"].tolist() == [kept["error"]]


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


def test_labels_of_alpha_are_those_that_all_studies_share(tmp_path: Path) -> None:
    """Cells with one and with two inputs have arrays of the same name, and other edges."""
    few, many = ({"rows": rows, "columns": ["conv"]} for rows in (["0→1"], ["0→2", "1→2"]))
    one = {**factory.study("one"), "alpha_labels": {"normal": few}}
    two = {**factory.study("two"), "alpha_labels": {"normal": many, "reduction": many}}
    folders = [factory.write(tmp_path / s["name"], s, factory.rows(s)) for s in (one, two)]
    assert load(folders).study["alpha_labels"] == {"reduction": many}
    assert load(folders[1]).study["alpha_labels"] == two["alpha_labels"]


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


def test_a_row_that_two_studies_share_stands_in_both(tmp_path: Path) -> None:
    """The same training has the same key; whichever folder has its row."""
    one, two = factory.study("one", rules=["A"]), factory.study("two", rules=["B"])
    first, second = factory.rows(one), factory.rows(two)
    ours, theirs = ([job for job in s["plan"] if job["method"] == "baseline"] for s in (one, two))
    shared = {job["key"]: mine["key"] for job, mine in zip(theirs, ours, strict=True)}
    for job in two["plan"]:
        job["key"] = shared.get(job["key"], job["key"])
    alone = [row for row in second if row["method"] != "baseline"]
    folders = [factory.write(tmp_path / s["name"], s, r) for s, r in ((one, first), (two, alone))]
    cells = {line.method: line.cells["accuracy"] for line in lines(load(folders))}
    assert cells["one/baseline"] == cells["two/baseline"]
    assert cells["one/baseline"].n == 3


def test_rows_of_no_planned_job_are_left_out_and_counted(tmp_path: Path) -> None:
    study = factory.study()
    rows = factory.rows(study)
    older = [{**row, "key": f"{row['key'][:-1]}-", "test_accuracy": 1.0} for row in rows if row["method"] == "baseline"]
    results = load(factory.write(tmp_path / "s", study, [*rows, *older]))
    assert (len(results.trials), results.unplanned) == (len(rows), len(older))
    assert "3 rows are of no job of the study" in "".join(
        caveats(results, lines(results), compared(results, lines(results)))
    )


def test_a_searchs_warm_up_is_part_of_its_cost(tmp_path: Path) -> None:
    study = factory.study(seeds=1, rules=["A"], snapshots=[10, 20], twins=0)
    rows = factory.rows(study)
    for row in rows:
        if row["kind"] == "search":
            row |= {"epochs": 25, "device_seconds": 250.0, "settings": {"search": {"warmup_epochs": 5}}}
    first, second, _ = lines(load(factory.write(tmp_path / "s", study, rows)))
    assert (first.spent["search"].mean, second.spent["search"].mean) == (150.0, 250.0)


def test_a_search_without_epochs_counts_whole(tmp_path: Path) -> None:
    study = factory.study(seeds=1, rules=["A"], snapshots=[10, 20], twins=0)
    rows = [{**row, "epochs": 0} if row["kind"] == "search" else row for row in factory.rows(study)]
    first, *_ = lines(load(factory.write(tmp_path / "s", study, rows)))
    assert first.spent["search"].mean == 100.0


def test_the_recipes_that_rows_followed_are_told_with_their_tunings_cost(tmp_path: Path) -> None:
    study = factory.study(seeds=1, rules=["A"], snapshots=[5], twins=0)
    rows = factory.rows(study)
    job = {"key": "tuning0", "kind": "tune", "method": "tpe", "role": "tune", "seed": 0, "needs": []}
    study["plan"].append(job)
    tuned = {**factory.RECIPE, "lr": 0.03}
    for row in rows:
        if row["method"] == "darts-A@5":
            row |= {"recipe": tuned, "settings": {"recipe_from": ["tuning0"]}, "needs": [*row["needs"], "tuning0"]}
    rows.append(factory.row(job, study, device_seconds=3600.0))
    results = load(factory.write(tmp_path / "s", study, rows))
    found, fixed = ([cell.text for cell in row] for row in recipes(results, lines(results)).rows)
    assert (found[0], found[1], found[-3:]) == ("darts-A@5", "0.03", ["tpe", "1", "1.00"])
    assert fixed[-3:] == ["the study", "–", "–"]


def test_only_rows_that_can_run_again_are_offered_for_it(tmp_path: Path) -> None:
    study = factory.study(seeds=3, rules=["A"], snapshots=[5])
    rows = factory.rows(study)
    broken, started, good = (row for row in rows if row["method"] == "darts-A@5")
    broken |= factory.failed(broken, "diverged")
    started["settings"] = {"start": "0" * 16}
    results = load(factory.write(tmp_path / "made-up", study, rows))
    shown = command(results, results.trainings("darts-A@5"))
    assert shown == f"nas-harness verify results/made-up --keys {good['key']} --data-root DATA"
    assert command(results, results.trainings("darts-A@5").iloc[:0]) == ""


def test_searches_with_other_settings_are_no_repetitions(tmp_path: Path) -> None:
    """Some start from trained weights, say: their α and curves are shown apart, by the methods that read them."""
    study = factory.study(seeds=2)
    results = load(factory.write(tmp_path / "one", study, factory.rows(study)))
    assert set(searches.named(results)["method"]) == {"darts"}
    apart = factory.rows(study)
    other = {row["key"]: f"{row['key'][:-2]}zz" for row in apart if row["kind"] == "search"}
    study["plan"] += [{**job, "key": other[job["key"]]} for job in study["plan"] if job["key"] in other]
    rows = [row | {"needs": [other[key] for key in row["needs"]]} if "-B@" in row["method"] else row for row in apart]
    rows += [{**row, "key": other[row["key"]]} for row in apart if row["key"] in other]
    results = load(factory.write(tmp_path / "two", study, rows))
    assert searches.named(results)["method"].value_counts().to_dict() == {"darts-A": 2, "darts-B": 2}


def test_an_accuracy_that_is_none_is_no_result(tmp_path: Path) -> None:
    study = factory.study(seeds=1)
    rows = [{**row, "test_accuracy": []} if row["kind"] == "search" else row for row in factory.rows(study)]
    assert load(factory.write(tmp_path / "made-up", study, rows)).conflicts == ()


@pytest.mark.parametrize(
    "change",
    [{"curve": [5]}, {"curve": [{"train_loss": "x"}]}, {"settings": [1]}, {"needs": 5}, {"methods": 5}],
    ids=str,
)
def test_a_row_of_another_shape_is_named(change: dict[str, Any], tmp_path: Path) -> None:
    study = factory.study(seeds=1)
    first, *rows = factory.rows(study)
    with pytest.raises(Damaged, match="row 2 was not written by a run"):
        load(factory.write(tmp_path / "made-up", study, [rows[0], {**first, **change}]))
