"""Points that no other beats in two quantities at once."""

import numpy as np
from numpy.typing import ArrayLike


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
