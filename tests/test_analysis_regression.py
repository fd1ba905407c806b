"""Slopes with HC3 intervals against a formula and against the definition written out."""

from math import isnan, nan, sqrt

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.regression import slopes


def data(seed: int, groups: int, n: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    name = np.repeat([f"m{g}" for g in range(groups)], n)
    scale = rng.uniform(20e6, 22e6, size=groups * n)
    return pd.DataFrame({"g": name, "x": scale, "y": 70 + scale / 1e6 + rng.normal(0, 0.3, size=groups * n)})


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10_000), st.integers(1, 3), st.integers(4, 12))
def test_slopes_agree_with_hc3_written_out(seed: int, groups: int, n: int) -> None:
    frame = data(seed, groups, n)
    found = slopes(frame.x, frame.y, frame.g)
    quantile = stats.t.ppf(0.975, groups * n - 2 * groups)
    for name, part in frame.groupby("g"):
        x = np.column_stack([np.ones(n), part.x / 1e6])
        inverse = np.linalg.inv(x.T @ x)
        beta = inverse @ x.T @ part.y.to_numpy()
        leverage = np.einsum("ni,ij,nj->n", x, inverse, x)
        scaled = (part.y.to_numpy() - x @ beta) / (1 - leverage)
        error = sqrt((inverse @ (x.T * scaled**2) @ x @ inverse)[1, 1])
        slope = found.slopes[str(name)]
        assert (slope.value * 1e6, slope.intercept) == pytest.approx((beta[1], beta[0]), rel=1e-5)
        assert slope.high * 1e6 == pytest.approx(beta[1] + quantile * error, rel=1e-5)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10_000))
def test_slopes_and_equality_agree_with_the_formula(seed: int) -> None:
    frame = data(seed, 3, 8)
    frame["z"] = frame.x / 1e6
    found = slopes(frame.z, frame.y, frame.g)
    fit = smf.ols("y ~ C(g) + z:C(g) - 1", frame).fit(cov_type="HC3", use_t=True)
    interval = fit.conf_int()
    for name in ("m0", "m1", "m2"):
        own = found.slopes[name]
        row = f"z:C(g)[{name}]"
        expected = (fit.params[row], *interval.loc[row])
        assert (own.value, own.low, own.high) == pytest.approx(expected, rel=1e-6, abs=1e-8)
        assert own.p == pytest.approx(fit.pvalues[row], rel=1e-5, abs=1e-12)
    test = fit.f_test("z:C(g)[m0] = z:C(g)[m1], z:C(g)[m1] = z:C(g)[m2]")
    assert found.equality.statistic == pytest.approx(float(np.squeeze(test.fvalue)), rel=1e-5)
    assert found.equality.p == pytest.approx(float(test.pvalue), rel=1e-5)


def test_the_band_is_the_mean_interval_of_the_fit() -> None:
    frame = data(0, 1, 9)
    frame["z"] = frame.x / 1e6
    line, low, high = slopes(frame.z, frame.y, frame.g).band("m0", [20.5, 21.5])
    fit = smf.ols("y ~ z", frame).fit(cov_type="HC3", use_t=True)
    expected = fit.get_prediction(pd.DataFrame({"z": [20.5, 21.5]})).summary_frame()
    assert line == pytest.approx(expected["mean"].to_numpy())
    assert low == pytest.approx(expected["mean_ci_lower"].to_numpy())
    assert high == pytest.approx(expected["mean_ci_upper"].to_numpy())


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
