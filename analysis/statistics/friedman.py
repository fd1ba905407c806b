"""Ranks of several methods on several data sets: whether any differ, and how far apart mean ranks must lie.

A data set counts as one observation, however many seeds were run on it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations
from math import factorial, inf, nan, sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, fdtrc

MOST_EXACT = 1_000_000  # arrangements, of which all are tried
DRAWS = 99_999  # arrangements drawn above
DECIMALS = 9  # values that agree in so many are tied: what remains is rounding


@dataclass(frozen=True)
class Friedman:
    """`ranks` are means over data sets, 1 the best. `p_f` belongs to Iman and Davenport's `f`, `p` to permutations.

    `least`: the smallest `p` that so many data sets can give.
    """

    ranks: tuple[float, ...]
    chi2: float
    p_chi2: float
    f: float
    p_f: float
    p: float
    least: float
    n: int

    @property
    def freedom(self) -> tuple[int, int]:
        """Of `f`."""
        return len(self.ranks) - 1, (len(self.ranks) - 1) * (self.n - 1)


def friedman(values: ArrayLike) -> Friedman:
    """Friedman's test (1937) of `values` [data sets, methods], more being better, with correction for ties.

    Iman and Davenport's F (1980) follows it, as Demšar (2006) advises. Both are approximations for many data sets; `p`
    arranges the ranks within each data set in all ways, or above a million in 99,999 drawn from a fixed stream with the
    data counted among them. NaN where all are tied. Raises ValueError below two data sets or methods, or for NaN.
    """
    from scipy.stats import rankdata

    x = np.asarray(values, dtype=float)
    if x.ndim != 2 or min(x.shape) < 2 or np.isnan(x).any():
        raise ValueError(f"values {x.shape} must be known ones of two data sets or more, two methods or more")
    n, k = x.shape
    ranks = rankdata(-np.round(x, DECIMALS), axis=1)
    spread = float((ranks**2).sum() - n * k * (k + 1) ** 2 / 4)
    means = tuple(float(mean) for mean in ranks.mean(axis=0))
    if not spread:
        return Friedman(means, nan, nan, nan, nan, nan, nan, n)
    chi2 = (k - 1) * _squares(ranks.sum(axis=0)) / spread
    left = n * (k - 1) - chi2
    f = (n - 1) * chi2 / left if left > 1e-9 else inf
    p_f = float(fdtrc(k - 1, (k - 1) * (n - 1), f)) if f < inf else 0.0
    return Friedman(means, float(chi2), float(chdtrc(k - 1, chi2)), float(f), p_f, *_permuted(ranks), n)


def critical_difference(methods: int, data_sets: int, alpha: float = 0.05) -> float:
    """How far mean ranks must lie apart for Nemenyi's test (1963) to show a difference of any two methods."""
    from scipy.stats import studentized_range

    q = float(studentized_range.ppf(1 - alpha, methods, np.inf)) / sqrt(2)
    return q * sqrt(methods * (methods + 1) / (6 * data_sets))


def cliques(ranks: Sequence[float], difference: float) -> list[tuple[float, float]]:
    """Lowest and highest mean rank of each largest group of two or more without a difference of that size."""
    ordered = sorted(ranks)
    ends = [(low, max(rank for rank in ordered if rank - low <= difference + 1e-9)) for low in ordered]
    longest = [ends[0], *(after for before, after in pairwise(ends) if after[1] > before[1])]
    return [(low, high) for low, high in longest if sum(low <= rank <= high for rank in ordered) > 1]


def _squares(sums: np.ndarray) -> np.ndarray:
    """Of rank sums [..., methods] around their mean."""
    found: np.ndarray = ((sums - sums.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1)
    return found


def _permuted(ranks: np.ndarray) -> tuple[float, float]:
    """p, and the least one possible. The first data set stays as it is: only how the others lie to it counts."""
    n, k = ranks.shape
    arrangements = factorial(k) ** (n - 1)
    exact = arrangements <= MOST_EXACT
    sums = _all_sums(ranks) if exact else _drawn_sums(ranks)
    extreme = int((_squares(sums) >= _squares(ranks.sum(axis=0)) - 1e-9).sum())
    return (extreme / len(sums), 1 / arrangements) if exact else ((1 + extreme) / (1 + DRAWS), 1 / (1 + DRAWS))


def _all_sums(ranks: np.ndarray) -> np.ndarray:
    sums = ranks[:1]
    for row in ranks[1:]:
        sums = (sums[:, None] + np.array([*permutations(row)])).reshape(-1, len(row))
    return sums


def _drawn_sums(ranks: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(0)
    sums = np.tile(ranks[0], (DRAWS, 1))
    for row in ranks[1:]:
        sums += rng.permuted(np.tile(row, (DRAWS, 1)), axis=1)
    return sums
