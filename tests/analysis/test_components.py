"""REML components against lme4 (tests/data/r/components.R), mean squares, and simulated coverage."""

import warnings
from math import isnan, nan, sqrt

import numpy as np
import pandas as pd
import pingouin
import pytest
import statsmodels.formula.api as smf
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.anova import anova_lm

from analysis.statistics.components import components
from analysis.statistics.paired import mean_interval

LME4 = [  # values, between, within, mean
    ([[70.1, 70.9, 70.4], [71.6, 71.0, 72.1], [69.2, 70.3, 69.9], [71.1, 70.2, 70.8]],
     0.6710964009, 0.4966554794, 70.63333333),
    ([[70.1, 70.9, 70.4], [71.6, 72.1], [69.2], [71.1, 70.2, 70.8, 71.9], [68.8, 70.1]],
     0.9521671913, 0.6390910636, 70.44352335),
    ([[70.1, 71.9], [71.0, 70.2, 71.3], [70.6], [69.9, 71.5]], 0, 0.7259230577, 70.8125),
    ([[70.0, 70.1], [75.0], [65.2, 65.0, 65.1], [80.0, 79.9]], 6.390236856, 0.08660174357, 72.52488637),
]  # fmt: skip


@pytest.mark.parametrize(("values", "between", "within", "mean"), LME4)
def test_agrees_with_lme4(values: list[list[float]], between: float, within: float, mean: float) -> None:
    found = components([*values, [nan]])
    assert found is not None
    assert (found.between, found.within) == pytest.approx((between, within), rel=1e-6)
    assert found.mean.value == pytest.approx(mean, abs=1e-7)
    assert found.sizes == tuple(map(len, values))


def test_how_many_trainings_a_search_has_in_words() -> None:
    found = [components(values) for values in ([[1, 2, 3], [2, 4, 4]], [[1, 2, nan], [2, 4, 4]])]
    assert [(f.groups, f.repeats) for f in found if f] == [(2, "3"), (2, "2–3")]


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 8), st.integers(2, 5), st.floats(0, 2), st.integers(0, 10_000))
def test_equal_numbers_agree_with_mean_squares(groups: int, repeats: int, among: float, seed: int) -> None:
    """Above 0; at 0 the spread within is that of all values, and the mean has the t interval of the groups' means."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(groups, repeats)) + among * rng.normal(size=(groups, 1))
    found = components(list(values))
    assert found is not None
    frame = pd.DataFrame({"y": values.ravel(), "g": np.repeat(np.arange(groups), repeats)})
    anova = anova_lm(smf.ols("y ~ C(g)", frame).fit())
    between, within = anova["mean_sq"].to_numpy()
    assert found.between**2 == pytest.approx(max(0, (between - within) / repeats), rel=1e-4, abs=1e-6)
    assert found.within**2 == pytest.approx(within if between > within else values.var(ddof=1), rel=1e-4)
    assert found.p == pytest.approx(anova["PR(>F)"].iloc[0], rel=1e-6)
    if found.between and groups >= 5:
        frame["r"] = np.tile(np.arange(repeats), groups)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            icc = pingouin.intraclass_corr(frame, targets="g", raters="r", ratings="y").set_index("Type")["ICC"].iloc[0]
        assert found.between**2 / (found.between**2 + found.within**2) == pytest.approx(icc, rel=1e-4, abs=1e-6)
    expected = mean_interval(values.mean(axis=1))
    assert (found.mean.low, found.mean.high, found.mean.p) == pytest.approx((expected.low, expected.high, expected.p))


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(1, 4), min_size=3, max_size=6), st.integers(0, 10_000), st.floats(0.01, 100))
def test_units_order_and_offset_do_not_matter(sizes: list[int], seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    values = [2 * rng.normal() + rng.normal(size=size) for size in [*sizes, 2]]
    one, other = components(values), components([scale * (x + 3)[::-1] for x in values[::-1]])
    assert one is not None
    assert other is not None
    assert (other.between, other.within) == pytest.approx(
        (scale * one.between, scale * one.within), rel=1e-3, abs=1e-4 * scale
    )
    assert other.p == pytest.approx(one.p, rel=1e-6)
    for found in (one, other):
        assert found.within_interval[0] <= found.within <= found.within_interval[1]
    for name in ("between_interval", "within_interval"):
        assert getattr(other, name) == pytest.approx(scale * np.array(getattr(one, name)), rel=1e-5, abs=1e-6 * scale)


@pytest.mark.parametrize("values", [[], [[1.0, 2.0]], [[1.0], [2.0]], [[1.0, nan], [2.0]], [[nan, nan], [2.0, 3.0]]])
def test_nothing_is_separable_below_two_groups_or_without_repeats(values: list[list[float]]) -> None:
    assert components(values) is None


def test_a_search_that_lost_a_training_still_counts() -> None:
    found = components([[1.0, nan], [2.0, 3.0], [4.0, 4.5]])
    assert found is not None
    assert (found.groups, found.mean.n) == (3, 3)


def test_without_spread_within() -> None:
    found = components([[1.0, 1.0], [2.0, 2.0]])
    assert found is not None
    assert (found.within, found.between) == pytest.approx((0, sqrt(0.5)))
    assert all(map(isnan, (found.p, *found.between_interval, *found.within_interval)))


def test_all_values_equal() -> None:
    found = components([[70.1, 70.1], [70.1]])
    assert found is not None
    assert (found.between, found.within, found.mean.value) == (0, 0, pytest.approx(70.1))
    assert isnan(found.mean.low)


def test_means_closer_than_noise_within_allows() -> None:
    """Their F is below what noise alone gives in 2.5 % of studies: no spread between is plausible, not even a small."""
    found = components([[1.0, 3.0], [1.001, 3.0], [1.0, 3.001], [0.999, 3.0]])
    assert found is not None
    assert found.p > 0.975
    assert (found.between, *found.between_interval) == (0, 0, 0)


@pytest.mark.long
@pytest.mark.parametrize("between", [0.3, 1.0, 3.0])
def test_coverage_with_unequal_numbers(between: float) -> None:
    """Five searches of one to four trainings; 400 studies: simulation error .011."""
    rng = np.random.default_rng(9)
    hits = np.zeros(3)
    for _ in range(400):
        found = components([70 + between * rng.normal() + rng.normal(size=size) for size in (2, 3, 1, 2, 4)])
        assert found is not None
        ends = found.between_interval, found.within_interval, (found.mean.low, found.mean.high)
        hits += [low <= true <= high for (low, high), true in zip(ends, (between, 1, 70), strict=True)]
    assert hits / 400 == pytest.approx(0.95, abs=3 * 0.011)
