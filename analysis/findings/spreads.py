"""How much the differences of each comparison spread, and on how many degrees of freedom that is known."""

from collections.abc import Hashable, Sequence
from math import inf, isinf, nan, sqrt
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import minimum_spanning_tree

from analysis.results.pairs import Pairs
from analysis.results.table import family as method_of
from analysis.statistics.moderated import Prior, posterior, prior
from analysis.statistics.paired import mean_interval
from analysis.statistics.pooled import correlated_freedom


class Spread(NamedTuple):
    """A standard deviation of differences, in points; NaN on no degrees of freedom."""

    std: float
    freedom: float


def spreads(family: Sequence[Pairs]) -> list[Spread]:
    """Of each comparison: its own, drawn towards those of the others that may spread as much, as far as these are alike
    (Smyth 2004); its own alone where it has failures."""
    groups: dict[Hashable, list[int]] = {}
    for n, pairs in enumerate(family):
        groups.setdefault(n if pairs.failures else _group(pairs), []).append(n)
    found: dict[int, Spread] = {}
    for members in groups.values():
        found |= zip(members, _shared([family[n] for n in members]), strict=True)
    return [found[n] for n in range(len(family))]


def own_spread(pairs: Pairs) -> Spread:
    return _shared([pairs])[0]


def _group(pairs: Pairs) -> Hashable:
    """One kind and data set; a method's snapshots, of one search, differ less from each other than methods do."""
    first, second = map(method_of, pairs.sides)
    return pairs.kind, pairs.data, first == second


def _shared(group: Sequence[Pairs]) -> list[Spread]:
    """Comparisons whose differences are all equal say nothing of how much the others spread."""
    found = [mean_interval(pairs.differences) for pairs in group]
    variances = np.array([one.std**2 if one.std > 0 else nan for one in found])
    freedoms = np.array([one.n - 1.0 if one.std > 0 else 0.0 for one in found])
    varied = [pairs for pairs, one in zip(group, found, strict=True) if one.std > 0]
    common, most = prior(variances, freedoms), _freedom(varied)
    if isinf(common.freedom):  # all are alike: each counts by its pairs
        common = Prior(float(np.nansum(freedoms * variances) / freedoms.sum()), inf)
    return [
        Spread(sqrt(posterior(variance, own, common)), max(own, min(own + common.freedom, most)))
        for variance, own in zip(variances, freedoms, strict=True)
    ]


def _freedom(varied: Sequence[Pairs]) -> float:
    """Of a variance pooled over them. Those between k rows follow from k - 1 of them, a spanning tree of the sides: for
    k independent rows of n seeds that is exact, (k - 1)(n - 1). Rows that are correlated have fewer."""
    if not varied:
        return 0.0
    names = sorted({side for pairs in varied for side in pairs.sides})
    first, second = ([names.index(pairs.sides[n]) for pairs in varied] for n in (0, 1))
    costs = [1.0 - pairs.differences.notna().sum() for pairs in varied]  # the tree of most degrees
    tree = minimum_spanning_tree(coo_array((costs, (first, second)), shape=(len(names), len(names))))
    return min(-float(tree.sum()), correlated_freedom(pd.DataFrame(dict(enumerate(p.differences for p in varied)))))
