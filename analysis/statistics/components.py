"""Spread between searches and between the trainings of one, however many trainings each search has."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, isfinite, log, nan, sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, chdtri, fdtrc, stdtr, stdtrit

from analysis.statistics.paired import TIED, Estimate, known_values

NODES = 400  # of the quadrature over the spread within


@dataclass(frozen=True)
class Components:
    """Standard deviations between and within groups, their intervals, the mean, and `p` of no spread between (F test).

    `sizes` counts the values of each group.
    """

    between: float
    within: float
    p: float
    between_interval: tuple[float, float]
    within_interval: tuple[float, float]
    mean: Estimate
    sizes: tuple[int, ...]

    @property
    def groups(self) -> int:
        return len(self.sizes)

    @property
    def repeats(self) -> str:
        """How many values a group has: "3", or "2–3" where they differ."""
        low, high = min(self.sizes), max(self.sizes)
        return str(low) if low == high else f"{low}–{high}"


@dataclass(frozen=True)
class _Groups:
    """What the likelihood needs of the values: per group size and mean, and the squares within all, on `freedom`."""

    sizes: np.ndarray
    means: np.ndarray
    squares: float

    @property
    def freedom(self) -> int:
        return int(self.sizes.sum()) - len(self.sizes)

    def weighted(self, ratio: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Weights [..., groups], mean and squares between [...] in units of the variance within.

        `ratio` [...]: variance between over that within.
        """
        weights = self.sizes / (1 + self.sizes * np.asarray(ratio, dtype=float)[..., None])
        mean = weights @ self.means / weights.sum(axis=-1)
        return weights, mean, (weights * (self.means - mean[..., None]) ** 2).sum(axis=-1)


def components(values: Sequence[ArrayLike], level: float = 0.95) -> Components | None:
    """REML of y_ij = μ + s_i + e_ij (Patterson and Thompson 1971) for `values`, a sequence of any length per group.

    The interval within is exact (χ²). That between is a generalised interval (Weerahandi 1993), which covers 94 to 98 %
    in simulations of three to ten groups; both ends are 0 where means lie closer together than noise within lets them
    in 97.5 % of studies. The mean's is Hartung's (1999): with equal sizes the t interval of the groups' means. NaN
    values are left out, and groups without any. None below two groups or where no group has two values: then nothing is
    separable. Without spread within, `p` and the intervals of the components are NaN.
    """
    known = [x for x in map(known_values, values) if len(x)]
    sizes = np.array([len(x) for x in known])
    if len(known) < 2 or sizes.max() < 2:
        return None
    largest = max(float(np.abs(x).max()) for x in known)
    squares = sum(float(((x - x.mean()) ** 2).sum()) for x in known)
    data = _Groups(sizes, np.array([x.mean() for x in known]), squares)
    if sqrt(squares / data.freedom) <= TIED * largest:
        between = float(data.means.std(ddof=1))
        return Components(between, 0.0, nan, (nan, nan), (nan, nan), _mean(data, inf, level), tuple(sizes.tolist()))
    ratio = _reml_ratio(data)
    variance = (data.squares + float(data.weighted(ratio)[2])) / (data.freedom + len(known) - 1)
    f = float(data.weighted(0)[2]) / (len(known) - 1) / (data.squares / data.freedom)
    p = float(fdtrc(len(known) - 1, data.freedom, f))
    return Components(
        sqrt(ratio * variance), sqrt(variance), p, _between_interval(data, level), _within_interval(data, level),
        _mean(data, ratio, level), tuple(sizes.tolist()),
    )  # fmt: skip


def _reml_ratio(data: _Groups) -> float:
    """The ratio of variances, between over within, at the highest restricted likelihood; on a grid, then by Brent."""
    from scipy.optimize import minimize_scalar

    def deviance(ratio: float) -> float:
        weights, _, among = data.weighted(ratio)
        squares = (data.freedom + len(data.sizes) - 1) * log(data.squares + among)
        return float(squares + np.log1p(data.sizes * ratio).sum() + log(weights.sum()))

    top = 4 * len(data.sizes) * max(1.0, float(data.means.var()) / (data.squares / data.sizes.sum()))
    grid = np.concatenate([[0.0], np.geomspace(1e-6, 1, 60) * top])
    best = int(np.argmin([deviance(ratio) for ratio in grid]))
    low, high = grid[max(0, best - 1)], grid[min(len(grid) - 1, best + 1)]
    found = minimize_scalar(deviance, bounds=(low, high), method="bounded", options={"xatol": 1e-10 * high})
    return float(found.x) if found.fun < deviance(0.0) - 1e-12 else 0.0


def _within_interval(data: _Groups, level: float) -> tuple[float, float]:
    low, high = (float(chdtri(data.freedom, q)) for q in ((1 - level) / 2, (1 + level) / 2))
    return sqrt(data.squares / low), sqrt(data.squares / high)


def _between_interval(data: _Groups, level: float) -> tuple[float, float]:
    """Ends at which the generalised pivot's distribution, averaged over that of the variance within, has its tails."""
    tails = (np.arange(NODES) + 0.5) / NODES
    within = data.squares / chdtri(data.freedom, tails)  # equally likely values of the variance within

    def below(variance: float) -> float:
        squares = data.weighted(variance / within)[2] / within
        return float(np.mean(chdtrc(len(data.sizes) - 1, squares)))

    start = float(data.means.var())
    low, high = (_crossing(below, tail, start) for tail in ((1 - level) / 2, (1 + level) / 2))
    return sqrt(low), sqrt(high)


def _crossing(rising: Callable[[float], float], level: float, start: float) -> float:
    """Where `rising` reaches `level`, at or above 0."""
    from scipy.optimize import brentq

    if rising(0.0) >= level:
        return 0.0
    high = start
    while rising(high) < level:
        high *= 4
    return float(brentq(lambda x: rising(x) - level, 0.0, high, rtol=1e-8))


def _mean(data: _Groups, ratio: float, level: float) -> Estimate:
    """The weighted mean; its error from the weighted squares between groups, on their number - 1 degrees of freedom."""
    groups = len(data.sizes)
    if isfinite(ratio):
        weights, centre, among = data.weighted(ratio)
        mean, error = float(centre), sqrt(float(among) / (groups - 1) / weights.sum())
    else:
        mean, error = float(data.means.mean()), float(data.means.std(ddof=1)) / sqrt(groups)
    std = error * sqrt(groups)
    if std <= TIED * np.abs(data.means).max():
        return Estimate(mean, nan, nan, nan, 0.0, groups)
    half = float(stdtrit(groups - 1, (1 + level) / 2)) * error
    return Estimate(mean, mean - half, mean + half, float(2 * stdtr(groups - 1, -abs(mean) / error)), std, groups)
