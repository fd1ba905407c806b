"""Many-to-one tests on differences within seeds, against mvtnorm (tests/data/r/many_to_one.R) and known limits."""

from math import isnan, nan

import numpy as np
import pytest
from scipy import stats

from analysis.statistics.many_to_one import many_to_one
from analysis.statistics.paired import mean_interval

A, B, C = (np.array(x) for x in ([1.1, 0.4, 1.9, 0.8, 1.3], [0.9, 0.6, 1.2, -0.3, 1.0], [0.2, -0.8, 0.9, 0.1, -0.2]))
SIX = [A[:4], B[:4], C[:4], (A - B + [0.3, 0.1, -0.4, 0.2, 0.0])[:4]]


@pytest.mark.parametrize(
    ("differences", "expected"),
    [
        ([A, B], (0.0193415, 0.0973819)),
        ([A, B, C], (0.0236127, 0.116973, 0.994279)),
        (SIX, (0.0929507, 0.304864, 0.968482, 0.349798)),  # four methods, three dimensions
    ],
)
def test_agrees_with_mvtnorm(differences: list[np.ndarray], expected: tuple[float, ...]) -> None:
    assert [one.p for one in many_to_one(differences)] == pytest.approx(expected, abs=5e-5)


def test_a_method_that_stands_twice_counts_once() -> None:
    once = mean_interval(A)
    assert [one.p for one in many_to_one([A, A])] == pytest.approx([once.p, once.p], abs=1e-6)
    assert many_to_one([A]) == [once]


def test_independent_differences_are_adjusted_as_dunnett_would_not() -> None:
    """Uncorrelated differences: between the plain p and Šidák's, which holds for any multivariate t."""
    rows = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]], float)
    found = many_to_one([rows[1] + 2, rows[2] + 1, rows[3]])
    for one in found:
        plain = 2 * stats.t.sf(abs(one.value) / (one.std / 2), 3)
        assert plain - 1e-9 <= one.p <= 1 - (1 - plain) ** 3 + 1e-4


def test_seeds_without_a_method_are_left_out_of_all_and_equal_differences_are_not_tested() -> None:
    gap = A.copy()
    gap[2] = nan
    found = many_to_one([gap, B])
    kept = [True, True, False, True, True]
    assert [one.n for one in found] == [4, 4]
    assert [one.p for one in found] == [one.p for one in many_to_one([A[kept], B[kept]])]
    flat, other = many_to_one([np.ones(5), A])
    assert isnan(flat.p)
    assert other == mean_interval(A)


def test_the_same_every_time_in_any_order_and_unit() -> None:
    one, other = many_to_one([A, B, C]), many_to_one([100 * C, 100 * A, 100 * B])
    assert [e.p for e in one] == pytest.approx([other[n].p for n in (1, 2, 0)], abs=5e-5)
    assert many_to_one([A, B, C]) == one
