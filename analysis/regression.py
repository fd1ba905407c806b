"""Slopes of accuracy on scale per method, with intervals that hold where noise differs (HC3), and their equality."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import ArrayLike

from analysis.statistics import TIED


@dataclass(frozen=True)
class Slope:
    """A line a + b x through one group: `value` is b, with its interval; `intercept` is a; `p` tests b = 0."""

    value: float
    low: float
    high: float
    p: float
    intercept: float
    n: int


@dataclass(frozen=True)
class Equality:
    """F test that all slopes are equal; NaN where fewer than two groups have one."""

    statistic: float
    p: float
    groups: tuple[str, ...]


@dataclass(frozen=True)
class Slopes:
    slopes: dict[str, Slope]
    equality: Equality
    covariance: dict[str, np.ndarray]  # per group: HC3 covariance [2, 2] of intercept and slope
    quantile: float  # of t, for intervals and bands

    def band(self, group: str, x: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The line at `x` and the ends of its pointwise interval, each [n]."""
        points, slope = np.asarray(x, dtype=float), self.slopes[group]
        design = np.column_stack([np.ones_like(points), points])
        line = design @ np.array([slope.intercept, slope.value])
        half = self.quantile * np.sqrt(np.einsum("ni,ij,nj->n", design, self.covariance[group], design))
        return line, line - half, line + half


def slopes(x: ArrayLike, y: ArrayLike, groups: Sequence[str], level: float = 0.95) -> Slopes:
    """OLS of y [n] on x [n], a line per group: `y ~ C(group) + x:C(group) - 1`, HC3 (MacKinnon and White 1985).

    Groups without three different x, in which one point alone decides the line (leverage 1), or without any noise get
    NaN: HC3 does not exist there. Their points are left out of the fit.
    """
    frame = np.asarray(x, dtype=float), np.asarray(y, dtype=float), np.asarray(groups, dtype=str)
    known = ~(np.isnan(frame[0]) | np.isnan(frame[1]))
    x_known, y_known, names = (column[known] for column in frame)
    labels = list(dict.fromkeys(map(str, groups)))
    fit = [label for label in labels if _estimable(x_known[names == label], y_known[names == label])]
    counts = {label: int((names == label).sum()) for label in labels}
    out = {label: Slope(nan, nan, nan, nan, nan, counts[label]) for label in labels}
    if not fit:
        return Slopes(out, Equality(nan, nan, ()), {}, nan)
    return _fitted(x_known, y_known, names, fit, out, level)


def _estimable(x: np.ndarray, y: np.ndarray) -> bool:
    if len(x) < 3 or len(np.unique(x)) < 3 or np.ptp(x) <= TIED * np.abs(x).max():
        return False
    centred = (x - x.mean()) / np.ptp(x)
    leverage = 1 / len(x) + centred**2 / (centred**2).sum()
    noise = y - y.mean() - centred * (centred @ y) / (centred**2).sum()
    return bool(leverage.max() < 1 - TIED and np.abs(noise).max() > TIED * np.abs(y).max())


def _fitted(
    x: np.ndarray, y: np.ndarray, names: np.ndarray, fit: list[str], out: dict[str, Slope], level: float
) -> Slopes:
    import statsmodels.api as sm
    from scipy import stats

    chosen = np.isin(names, fit)
    member = names[chosen][:, None] == np.array(fit)
    scales = {label: _centre(x[names == label]) for label in fit}  # centred and scaled: parameters run in millions
    shift, unit = (np.array([scales[label][part] for label in fit]) for part in (0, 1))
    design = np.column_stack([member, member * (x[chosen][:, None] - shift) / unit])
    result = sm.OLS(y[chosen], design).fit(cov_type="HC3", use_t=True)
    quantile = float(stats.t.ppf((1 + level) / 2, result.df_resid))
    k, covariances = len(fit), {}
    for index, label in enumerate(fit):
        back = np.array(
            [[1, -shift[index] / unit[index]], [0, 1 / unit[index]]]
        )  # to intercept and slope in units of x
        covariance = back @ result.cov_params()[np.ix_([index, k + index], [index, k + index])] @ back.T
        intercept, value = back @ result.params[[index, k + index]]
        half = quantile * np.sqrt(covariance[1, 1])
        p = float(result.pvalues[k + index])
        out[label] = Slope(float(value), float(value - half), float(value + half), p, float(intercept), out[label].n)
        covariances[label] = covariance
    return Slopes(out, _equality(result, unit, fit), covariances, quantile)


def _centre(x: np.ndarray) -> tuple[float, float]:
    return float(x.mean()), float(x.std())


def _equality(result: object, unit: np.ndarray, fit: list[str]) -> Equality:
    """Wald's F test that slope / unit is the same for all groups."""
    k = len(fit)
    if k < 2:
        return Equality(nan, nan, tuple(fit))
    contrast = np.zeros((k - 1, 2 * k))
    contrast[:, k] = 1 / unit[0]
    contrast[np.arange(k - 1), k + 1 + np.arange(k - 1)] = -1 / unit[1:]
    test = result.f_test(contrast)  # type: ignore[attr-defined]
    return Equality(float(np.squeeze(test.fvalue)), float(test.pvalue), tuple(fit))
