"""The mixed model against lmerTest (tests/data/r/mixed.R), against the paired t test, and on nasty data."""

from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.statistics.mixed import contrast
from analysis.statistics.paired import mean_interval

WHOLE = np.array([[3.1, 2.4, 4.0], [1.2, 0.3, 1.9], [2.2, 2.9, 3.3], [4.4, 3.1, 5.2], [2.0, 1.1, 0.8]])
PART = WHOLE.copy()
PART[[0, 3, 4, 4], [1, 2, 0, 1]] = nan
ALONE = np.array([[1.0, 3.0], [2.9, 1.2], [2.2, 1.9], [1.4, 2.8]])
MEAN = [1 / 3, 1 / 3, 1 / 3]


@pytest.mark.parametrize(
    ("differences", "weights", "expected"),
    [
        (WHOLE, MEAN, (2.526666667, 0.5849406435, 4.0, 0.01245205668, 0.902611078, 4.150722255)),
        (WHOLE, [0, 0, 1], (3.04, 0.629973545, 5.313554298, 0.004061421906, 1.448926292, 4.631073708)),
        (PART, MEAN, (2.31666453, 0.6978828015, 3.705167293, 0.03296261879, 0.3166827649, 4.316646295)),
        (PART, [1, 0, 0], (2.261546115, 0.7374942786, 4.606274853, 0.03105998678, 0.315965026, 4.207127203)),
        (ALONE, [0.5, 0.5], (2.05, 0.2970339487, 6.0, 0.0004572566803, 1.323184111, 2.776815889)),
    ],
)
def test_agrees_with_lmer_test(differences: np.ndarray, weights: list[float], expected: tuple[float, ...]) -> None:
    found = contrast(differences, weights)
    assert (found.value, found.error, found.freedom, found.p, found.low, found.high) == pytest.approx(
        expected, rel=2e-6
    )


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(3, 10), st.integers(2, 4))
def test_a_balanced_mean_is_the_paired_t_test_where_searches_differ(seed: int, searches: int, snapshots: int) -> None:
    """Else, with no variance between searches, it has the same mean and more degrees of freedom."""
    rng = np.random.default_rng(seed)
    d = rng.normal(1, 1, (searches, 1)) + rng.normal(0, rng.choice([0.1, 1.0]), (searches, snapshots))
    found, plain = contrast(d, np.full(snapshots, 1 / snapshots)), mean_interval(d.mean(axis=1))
    assert found.value == pytest.approx(plain.value)
    if found.freedom < searches - 0.999:
        assert found.freedom == pytest.approx(searches - 1, rel=1e-4)
        assert (found.p, found.low) == pytest.approx((plain.p, plain.low), rel=1e-3, abs=1e-6)
    else:
        assert found.freedom == (searches - 1) * snapshots


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.floats(0.001, 1000))
def test_order_and_units_do_not_matter(seed: int, scale: float) -> None:
    d = np.random.default_rng(seed).normal(1, 1, (5, 3))
    d[1, 2] = nan
    one, other = contrast(d, MEAN), contrast(scale * d[::-1, ::-1], MEAN)
    assert other.value == pytest.approx(scale * one.value)
    assert other.error == pytest.approx(scale * one.error, rel=1e-4)
    assert other.p == pytest.approx(one.p, rel=1e-3, abs=1e-9)


@pytest.mark.parametrize(
    "differences",
    [np.full((5, 3), 1.5), np.full((5, 3), nan), [[1.0, 2.0]], [[1.0, 2.0], [nan, nan]], [[1.0, nan], [2.0, nan]],
     [[1.0, nan], [nan, 2.0]]],
)  # fmt: skip
def test_nothing_to_test(differences: list[list[float]]) -> None:
    assert isnan(contrast(differences, np.full(np.shape(differences)[1], 0.5)).p)


def test_a_constant_that_rounds_is_no_spread() -> None:
    assert isnan(contrast(np.full((4, 2), 0.1) + 1e-17, [0.5, 0.5]).p)


def test_equal_snapshots_of_one_search_are_one_value() -> None:
    """All variance lies between searches: the limit is the t test of the searches."""
    column = np.array([1.2, 0.4, 2.2, 1.9])
    found, plain = contrast(np.column_stack([column, column + 1e-6 * column[::-1]]), [0.5, 0.5]), mean_interval(column)
    assert (found.freedom, found.p) == pytest.approx((3, plain.p), rel=1e-3)
