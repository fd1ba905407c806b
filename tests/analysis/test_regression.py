"""Slopes with CR2 intervals against a formula, clubSandwich and the definition written out."""

from math import isnan, nan, sqrt

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.statistics.cluster_robust import cluster_robust
from analysis.statistics.regression import slopes
from tests.analysis import test_cluster_robust as club

pytestmark = pytest.mark.long


def data(seed: int, groups: int, n: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    name = np.repeat([f"m{g}" for g in range(groups)], n)
    scale = rng.uniform(20e6, 22e6, size=groups * n)
    return pd.DataFrame({"g": name, "x": scale, "y": 70 + scale / 1e6 + rng.normal(0, 0.3, size=groups * n)})


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10_000), st.integers(1, 3), st.integers(5, 12))
def test_points_of_their_own_give_hc2_written_out(seed: int, groups: int, n: int) -> None:
    """With Satterthwaite's degrees of freedom from the eigenvalues of the definition's matrix [n, n]."""
    frame = data(seed, groups, n)
    found = slopes(frame.x, frame.y, frame.g)
    for name, part in frame.groupby("g"):
        x = np.column_stack([np.ones(n), part.x / 1e6 - 21])
        inverse = np.linalg.inv(x.T @ x)
        beta = inverse @ x.T @ part.y.to_numpy()
        rest = np.eye(n) - x @ inverse @ x.T
        weights = (x @ inverse)[:, 1] / np.sqrt(np.diag(rest))
        error = sqrt(((weights * (part.y.to_numpy() - x @ beta)) ** 2).sum())
        eigenvalues = np.linalg.eigvalsh(weights[:, None] * rest * weights)
        freedom = eigenvalues.sum() ** 2 / (eigenvalues**2).sum()
        slope = found.slopes[str(name)]
        assert (slope.value * 1e6, slope.intercept) == pytest.approx((beta[1], beta[0] - 21 * beta[1]), rel=1e-5)
        assert slope.freedom == pytest.approx(freedom, rel=1e-6)
        assert slope.high * 1e6 == pytest.approx(beta[1] + stats.t.ppf(0.975, freedom) * error, rel=1e-5)
        assert slope.p == pytest.approx(2 * stats.t.sf(abs(beta[1]) / error, freedom), rel=1e-5, abs=1e-12)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10_000))
def test_lines_and_covariance_agree_with_the_formula(seed: int) -> None:
    frame = data(seed, 3, 8)
    frame["z"] = frame.x / 1e6
    found = slopes(frame.z, frame.y, frame.g)
    fit = smf.ols("y ~ C(g) + z:C(g) - 1", frame).fit(cov_type="HC2", use_t=True)
    for name in ("m0", "m1", "m2"):
        rows = [f"C(g)[{name}]", f"z:C(g)[{name}]"]
        own = found.slopes[name]
        assert [own.intercept, own.value] == pytest.approx(fit.params[rows].tolist(), rel=1e-6, abs=1e-8)
        assert found.covariance[name] == pytest.approx(fit.cov_params().loc[rows, rows].to_numpy(), rel=1e-5)


def test_slopes_by_search_agree_with_clubsandwich() -> None:
    """In other units than those of tests/data/r/cluster_robust.R, where the figures come from."""
    names = np.array(["A", "B", "C"])[club.METHOD]
    found = slopes(1e6 * club.X + 20e6, club.Y, names.tolist(), club.SEARCH)
    assert [found.slopes[name].freedom for name in "ABC"] == pytest.approx(club.BY_SEARCH["freedom"][3:], rel=1e-8)
    assert [found.slopes[name].p for name in "ABC"] == pytest.approx(club.BY_SEARCH["p"][3:], rel=1e-8)
    errors = [sqrt(found.covariance[name][1, 1]) * 1e6 for name in "ABC"]
    assert errors == pytest.approx(club.BY_SEARCH["error"][3:], rel=1e-8)
    equal = found.equality
    assert (equal.statistic, equal.freedom, equal.p) == pytest.approx(
        (2.45010576444, 2.17430862729, 0.277311857389), rel=1e-7
    )


def test_the_band_holds_the_interval_of_the_line_at_each_point() -> None:
    """Where x is moved so that a point lies at 0, the line there is the intercept."""
    frame = data(0, 1, 9)
    frame["z"] = frame.x / 1e6
    line, low, high = slopes(frame.z, frame.y, frame.g).band("m0", [20.5, 21.5])
    for at, middle, below, above in zip([20.5, 21.5], line, low, high, strict=True):
        fit = cluster_robust(np.column_stack([np.ones(9), frame.z - at]), frame.y, range(9)).contrast([1, 0])
        assert (middle, below, above) == pytest.approx((fit.value, fit.low, fit.high))
    expected = smf.ols("y ~ z", frame).fit(cov_type="HC2").get_prediction(pd.DataFrame({"z": [20.5, 21.5]}))
    assert line == pytest.approx(expected.predicted_mean)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([], []),
        ([1.0, 2.0], [1.0, 3.0]),
        ([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]),
        ([1.0, 1.0, 2.0, 2.0], [1.0, 2.0, 3.0, 4.0]),
        ([1.0, 2.0, 3.0], [5.0, 5.0, 5.0]),
        ([1.0, 2.0, nan, 3.0], [5.0, nan, 5.0, 4.0]),
    ],
)
def test_a_group_that_decides_no_slope_gets_none(x: list[float], y: list[float]) -> None:
    good = data(1, 1, 6)
    found = slopes([*x, *good.x], [*y, *good.y], ["bad"] * len(x) + [*good.g])
    assert "bad" not in found.slopes or isnan(found.slopes["bad"].value)
    assert found.slopes["m0"].value == pytest.approx(slopes(good.x, good.y, good.g).slopes["m0"].value)
    assert isnan(found.equality.p)


def test_coverage_of_the_slopes_interval_with_unequal_noise() -> None:
    rng = np.random.default_rng(4)
    hits = []
    for _ in range(400):
        x = rng.uniform(0, 1, size=30)
        y = 2 * x + rng.normal(0, 0.1 + x, size=30)
        slope = slopes(x, y, ["m"] * 30).slopes["m"]
        hits.append(slope.low <= 2 <= slope.high)
    assert 0.92 < np.mean(hits) < 0.98


def test_a_search_that_alone_decides_a_line_gives_it_no_slope() -> None:
    good = data(1, 1, 6)
    x, y = [1.0, 2.0, 3.0, 2.0, 2.0], [1.0, 2.1, 2.9, 2.2, 2.0]  # without the first search one x is left
    found = slopes([*x, *good.x], [*y, *good.y], ["one"] * 5 + [*good.g], [0, 0, 0, 1, 2, *range(3, 9)])
    assert isnan(found.slopes["one"].value)
    assert found.slopes["m0"].value == pytest.approx(slopes(good.x, good.y, good.g).slopes["m0"].value)
    assert not isnan(slopes(x, y, ["one"] * 5).slopes["one"].value)


def test_coverage_where_networks_share_their_search() -> None:
    """Three snapshots of each of five searches, noise correlated by .9; 500 studies: simulation error .01."""
    rng = np.random.default_rng(5)
    searches = np.repeat(np.arange(5), 3)
    hits = np.zeros(2)
    for _ in range(500):
        x = rng.normal(size=5)[searches] + 0.3 * rng.normal(size=15)
        y = 2 * x + sqrt(0.9) * rng.normal(size=5)[searches] + sqrt(0.1) * rng.normal(size=15)
        found = [slopes(x, y, ["m"] * 15, clusters).slopes["m"] for clusters in (searches.tolist(), None)]
        hits += [slope.low <= 2 <= slope.high for slope in found]
    assert hits[0] / 500 > 0.95 - 3 * 0.01
    assert hits[1] / 500 < 0.85  # points taken as independent
