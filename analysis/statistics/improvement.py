"""The probability that a run of one method ends above a run of another (Agarwal et al. 2021)."""

from dataclasses import dataclass
from functools import lru_cache
from math import nan

import numpy as np
from numpy.typing import ArrayLike

from analysis.statistics.paired import known_values

DRAWS = 20_000


@dataclass(frozen=True)
class Improvement:
    """`value` of 0 to 1 with its bootstrap interval; `first` and `second` count the runs."""

    value: float
    low: float
    high: float
    first: int
    second: int

    @property
    def shown(self) -> bool:
        """Whether the interval leaves out one half, at which no side is better."""
        return self.low > 0.5 or self.high < 0.5


def improvement(first: ArrayLike, second: ArrayLike, level: float = 0.95) -> Improvement:
    """Over all pairs of a run of `first` [n] and one of `second` [m], whichever their seeds; ties count one half.

    The interval is the percentile bootstrap of both sides, each resampled by itself, from a fixed stream. It knows
    nothing of pairs, and is too narrow where runs are few (docs/reviewers.md). NaN left out, and where a side is empty
    or has one run.
    """
    x, y = known_values(first), known_values(second)
    if not len(x) or not len(y):
        return Improvement(nan, nan, nan, len(x), len(y))
    above = (np.sign(x[:, None] - y) + 1) / 2
    value = float(above.mean())
    if min(len(x), len(y)) < 2:
        return Improvement(value, nan, nan, len(x), len(y))
    drawn = (_shares(above.shape[0], 0) @ above * _shares(above.shape[1], 1)).sum(axis=1)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Improvement(value, float(low), float(high), len(x), len(y))


@lru_cache(maxsize=16)
def _shares(n: int, side: int) -> np.ndarray:
    """How often each of n runs is drawn, as shares [draws, n]; each side has a stream of its own."""
    shares: np.ndarray = np.random.default_rng(side).multinomial(n, np.full(n, 1 / n), size=DRAWS) / n
    return shares
