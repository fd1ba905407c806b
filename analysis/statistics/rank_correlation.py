"""Kendall's rank correlation with its interval; Spearman's stands in `paired`."""

from math import nan, sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from analysis.statistics.paired import Correlation, known_pairs

VARIANCE = 0.437  # of Fisher's z of τ, times n − 4


def kendall(first: ArrayLike, second: ArrayLike, level: float = 0.95) -> Correlation:
    """τ-b, with Fisher's z interval of variance 0.437 / (n − 4) (Fieller, Hartley and Pearson 1957; Bonett and Wright
    2000).

    NaN where one side does not vary; no interval below five pairs.
    """
    from scipy.stats import kendalltau

    x, y = known_pairs(first, second)
    n = len(x)
    if n < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return Correlation(nan, nan, nan, nan, n)
    tau, p = (float(value) for value in kendalltau(x, y))
    if n < 5 or abs(tau) > 1 - 1e-12:
        return Correlation(tau, nan, nan, p, n)
    half, z = float(ndtri((1 + level) / 2)) * sqrt(VARIANCE / (n - 4)), np.arctanh(tau)
    return Correlation(tau, float(np.tanh(z - half)), float(np.tanh(z + half)), p, n)
