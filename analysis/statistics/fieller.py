"""Relative improvement as a ratio of means with Fieller's interval.

The mean of ratios is biased upwards where the denominator is noisy; the ratio of means is not, to first order.
"""

from math import nan, sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from analysis.statistics.paired import TIED, Estimate, known_pairs, paired


def relative_improvement(first: ArrayLike, second: ArrayLike, level: float = 0.95) -> Estimate:
    """100 (mean first - mean second) / mean second over pairs [n], in percent, with Fieller's interval (1954).

    The interval holds every ratio θ that a t test of mean first - θ mean second = 0 does not reject, so it excludes 0
    exactly where the paired t test, whose `p` this is, finds a difference at that level. Where the mean of `second`
    itself does not differ significantly from 0 the set is unbounded: both ends are NaN. They are NaN as well below two
    pairs and where the differences or the pairs' residuals do not vary. `std` is that of 100 (first - θ second) / mean
    second, θ the ratio found (delta method). Pairs with a missing side are left out.
    """
    x, y = known_pairs(first, second)
    difference = paired(x, y)
    n = len(x)
    if not n or not y.mean():
        return Estimate(nan, nan, nan, nan, nan, n)
    ratio = float(x.mean() / y.mean())
    value = 100 * (ratio - 1)
    if n == 1:
        return Estimate(value, nan, nan, nan, nan, 1)
    residuals = x - ratio * y
    std = 100 * float(residuals.std(ddof=1)) / abs(float(y.mean()))
    constant = np.ptp(residuals) <= TIED * max(np.abs(x).max(), np.abs(y).max())
    low, high = (nan, nan) if constant or np.isnan(difference.p) else _interval(x, y, level)
    return Estimate(value, 100 * (low - 1), 100 * (high - 1), difference.p, std, n)


def _interval(x: np.ndarray, y: np.ndarray, level: float) -> tuple[float, float]:
    """Ends of {θ: (mean x - θ mean y)² ≤ t² var(x - θ y) / n}, a quadratic in θ; NaN where it is not an interval."""
    n = len(x)
    scale = float(np.abs(y).max())  # keeps the squares of large numbers apart
    u, v = x / scale, y / scale
    t2 = float(stdtrit(n - 1, (1 + level) / 2)) ** 2 / n
    covariance = np.cov(u, v)
    a = float(v.mean() ** 2 - t2 * covariance[1, 1])
    b = float(u.mean() * v.mean() - t2 * covariance[0, 1])
    c = float(u.mean() ** 2 - t2 * covariance[0, 0])
    if a <= 0:
        return nan, nan
    root = sqrt(max(0.0, b * b - a * c))
    return (b - root) / a, (b + root) / a
