"""How much the differences of comparisons spread, pooled over those of one kind and data set, and on how many degrees
of freedom."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import minimum_spanning_tree

from analysis.results.pairs import Pairs
from analysis.statistics.paired import TIED, known_values, pooled_std


class Spread(NamedTuple):
    """A standard deviation of differences, in points; NaN on no degrees of freedom."""

    std: float
    freedom: int


def spreads(family: Sequence[Pairs]) -> list[Spread]:
    """Of each comparison: pooled over those whose differences may spread equally, of one kind, one data set and without
    failures; its own where it has failures."""
    without = [pairs for pairs in family if not pairs.failures]
    pooled = {group: pooled_spread([pairs for pairs in without if _group(pairs) == group])
              for group in {_group(pairs) for pairs in without}}  # fmt: skip
    return [pooled_spread([pairs]) if pairs.failures else pooled[_group(pairs)] for pairs in family]


def _group(pairs: Pairs) -> tuple[str, str]:
    return pairs.kind, pairs.data


def pooled_spread(family: Sequence[Pairs]) -> Spread:
    """Without comparisons whose differences are all equal."""
    samples = [(pairs, known_values(pairs.differences)) for pairs in family]
    varied = [(pairs, x) for pairs, x in samples if len(x) > 1 and x.std(ddof=1) > TIED * np.abs(x).max()]
    return Spread(pooled_std([x for _, x in varied]), _freedom([(pairs.sides, len(x) - 1) for pairs, x in varied]))


def _freedom(found: Sequence[tuple[tuple[str, str], int]]) -> int:
    """Of comparisons, each with its own degrees: those between k rows follow from k - 1 of them, a spanning tree of
    the sides. For k rows of n seeds and equal noise that is exact, (k - 1)(n - 1)."""
    if not found:
        return 0
    names = sorted({side for sides, _ in found for side in sides})
    first, second = ([names.index(sides[n]) for sides, _ in found] for n in (0, 1))
    costs = [-degrees for _, degrees in found]  # the tree of most degrees
    tree = minimum_spanning_tree(coo_array((costs, (first, second)), shape=(len(names), len(names))))
    return -round(tree.sum())
