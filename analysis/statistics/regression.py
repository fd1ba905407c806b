"""Slopes of accuracy on scale per method, and their equality, where networks of one search depend on each other."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import ArrayLike

from analysis.statistics.cluster_robust import Fit, cluster_robust
from analysis.statistics.paired import TIED


@dataclass(frozen=True)
class Slope:
    """A line a + b x through one group: `value` is b, with its interval; `intercept` is a; `p` tests b = 0.

    Intervals and p of fewer than four degrees of `freedom` are rough (Pustejovsky and Tipton 2018).
    """

    value: float
    low: float
    high: float
    p: float
    intercept: float
    n: int
    freedom: float = nan


@dataclass(frozen=True)
class Equality:
    """F test that all slopes are equal; NaN where fewer than two groups have one, or the clusters are too few."""

    statistic: float
    p: float
    groups: tuple[str, ...]
    freedom: float = nan


@dataclass(frozen=True)
class Slopes:
    slopes: dict[str, Slope]
    equality: Equality
    level: float
    fit: Fit | None  # of all groups that have a slope
    lines: dict[str, np.ndarray]  # per such group [2, k]: its intercept and slope in units of x, from the coefficients

    @property
    def covariance(self) -> dict[str, np.ndarray]:
        """Per group that has a slope: CR2 covariance [2, 2] of intercept and slope."""
        return {group: at @ self.fit.covariance @ at.T for group, at in self.lines.items()} if self.fit else {}

    def band(self, group: str, x: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The line at `x` and the ends of its pointwise interval, each [n]. Raises KeyError for a group without."""
        line, fit = self.lines[group], self.fit
        assert fit is not None  # a line comes from one
        points = [fit.contrast(np.array([1.0, at]) @ line, self.level) for at in np.asarray(x, dtype=float)]
        middle, low, high = np.array([(point.value, point.low, point.high) for point in points]).reshape(-1, 3).T
        return middle, low, high


def slopes(
    x: ArrayLike, y: ArrayLike, groups: Sequence[str], clusters: Sequence[Hashable] | None = None, level: float = 0.95
) -> Slopes:
    """OLS of y [n] on x [n], a line per group: `y ~ C(group) + x:C(group) - 1`, CR2 by `clusters` [n].

    A cluster holds what depends on each other, such as the networks that one search gave, of any group; without
    `clusters` every point is its own, and CR2 is HC2. Groups without three different x, in which one cluster alone
    decides the line (leverage 1), or without any noise get NaN. Their points are left out of the fit.
    """
    frame = np.asarray(x, dtype=float), np.asarray(y, dtype=float), np.asarray(groups, dtype=str)
    known = ~(np.isnan(frame[0]) | np.isnan(frame[1]))
    each = (
        np.unique([repr(c) for c in clusters], return_inverse=True)[1]
        if clusters is not None
        else np.arange(len(known))
    )
    x_known, y_known, names, members = (column[known] for column in (*frame, each))
    labels = list(dict.fromkeys(map(str, groups)))
    fit = [g for g in labels if _estimable(*(part[names == g] for part in (x_known, y_known, members)))]
    counts = {label: int((names == label).sum()) for label in labels}
    out = {label: Slope(nan, nan, nan, nan, nan, counts[label]) for label in labels}
    if not fit:
        return Slopes(out, Equality(nan, nan, ()), level, None, {})
    chosen = np.isin(names, fit)
    return _fitted(x_known[chosen], y_known[chosen], names[chosen], members[chosen], fit, out, level)


def _estimable(x: np.ndarray, y: np.ndarray, clusters: np.ndarray) -> bool:
    if len(x) < 3 or len(np.unique(x)) < 3 or np.ptp(x) <= TIED * np.abs(x).max():
        return False
    basis, _ = np.linalg.qr(np.column_stack([np.ones_like(x), (x - x.mean()) / np.ptp(x)]))
    leverage = max(np.linalg.norm(basis[clusters == cluster], 2) ** 2 for cluster in np.unique(clusters))
    noise = y - basis @ (basis.T @ y)
    return bool(leverage < 1 - TIED and np.abs(noise).max() > TIED * np.abs(y).max())


def _fitted(
    x: np.ndarray, y: np.ndarray, names: np.ndarray, clusters: np.ndarray, groups: list[str], out: dict[str, Slope],
    level: float,
) -> Slopes:  # fmt: skip
    k = len(groups)
    member = names[:, None] == np.array(groups)
    shift, unit = np.array([_centre(x[names == group]) for group in groups]).T  # parameters run in millions
    found = cluster_robust(np.column_stack([member, member * (x[:, None] - shift) / unit]), y, clusters.tolist())
    lines = {}
    for index, group in enumerate(groups):
        line = np.zeros((2, 2 * k))
        line[:, [index, k + index]] = [[1, -shift[index] / unit[index]], [0, 1 / unit[index]]]
        slope, intercept = found.contrast(line[1], level), float(line[0] @ found.coefficients)
        out[group] = Slope(slope.value, slope.low, slope.high, slope.p, intercept, out[group].n, slope.freedom)
        lines[group] = line
    return Slopes(out, _equality(found, lines), level, found, lines)


def _centre(x: np.ndarray) -> tuple[float, float]:
    return float(x.mean()), float(x.std())


def _equality(fit: Fit, lines: dict[str, np.ndarray]) -> Equality:
    """That every group's slope is the first one's."""
    if len(lines) < 2:
        return Equality(nan, nan, tuple(lines))
    first, *others = (line[1] for line in lines.values())
    test = fit.wald([first - other for other in others])
    return Equality(test.statistic, test.p, tuple(lines), test.freedom)
