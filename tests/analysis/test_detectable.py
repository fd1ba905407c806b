"""What n pairs find and how many an effect needs, against R's power.t.test (tests/data/r/paired.R) and simulation."""

import re
from math import isnan, sqrt
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.statistics.power import detectable, needed, smallest_effect, std_interval


def test_five_pairs_agree_with_power_t_test() -> None:
    assert smallest_effect(2.0, 5) == pytest.approx(2 * 1.68199818582, rel=1e-6)
    assert std_interval(2.0, 4) == pytest.approx(
        (2 * sqrt(4 / stats.chi2.ppf(0.975, 4)), 2 * sqrt(4 / stats.chi2.ppf(0.025, 4)))
    )


def test_the_tutorials_table_of_seeds_holds() -> None:
    text = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text()
    rows = re.findall(r"^\| (\d+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", text, re.MULTILINE)
    assert [int(row[0]) for row in rows] == [3, 4, 5, 7, 10, 20]
    for n, *found in rows:
        assert found == [f"{detectable(int(n), 0.05 / size):.2f}" for size in (1, 10, 30)]
    alone, of_30 = (detectable(5, 0.05 / size) / 2 for size in (1, 30))
    assert f"0.5 points, five seeds find {alone:.2f} points as a primary comparison, and {of_30:.2f} as one" in text


def test_seeds_needed_with_the_interval_of_a_pooled_spread() -> None:
    """power.t.test gives 668.4 at 1.843 and 408.3 and 1291.8 at the ends of its interval on 24 degrees."""
    assert std_interval(1.843, 24) == pytest.approx((1.43906668632, 2.56389344472))
    found = needed(0.2, 1.843, 24)
    assert (found.value, found.low, found.high) == (669, 409, 1292)


@settings(deadline=None, max_examples=15)
@given(st.floats(0.1, 5), st.integers(3, 30), st.sampled_from([0.05, 0.05 / 6]))
def test_what_n_pairs_find_needs_n_pairs(std: float, n: int, alpha: float) -> None:
    effect = smallest_effect(std, n, alpha=alpha)
    assert needed(effect * 1.0001, std, n - 1, alpha).value == n
    assert smallest_effect(10 * std, n, alpha=alpha) == pytest.approx(10 * effect)


def test_more_degrees_of_freedom_narrow_the_interval() -> None:
    own, pooled = std_interval(1.0, 4), std_interval(1.0, 24)
    assert own[0] < pooled[0] < 1 < pooled[1] < own[1]


@pytest.mark.parametrize("std", [0.0, float("nan"), float("inf")])
def test_without_spread_nothing_is_known(std: float) -> None:
    assert isnan(smallest_effect(std, 5))
    found = needed(0.2, std, 4)
    assert (found.value, found.low, found.high) == (None, None, None)


def test_too_few_pairs_and_too_many_needed() -> None:
    assert isnan(smallest_effect(1.0, 1))
    assert needed(1e-4, 1.0, 4).value is None
    assert needed(0.2, 1.0, 0).low is None
    with pytest.raises(ValueError, match="effect of 0"):
        needed(0, 1.0, 4)


def test_the_power_promised_is_that_found() -> None:
    """20,000 studies of five pairs at the smallest detectable effect: simulation error .0028."""
    effect = smallest_effect(1.0, 5)
    x = np.random.default_rng(16).normal(effect, 1, size=(20_000, 5))
    assert np.mean(stats.ttest_1samp(x, 0, axis=1).pvalue <= 0.05) == pytest.approx(0.8, abs=3 * 0.0028)


def test_coverage_of_the_interval() -> None:
    """4,000 pilot studies of five pairs: simulation error .0034."""
    stds = np.random.default_rng(17).normal(size=(4000, 5)).std(axis=1, ddof=1)
    low, high = np.array([std_interval(s, 4) for s in stds]).T
    assert np.mean((low <= 1) & (high >= 1)) == pytest.approx(0.95, abs=3 * 0.0034)
