"""Statistics of small paired samples, as pure functions on arrays. They know no file formats and no methods.

NaN marks a missing value everywhere. What cannot be said (one value, no spread) is NaN in the result, never a guess.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from math import isfinite, nan, sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtr, ndtri, stdtr, stdtrit

TIED = 1e-9  # a spread below this share of the largest value is rounding, not spread
FARTHEST = 1e4  # standard deviations; no difference between trained networks is larger
FAR = 1e4  # noncentrality from which on scipy's noncentral t is not exact, and noise in the mean no longer matters


@dataclass(frozen=True)
class Estimate:
    """A mean with its t interval; `p` tests it against 0, two-sided. `std` has ddof 1, `n` counts values."""

    value: float
    low: float
    high: float
    p: float
    std: float
    n: int


def mean_interval(values: ArrayLike, level: float = 0.95) -> Estimate:
    """The mean of `values` [n] and its t interval (Student 1908). NaN values are left out.

    Without spread (n = 1, or all values equal) interval and p are NaN: equal values do not show that the next is equal.
    """
    x = known_values(values)
    n = len(x)
    if not n:
        return Estimate(nan, nan, nan, nan, nan, 0)
    mean, std = float(x.mean()), float(x.std(ddof=1)) if n > 1 else nan
    if n == 1 or std <= TIED * np.abs(x).max():
        return Estimate(mean, nan, nan, nan, 0.0 if n > 1 else nan, n)
    error = std / sqrt(n)
    half = float(stdtrit(n - 1, (1 + level) / 2)) * error
    return Estimate(mean, mean - half, mean + half, float(2 * stdtr(n - 1, -abs(mean) / error)), std, n)


def paired(first: ArrayLike, second: ArrayLike, level: float = 0.95) -> Estimate:
    """Mean of first - second [n] with its t interval; pairs with a missing side are left out."""
    x, y = known_pairs(first, second)
    return mean_interval(x - y, level)


def power(effect: float, std: float, n: int, alpha: float = 0.05) -> float:
    """Chance that a two-sided paired t test with `n` pairs finds a true mean difference of `effect` (noncentral t)."""
    from scipy.stats import nct

    if n < 2 or not isfinite(std) or std <= 0:
        return nan
    critical = stdtrit(n - 1, 1 - alpha / 2)
    shift = abs(effect) / std * sqrt(n)
    if shift > FAR:
        return float(chdtr(n - 1, (n - 1) * min(shift / critical, FAR) ** 2))  # the chance of so small a spread
    tails = nct.sf(critical, n - 1, shift), nct.cdf(-critical, n - 1, shift)
    right, left = (float(tail) for tail in tails)  # scipy gives NaN for a vanishing left tail
    return right + (left if isfinite(left) else 0.0)


@cache
def seeds_needed(
    effect: float, std: float, alpha: float = 0.05, wanted: float = 0.8, most: int = 100_000
) -> int | None:
    """The smallest n whose `power` reaches `wanted`; None above `most`. Raises ValueError for an effect of 0."""
    if not effect:
        raise ValueError("no number of seeds shows an effect of 0")
    if not isfinite(std) or std <= 0 or power(effect, std, most, alpha) < wanted:
        return None
    low, high = 1, most  # power(low) < wanted <= power(high)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(effect, std, middle, alpha) >= wanted else (middle, high)
    return high


@cache
def detectable(n: int, alpha: float = 0.05, wanted: float = 0.8) -> float:
    """The smallest standardised mean difference that `n` pairs find with power `wanted`, 0 where any is found so often.

    NaN below two pairs, and where it is above `FARTHEST`: two pairs at a small `alpha`.
    """
    from scipy.optimize import brentq

    def more(d: float) -> float:
        return power(d, 1.0, n, alpha) - wanted

    if n < 2:
        return nan
    if more(1e-6) >= 0:
        return 0.0
    high = next((high for high in (1e3, FARTHEST) if more(high) >= 0), nan)
    return float(brentq(more, 1e-6, high, xtol=1e-9)) if isfinite(high) else nan


def pooled_std(samples: Sequence[ArrayLike]) -> float:
    """One standard deviation for all samples, weighted by their degrees of freedom; NaN without any."""
    known = [x for x in map(known_values, samples) if len(x) > 1]
    freedom = sum(len(x) - 1 for x in known)
    return sqrt(sum(float(x.var(ddof=1)) * (len(x) - 1) for x in known) / freedom) if freedom else nan


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
class Correlation:
    rho: float
    low: float
    high: float
    p: float
    n: int


def spearman(first: ArrayLike, second: ArrayLike, level: float = 0.95) -> Correlation:
    """Rank correlation with Fisher's z interval, its variance (1 + ρ²/2) / (n - 3) (Bonett and Wright 2000).

    NaN where one side does not vary; no interval below four pairs.
    """
    from scipy.stats import spearmanr

    return correlation(spearmanr, first, second, 4, lambda rho, n: (1 + rho**2 / 2) / (n - 3), level)


def correlation(ranked: Callable[..., Any], first: ArrayLike, second: ArrayLike, least: int,
                variance: Callable[[float, int], float], level: float) -> Correlation:  # fmt: skip
    """What `ranked` finds, with Fisher's z interval, where z has that `variance` of (coefficient, n).

    NaN where one side does not vary; no interval below `least` pairs.
    """
    x, y = known_pairs(first, second)
    n = len(x)
    if n < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return Correlation(nan, nan, nan, nan, n)
    found, p = (float(value) for value in ranked(x, y))
    if n < least or abs(found) > 1 - 1e-12:
        return Correlation(found, nan, nan, p, n)
    half, z = float(ndtri((1 + level) / 2)) * sqrt(variance(found, n)), np.arctanh(found)
    return Correlation(found, float(np.tanh(z - half)), float(np.tanh(z + half)), p, n)


def standard_errors(first: tuple[float, float, int], second: tuple[float, float, int]) -> float:
    """How many standard errors two (mean, std, n) of separate samples differ by (Welch 1947); NaN without spread."""
    if first[2] < 1 or second[2] < 1:
        return nan
    squared = first[1] ** 2 / first[2] + second[1] ** 2 / second[2]
    return (first[0] - second[0]) / sqrt(squared) if squared > 0 else nan


def pareto(cost: ArrayLike, gain: ArrayLike) -> np.ndarray:
    """Which points [n] no other beats: none costs at most as much and gains at least as much, one of them strictly."""
    x, y = np.asarray(cost, dtype=float), np.asarray(gain, dtype=float)
    known = np.flatnonzero(~(np.isnan(x) | np.isnan(y)))
    order = known[np.lexsort((-y[known], x[known]))]  # the cheapest first, of equally cheap ones the best
    first = np.searchsorted(x[order], x[order], side="left")  # place of the best that costs as much
    cheaper = np.concatenate([[-np.inf], np.maximum.accumulate(y[order])])[first]  # the best that costs less
    front = np.zeros(x.shape, dtype=bool)
    front[order] = (y[order] == y[order][first]) & (y[order] > cheaper)
    return front


def known_values(values: ArrayLike) -> np.ndarray:
    """`values`, flat, without NaN."""
    x = np.asarray(values, dtype=float).ravel()
    known: np.ndarray = x[~np.isnan(x)]
    return known


def known_pairs(first: ArrayLike, second: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Both sides [n] without the pairs in which either is NaN."""
    x, y = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    known = ~(np.isnan(x) | np.isnan(y))
    return x[known], y[known]
