"""Equivalence tests and posterior probabilities against R (tests/data/r/paired.R), statsmodels and pingouin."""

from math import isnan, nan

import numpy as np
import pingouin
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.weightstats import ttost_paired

from analysis.statistics.equivalence import rope, tost
from analysis.statistics.paired import paired

OWN, TWIN = [72.4, 70.9, 73.8, 71.2, 74.0], [70.1, 70.3, 71.0, 70.8, 71.9]
SIDE = st.lists(st.floats(60, 80).map(lambda x: round(x, 2)), min_size=5, max_size=5)


def test_two_one_sided_tests_agree_with_r() -> None:
    at_three, at_four = (tost([*OWN, nan], [*TWIN, 1.0], margin) for margin in (3, 4))
    assert (at_three.p_below, at_three.p_above) == pytest.approx((0.000320904812688, 0.023622057964562))
    assert (at_four.p_below, at_four.p_above) == pytest.approx((0.000150321309341, 0.003980258052452))
    assert (at_four.low, at_four.high) == pytest.approx((0.616269504158, 2.663730495842))
    assert (at_three.p, at_three.n) == (at_three.p_above, 5)


def test_posterior_agrees_with_r() -> None:
    found, dependent = rope(OWN, TWIN, 1), rope(OWN, TWIN, 1, correlation=0.2)
    assert (found.worse, found.equal, found.better) == pytest.approx(
        (0.00266823812574, 0.12406237682013, 0.87326938505413)
    )
    assert (dependent.worse, dependent.equal, dependent.better) == pytest.approx(
        (0.0107420178446, 0.2014942561806, 0.7877637259749)
    )
    expected = paired(OWN, TWIN)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_posterior_agrees_with_draws_from_it() -> None:
    """400,000 draws of variance, then mean: simulation error below .0008."""
    rng = np.random.default_rng(14)
    x = np.subtract(OWN, TWIN)
    variance = 4 * x.var(ddof=1) / rng.chisquare(4, size=400_000)
    mean = x.mean() + np.sqrt(variance / 5) * rng.normal(size=400_000)
    found = rope(OWN, TWIN, 1)
    shares = (mean < -1).mean(), (np.abs(mean) <= 1).mean(), (mean > 1).mean()
    assert (found.worse, found.equal, found.better) == pytest.approx(shares, abs=3 * 0.0008)


@settings(deadline=None, max_examples=50)
@given(SIDE, SIDE, st.floats(0.1, 5))
def test_two_one_sided_tests_agree_with_statsmodels_and_pingouin(x: list[float], y: list[float], margin: float) -> None:
    assume(np.ptp(np.subtract(x, y)) > 0.1)
    found = tost(x, y, margin)
    expected = ttost_paired(np.array(x), np.array(y), -margin, margin)
    assert found.p == pytest.approx(expected[0], rel=1e-6, abs=1e-12)
    assert found.p == pytest.approx(pingouin.tost(x, y, bound=margin, paired=True)["pval"].iloc[0], abs=1e-4)
    within = -margin < found.low and found.high < margin
    assume(abs(found.p - 0.05) > 1e-6)
    assert within == (found.p < 0.05)


@settings(deadline=None, max_examples=50)
@given(SIDE, SIDE, st.floats(0.1, 5), st.floats(0.01, 100))
def test_sides_and_units_do_not_matter(x: list[float], y: list[float], margin: float, scale: float) -> None:
    assume(np.ptp(np.subtract(x, y)) > 0.1)
    swapped = scale * np.array(y), scale * np.array(x), scale * margin
    one, other = tost(x, y, margin), tost(*swapped)
    assert (other.p_below, other.p_above) == pytest.approx((one.p_above, one.p_below), rel=1e-6, abs=1e-12)
    mine, mirrored = rope(x, y, margin), rope(*swapped)
    assert (mirrored.better, mirrored.equal) == pytest.approx((mine.worse, mine.equal), rel=1e-6, abs=1e-12)
    assert mine.worse + mine.equal + mine.better == pytest.approx(1)


@pytest.mark.parametrize("pairs", [([], []), ([1.0], [2.0]), ([1.0, 2.0], [0.0, 1.0]), ([nan, 1.0], [1.0, 2.0])])
def test_nothing_is_said_without_spread(pairs: tuple[list[float], list[float]]) -> None:
    assert isnan(tost(*pairs, 1).p)
    assert isnan(rope(*pairs, 1).equal)


def test_impossible_margins_and_correlations() -> None:
    for margin in (0.0, -1.0, nan):
        with pytest.raises(ValueError, match="margin"):
            tost(OWN, TWIN, margin)
        with pytest.raises(ValueError, match="margin"):
            rope(OWN, TWIN, margin)
    with pytest.raises(ValueError, match="correlation"):
        rope(OWN, TWIN, 1, correlation=1)


def test_error_rate_at_the_margin() -> None:
    """A true difference of exactly the margin is called equivalent in at most 5 %; 20,000 studies of 5: error .0015."""
    x = np.random.default_rng(15).normal(1, 0.4, size=(20_000, 5))
    for row in x[:50]:
        assert tost(row, np.zeros(5), 1).p_above == pytest.approx(stats.ttest_1samp(row, 1, alternative="less").pvalue)
    wrong = np.mean([tost(row, np.zeros(5), 1).p <= 0.05 for row in x[:8000]])
    assert wrong <= 0.05 + 3 * 0.0025
