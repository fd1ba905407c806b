"""Every statistic against an independent implementation, on random and on nasty data; coverage and error rates."""

from math import isnan, nan, sqrt

import numpy as np
import pingouin
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

from analysis.statistics import paired, pareto, power, rank_correlation
from analysis.statistics.multiple_testing import holm

unhurried = settings(deadline=None, max_examples=60)
NUMBER = st.floats(-100, 100).map(lambda x: round(x, 3))  # rounded as accuracies are: ties occur
MAYBE = st.one_of(NUMBER, st.just(nan))
PAIRS = st.lists(st.tuples(MAYBE, MAYBE), max_size=30)


def spread(values: np.ndarray) -> bool:
    return len(values) > 1 and float(values.std(ddof=1)) > 1e-6


def split(pairs: list[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    x, y = (np.array([pair[side] for pair in pairs], dtype=float) for side in (0, 1))
    known = ~(np.isnan(x) | np.isnan(y))
    return x, y, x[known], y[known]


@unhurried
@given(PAIRS)
def test_paired_difference_agrees_with_scipy(pairs: list[tuple[float, float]]) -> None:
    x, y, x_known, y_known = split(pairs)
    found = paired.paired(x, y)
    assert found.n == len(x_known)
    assume(spread(x_known - y_known))
    expected = stats.ttest_rel(x_known, y_known)
    interval = expected.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), rel=1e-9, abs=1e-9)
    assert found.p == pytest.approx(expected.pvalue, rel=1e-7, abs=1e-14)


@unhurried
@given(st.lists(MAYBE, max_size=30), st.sampled_from([0.8, 0.95, 0.99]))
def test_interval_agrees_with_scipy_at_any_level(values: list[float], level: float) -> None:
    known = np.array([value for value in values if not isnan(value)])
    found = paired.mean_interval(values, level)
    assume(spread(known))
    expected = stats.t.interval(level, len(known) - 1, known.mean(), stats.sem(known))
    assert (found.low, found.high) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert found.std == pytest.approx(known.std(ddof=1))


@pytest.mark.parametrize("values", [[], [nan], [1.0], [0.3] * 5, [0.1 + 0.2, 0.3], [0.0, 0.0], [70.1, nan]])
def test_nothing_is_said_without_spread(values: list[float]) -> None:
    found = paired.mean_interval(values)
    assert all(map(isnan, (found.low, found.high, found.p)))
    assert found.n == sum(not isnan(value) for value in values)


@pytest.mark.long
@settings(deadline=None, max_examples=25)  # statsmodels takes 50 ms a call
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_agrees_with_statsmodels_and_pingouin(p: list[float]) -> None:
    found = holm(p)
    assert found == pytest.approx(multipletests(p, method="holm")[1])
    assert found == pytest.approx(pingouin.multicomp(p, method="holm")[1])


@pytest.mark.long
@settings(deadline=None, max_examples=25)
@given(st.lists(st.one_of(st.floats(0, 1), st.just(nan)), max_size=20))
def test_holm_counts_what_could_not_be_tested(p: list[float]) -> None:
    found = holm(p)
    missing = np.isnan(np.array(p, dtype=float))
    assert np.array_equal(np.isnan(found), missing)
    if p:
        filled = multipletests(np.where(missing, 1, p), method="holm")[1]
        assert found[~missing] == pytest.approx(filled[~missing])


@unhurried
@given(st.floats(0.05, 3), st.floats(0.1, 3), st.integers(2, 40), st.sampled_from([0.05, 0.05 / 6, 0.01]))
def test_power_agrees_with_statsmodels_and_pingouin(effect: float, std: float, n: int, alpha: float) -> None:
    found = power.power(effect, std, n, alpha)
    d = effect / std
    expected = TTestPower().power(d, n, alpha)
    assert power.power(-effect, std, n, alpha) == found
    assume(not isnan(expected))  # its left tail is NaN where it vanishes
    assert found == pytest.approx(expected, abs=1e-6)
    assert found == pytest.approx(pingouin.power_ttest(d, n, alpha=alpha, contrast="paired"), abs=1e-6)


@unhurried
@given(st.floats(0.1, 1), st.floats(0.05, 2), st.sampled_from([0.05, 0.05 / 6]))
def test_seeds_needed_is_the_smallest_number_with_that_power(effect: float, std: float, alpha: float) -> None:
    n = power.seeds_needed(effect, std, alpha)
    assert n is not None
    assert power.power(effect, std, n, alpha) >= 0.8
    assert n == 2 or power.power(effect, std, n - 1, alpha) < 0.8


def test_power_where_the_left_tail_vanishes() -> None:
    assert power.power(3, 1, 6, 0.01) == pytest.approx(
        pingouin.power_ttest(3, 6, alpha=0.01, contrast="paired"), abs=1e-6
    )
    assert power.power(50, 0.1, 100) == pytest.approx(1)
    assert isnan(power.power(1, 1, 1))
    assert isnan(power.power(1, 0, 5))


def test_seeds_needed_agrees_with_statsmodels() -> None:
    assert power.seeds_needed(0.2, 0.3) == int(np.ceil(TTestPower().solve_power(0.2 / 0.3, power=0.8, alpha=0.05)))
    assert power.seeds_needed(0.2, nan) is None
    assert power.seeds_needed(1e-9, 1.0, most=1000) is None
    with pytest.raises(ValueError, match="effect of 0"):
        power.seeds_needed(0, 1.0)


def test_detectable_effect_of_five_pairs() -> None:
    expected = TTestPower().solve_power(nobs=5, power=0.8, alpha=0.05)
    assert power.detectable(5) == pytest.approx(float(np.squeeze(expected)), rel=1e-6)
    assert isnan(power.detectable(1))


def test_detectable_effect_of_two_pairs_in_a_large_family() -> None:
    effect = power.detectable(2, 0.05 / 93)
    assert power.power(effect, 1, 2, 0.05 / 93) == pytest.approx(0.8)
    assert effect == pytest.approx(1.28155 * stats.t.isf(0.05 / 186, 1) / 2**0.5, rel=1e-4)  # z(0.9) · t / √n
    assert isnan(power.detectable(2, 1e-6))
    assert isnan(power.detectable(2, 1e-300))


def test_where_a_level_alone_gives_the_power_every_effect_is_found() -> None:
    assert power.detectable(3, 0.9) == 0


@pytest.mark.parametrize("n", [2, 3, 30, 100_000])
def test_power_of_an_effect_that_is_huge_beside_the_spread(n: int) -> None:
    """scipy's noncentral t warns there, and knows no value."""
    assert power.power(0.2, 1e-10, n, 0.05) == pytest.approx(1)
    assert power.seeds_needed(0.2, 1e-10) == 2
    far = power.power(1e5, 1, 2, 1e-6)  # |Z| below √2 · 1e5 / t
    assert far == pytest.approx(2 * stats.norm.cdf(2**0.5 * 1e5 / stats.t.isf(5e-7, 1)) - 1)


@unhurried
@given(st.lists(st.tuples(MAYBE, MAYBE), min_size=6, max_size=30))
def test_rank_correlation_agrees_with_scipy_and_pingouin(pairs: list[tuple[float, float]]) -> None:
    x, y, x_known, y_known = split(pairs)
    found = rank_correlation.spearman(x, y)
    assume(len(x_known) >= 4 and np.ptp(x_known) > 0 and np.ptp(y_known) > 0)
    expected = stats.spearmanr(x_known, y_known)
    assert found.rho == pytest.approx(expected.statistic)
    assert found.p == pytest.approx(expected.pvalue)
    if isnan(found.low):
        assert abs(found.rho) == pytest.approx(1)
        return
    narrower = pingouin.compute_esci(found.rho, len(x_known), len(x_known), eftype="r", decimals=9)
    inflation = sqrt(1 + found.rho**2 / 2)  # Bonett and Wright's, over Fisher's
    assert np.arctanh([found.low, found.high]) == pytest.approx(
        np.arctanh(found.rho) + inflation * (np.arctanh(narrower) - np.arctanh(found.rho)), abs=1e-4
    )


def test_rank_correlation_of_constants_is_undefined() -> None:
    assert isnan(rank_correlation.spearman([1, 1, 1, 1], [1, 2, 3, 4]).rho)
    assert isnan(rank_correlation.spearman([1, 2], [1, 2]).rho)


def test_difference_in_standard_errors_is_welchs_t() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=5), rng.normal(1, 2, size=8)
    sides = [(float(v.mean()), float(v.std(ddof=1)), len(v)) for v in (x, y)]
    assert paired.standard_errors(*sides) == pytest.approx(stats.ttest_ind(x, y, equal_var=False).statistic)
    assert isnan(paired.standard_errors((1, nan, 1), (2, nan, 1)))


@unhurried
@given(st.lists(st.tuples(NUMBER, NUMBER), max_size=15))
def test_pareto_front_is_what_nothing_beats(points: list[tuple[float, float]]) -> None:
    front = pareto.pareto([c for c, _ in points], [g for _, g in points])
    for kept, (cost, gain) in zip(front, points, strict=True):
        beaten = any(c <= cost and g >= gain and (c < cost or g > gain) for c, g in points)
        assert kept != beaten


def test_a_missing_point_is_on_no_front() -> None:
    assert pareto.pareto([1.0, nan, 2.0], [1.0, 9.0, 2.0]).tolist() == [True, False, True]


def test_coverage_of_the_interval_at_five_seeds() -> None:
    """Between 94 and 96 % of 20,000 simulated studies: three simulation errors are 0.5 points."""
    rng = np.random.default_rng(1)
    x = rng.normal(0.3, 0.2, size=(20_000, 5))
    found = [paired.mean_interval(row) for row in x[:200]]
    half = stats.t.ppf(0.975, 4) * x.std(axis=1, ddof=1) / sqrt(5)
    assert [f.high - f.value for f in found] == pytest.approx(half[:200])
    covered = np.abs(x.mean(axis=1) - 0.3) <= half
    assert 0.94 < covered.mean() < 0.96


def test_coverage_of_the_rank_correlations_interval() -> None:
    rng = np.random.default_rng(2)
    rho = 0.5
    pearson = 2 * np.sin(np.pi * rho / 6)  # gives Spearman's 0.5 for a normal pair
    hits = []
    for _ in range(1500):
        x, y = rng.multivariate_normal([0, 0], [[1, pearson], [pearson, 1]], size=15).T
        found = rank_correlation.spearman(x, y)
        hits.append(found.low <= rho <= found.high)
    assert 0.93 < np.mean(hits) < 0.98


def test_family_wise_error_of_holm_at_five_seeds() -> None:
    """Six true null comparisons that share their seeds' luck: any rejection in at most 5 % of studies."""
    rng = np.random.default_rng(3)
    studies = 4000
    noise = rng.normal(size=(studies, 6, 5)) + rng.normal(size=(studies, 1, 5))
    p = stats.ttest_1samp(noise, 0, axis=2).pvalue
    wrong = [(holm(row) <= 0.05).any() for row in p]
    assert np.mean(wrong) <= 0.05 + 3 * sqrt(0.05 * 0.95 / studies)
