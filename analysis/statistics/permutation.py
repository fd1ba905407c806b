"""Tests that assume only that the two sides of a pair are exchangeable: each difference is as likely with either sign.

No stream of random numbers but a fixed one is used, so a p-value is the same everywhere and never depends on a seed.
"""

from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import ArrayLike

from analysis.statistics.paired import TIED, known_pairs, known_values

MOST_EXACT = 20  # pairs, of which all 2ⁿ signs are tried
DRAWS = 99_999  # signs drawn above
ROUNDING = 1e-12  # of the largest value: what decimal numbers lose as binary ones


@dataclass(frozen=True)
class SignFlip:
    """`statistic`: the mean of the signed scores; `least`: the smallest p that so many differences can give."""

    statistic: float
    p: float
    least: float
    n: int


def sign_flip(differences: ArrayLike) -> SignFlip:
    """Two-sided sign-flip test of paired `differences` [n] on their mean (Fisher 1935), NaN left out.

    Exact up to 20 pairs, where p is at least 2 / 2ⁿ; above, 99,999 signs drawn from a fixed stream, the data counted
    among them (Phipson and Smyth 2010), so p is at least 1 / 100,000. A difference of 0 counts as a pair and tells
    nothing, and the least p is that of the others; without pairs p is NaN, without any difference it is 1. Raises
    ValueError for infinite differences: those have ranks only (`signed_rank`).
    """
    x = known_values(differences)
    n = len(x)
    if not np.isfinite(x).all():
        raise ValueError("sign_flip needs finite differences; signed_rank takes infinite ones")
    if not n:
        return SignFlip(nan, nan, nan, 0)
    scores = np.sort(np.abs(x))[::-1]  # p depends on neither order nor sign
    if not scores[0]:
        return SignFlip(0.0, 1.0, 1.0, n)
    scores, total = scores / scores[0], abs(float((x / scores[0]).sum()))
    sums = _all_sums(scores) if n <= MOST_EXACT else _drawn_sums(scores)
    extreme = int((np.abs(sums) >= total - TIED * n).sum())
    p = extreme / len(sums) if n <= MOST_EXACT else (1 + extreme) / (1 + len(sums))
    return SignFlip(float(x.mean()), p, _least(n, int((scores > 0).sum())), n)


def signed_rank(first: ArrayLike, second: ArrayLike) -> SignFlip:
    """Sign-flip test on the ranks of paired differences [n], more being better; failed runs count (Wilcoxon 1945).

    A failed run is -inf and loses against everything, by the highest rank; two failures tie. Equal differences share
    their mean rank, a tie of the sides has score 0 (Pratt 1959). Pairs with a missing side (NaN) are left out.
    """
    from scipy.stats import rankdata

    x, y = known_pairs(first, second)
    differences = np.subtract(x, y, where=x != y, out=np.zeros(len(x)))
    finite = [np.abs(side[np.isfinite(side)]).max(initial=0.0) for side in (x, y)]
    unit = ROUNDING * max(finite) or 1.0  # below it differences do not differ
    sizes = np.where(np.isinf(differences), np.inf, np.round(np.abs(differences) / unit))
    return sign_flip(np.sign(differences) * (sizes > 0) * rankdata(sizes))


def _least(n: int, differ: int) -> float:
    return max(2.0 ** (1 - differ), 0.0 if n <= MOST_EXACT else 1 / (1 + DRAWS))


def _all_sums(scores: np.ndarray) -> np.ndarray:
    """Of all 2ⁿ signs."""
    sums = np.zeros(1)
    for score in scores:
        sums = np.concatenate([sums + score, sums - score])
    return sums


def _drawn_sums(scores: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(0)
    sums = np.zeros(DRAWS)
    for score in scores:  # one at a time: memory stays that of the draws
        sums += np.where(rng.integers(0, 2, DRAWS, dtype=np.int8), score, -score)
    return sums
