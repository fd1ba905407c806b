"""The moderated t test against limma (tests/data/r/moderated.R) and its error rate."""

from math import inf, isnan, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import polygamma

from analysis.statistics.moderated import moderated, prior, trigamma_inverse
from analysis.statistics.multiple_testing import holm
from analysis.statistics.paired import mean_interval

UNEQUAL = [[0.91, 1.32, 0.80], [4.1, -3.9, 2.2], [-1.0, 5.2, 3.3, -2.8, 0.4], [3.9, 8.1, -1.7], [0.3, -6.0, 2.9],
           [7.7, 2.0, 0.6, 3.1]]  # fmt: skip
ALIKE = [[1.0, 2.1, 3.3, 2.2], [0.9, 2.0, 3.5, 2.4], [-1.2, 0.1, 0.8, 1.1]]


def of(samples: list[list[float]]) -> tuple[list[float], list[int]]:
    return [float(np.var(x, ddof=1)) for x in samples], [len(x) - 1 for x in samples]


def test_unequal_numbers_agree_with_limma() -> None:
    found = prior(*of(UNEQUAL))
    assert (found.variance, found.freedom) == pytest.approx((3.86139605084, 1.24337343082))
    tests = moderated(UNEQUAL)
    assert [t.variance for t in tests] == pytest.approx(
        [1.52660720731, 12.25303163608, 8.87389728566, 16.38658793251, 14.39483455049, 7.81716664731]
    )
    assert [t.t for t in tests] == pytest.approx(
        [1.415853591970, 0.395848348102, 0.765645924582, 1.469035635560, -0.426082860938, 2.396349272046]
    )
    assert [t.p for t in tests] == pytest.approx(
        [0.2452903952613, 0.7168347271369, 0.4769209821128, 0.2315470469482, 0.6967594944853, 0.0709726299191]
    )


def test_equal_numbers_agree_with_limma_and_its_intervals() -> None:
    samples = [UNEQUAL[i] for i in (0, 1, 3, 4)]
    tests = moderated(samples)
    assert [t.freedom for t in tests] == pytest.approx([2.871031683965] * 4)
    assert [t.p for t in tests] == pytest.approx([0.126270423398, 0.725327633011, 0.253678685338, 0.707490800521])
    assert [t.low for t in tests] == pytest.approx([-0.533214136229, -5.940665206696, -4.442474575793, -8.284088571435])
    assert [t.high for t in tests] == pytest.approx([2.55321413623, 7.54066520670, 11.30914124246, 6.41742190477])


def test_variances_more_alike_than_chance_share_one() -> None:
    found = prior(*of(ALIKE))
    assert (found.variance, found.freedom) == (pytest.approx(1.02777777778), inf)
    tests = moderated(ALIKE)
    assert [t.freedom for t in tests] == [9, 9, 9]
    assert [t.p for t in tests] == pytest.approx([0.00216950542256, 0.00187709940417, 0.70235615789602])


def test_three_differences_that_happen_to_agree_are_no_proof() -> None:
    """A kept study of three seeds: differences that spread by .24 where others do by 4 gave p = .038 after Holm."""
    table = {
        "evolution": [60.24, 59.25, 57.0],
        "evolution-supernet": [49.07, 50.78, 56.88],
        "random-search": [52.28, 57.43, 49.94],
        "random-draw": [52.85, 58.08, 51.8],
        "darts": [62.89, 62.32, 59.65],
        "baseline": [58.95, 60.15, 59.51],
    }
    names = [(a, b) for i, a in enumerate(table) for b in [*table][i + 1 :]]
    differences = [np.subtract(table[a], table[b]) for a, b in names]
    at = names.index(("evolution", "darts"))
    plain, tests = [mean_interval(d) for d in differences], moderated(differences)
    assert plain[at].std == pytest.approx(0.2425, abs=1e-4)
    assert holm([e.p for e in plain])[at] == pytest.approx(0.0376, abs=1e-4)
    assert tests[at].p == pytest.approx(0.0730, abs=1e-4)
    assert holm([t.p for t in tests])[at] == pytest.approx(0.4381, abs=1e-4)


def test_trigamma_inverse_agrees_with_limma() -> None:
    expected = [1e8, 100.499166682, 2.45995294835, 0.675478105281, 0.100723758800, 1e-4]
    assert [trigamma_inverse(v) for v in (1e-8, 0.01, 0.5, 3, 100, 1e8)] == pytest.approx(expected, rel=1e-9)


@settings(max_examples=60)
@given(st.floats(1e-5, 1e6))
def test_trigamma_inverse_is_the_inverse(value: float) -> None:
    assert float(polygamma(1, trigamma_inverse(value))) == pytest.approx(value, rel=1e-8)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.floats(1e-3, 1e3))
def test_units_and_sides_do_not_matter(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    samples = [rng.normal(1, s, size=n) for s, n in zip(rng.uniform(0.1, 3, 5), (3, 4, 2, 5, 3), strict=True)]
    for one, other in zip(moderated(samples), moderated([-scale * x for x in samples]), strict=True):
        assert (-other.t, other.p, other.freedom) == pytest.approx((one.t, one.p, one.freedom), rel=1e-6)
        assert -other.low == pytest.approx(scale * one.high, rel=1e-6)


def test_one_comparison_is_an_ordinary_t_test() -> None:
    (found,) = moderated([[1.0, 2.0, 4.0, nan]])
    expected = mean_interval([1.0, 2.0, 4.0])
    assert (found.low, found.high, found.p) == pytest.approx((expected.low, expected.high, expected.p))
    assert (found.freedom, found.n) == (2, 3)


def test_missing_values_and_constant_differences() -> None:
    assert moderated([]) == []
    empty, single, constant, plain = moderated([[], [2.0], [0.3, 0.1 + 0.2, 0.3], [1.0, -1.0, 3.0]])
    assert (empty.n, isnan(empty.p), isnan(single.p)) == (0, True, False)  # one value borrows the others' spread
    assert 0 < constant.variance < plain.variance
    assert all(isnan(t.p) for t in moderated([[1.0, 1.0], [2.0, 2.0]][:1]))


@pytest.mark.parametrize(("comparisons", "studies", "rate", "error"), [(3, 400, 0.08, 0.008), (200, 15, 0.05, 0.004)])
def test_error_rate_at_three_pairs(comparisons: int, studies: int, rate: float, error: float) -> None:
    """True nulls whose variances follow a prior of 4 degrees: the level holds where it is learnt from many comparisons.

    Three are too few, .08 in place of .05, which is why the test may not be the primary one. `error`: of simulation.
    """
    rng = np.random.default_rng(8)
    wrong = []
    for _ in range(studies):
        spread = np.sqrt(4 / rng.chisquare(4, size=comparisons))
        found = moderated([*(spread[:, None] * rng.normal(size=(comparisons, 3)))])
        wrong.append(np.mean([test.p <= 0.05 for test in found]))
    assert np.mean(wrong) == pytest.approx(rate, abs=3 * error)
