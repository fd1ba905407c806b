"""Statistics of small paired samples, as pure functions on arrays. They know no file formats and no methods.

NaN marks a missing value everywhere. What cannot be said (one value, no spread) is NaN in the result, never a guess.
"""

from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

TIED = 1e-9  # a spread below this share of the largest value is rounding, not spread


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
    return mean_interval(differences(x, y), level)


def differences(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """First - second [n], where what is left of equal values by rounding is 0."""
    found = first - second
    largest = np.maximum(np.abs(first), np.abs(second))
    rounding = np.abs(found) <= TIED * largest
    return np.where(rounding, 0.0, found)


def standard_errors(first: tuple[float, float, int], second: tuple[float, float, int]) -> float:
    """How many standard errors two (mean, std, n) of separate samples differ by (Welch 1947); NaN without spread."""
    if first[2] < 1 or second[2] < 1:
        return nan
    squared = first[1] ** 2 / first[2] + second[1] ** 2 / second[2]
    return (first[0] - second[0]) / sqrt(squared) if squared > 0 else nan


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
