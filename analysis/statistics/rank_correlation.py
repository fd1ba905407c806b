"""Kendall's rank correlation with its interval; Spearman's stands in `paired`."""

from numpy.typing import ArrayLike

from analysis.statistics.paired import Correlation, correlation

VARIANCE = 0.437  # of Fisher's z of τ, times n − 4


def kendall(first: ArrayLike, second: ArrayLike, level: float = 0.95) -> Correlation:
    """τ-b, with Fisher's z interval of variance 0.437 / (n − 4) (Fieller, Hartley and Pearson 1957; Bonett and Wright
    2000).

    NaN where one side does not vary; no interval below five pairs.
    """
    from scipy.stats import kendalltau

    return correlation(kendalltau, first, second, 5, lambda tau, n: VARIANCE / (n - 4), level)
