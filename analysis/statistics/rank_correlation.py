"""Rank correlations with their intervals."""

from collections.abc import Callable
from dataclasses import dataclass
from math import nan, sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from analysis.statistics.paired import known_pairs

VARIANCE = 0.437  # of Fisher's z of τ, times n − 4


@dataclass(frozen=True)
class Correlation:
    rho: float
    low: float
    high: float
    p: float
    n: int


def kendall(first: ArrayLike, second: ArrayLike, level: float = 0.95) -> Correlation:
    """τ-b, with Fisher's z interval of variance 0.437 / (n − 4) (Fieller, Hartley and Pearson 1957; Bonett and Wright
    2000).

    NaN where one side does not vary; no interval below five pairs.
    """
    from scipy.stats import kendalltau

    return correlation(kendalltau, first, second, 5, lambda tau, n: VARIANCE / (n - 4), level)


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
