"""Tests over several data sets: of all rows by their ranks, and of each pair in three ways, all of them exploratory.

The mean difference over the data sets, by search seed, says whether a method is better on these data sets: the seeds
are the sample, and the data sets are fixed. Ranks and the hierarchical model take the data sets for a sample of others.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
import pandas as pd

from analysis.findings.over_data_sets import by_seed, common
from analysis.findings.rules import Rules, rules
from analysis.results import data_sets
from analysis.results.pairs import Question, Sides, questions, row_of
from analysis.results.rows import Results
from analysis.results.table import Line
from analysis.statistics.friedman import Friedman, friedman
from analysis.statistics.hierarchical import Hierarchical, hierarchical
from analysis.statistics.multiple_testing import adjusted_p
from analysis.statistics.paired import Estimate, mean_interval
from analysis.statistics.permutation import SignFlip, signed_rank


@dataclass(frozen=True)
class Pair:
    """First minus second. The three p are adjusted by Holm's method over the pairs, and for looks.

    `each`: the difference on every data set; `every`: p that it has one sign on all of them.
    """

    first: str
    second: str
    each: tuple[Estimate, ...]
    mean: Estimate
    p_mean: float
    p_every: float
    ranks: SignFlip
    p_ranks: float
    model: Hierarchical
    methods: tuple[str, ...]  # the table rows that it comes from


@dataclass(frozen=True)
class Over:
    """`names`: the rows that every data set has, in the order of the test's ranks."""

    sets: tuple[str, ...]
    names: tuple[str, ...]
    test: Friedman
    pairs: tuple[Pair, ...]

    @property
    def least(self) -> float:
        """The smallest p that signed ranks of so many data sets can give."""
        return min((pair.ranks.least for pair in self.pairs if pair.ranks.n), default=nan)

    def able(self, fixed: Rules) -> bool:
        """Whether signed ranks could show any difference, after Holm's method and looks."""
        return self.least * len(self.pairs) * fixed.times <= fixed.alpha


def weakness(found: Over | None, fixed: Rules) -> list[str]:
    """A sentence where signed ranks could show nothing, whatever the rows."""
    if not found or not found.pairs or found.able(fixed):
        return []
    n, family = len(found.sets), len(found.pairs)
    after = f", after Holm's method over {family} pairs not below {min(1.0, found.least * family):.3g}"
    return [
        f"With {n} data sets Wilcoxon's exact two-sided p cannot go below 2/2ⁿ = {found.least:.3g}"
        f"{after if family > 1 else ''}: over data sets it can show nothing here."
    ]


def over_sets(results: Results, table: Sequence[Line]) -> Over | None:
    """None where there are not several data sets with two rows or more in common."""
    sets, names = common(results, table)
    if len(sets) < 2 or len(names) < 2:
        return None
    means = pd.DataFrame({data: by_seed(results, data, names).mean() for data in sets}).T
    if means.isna().any(axis=None):
        return None
    return Over(tuple(sets), tuple(names), friedman(means.to_numpy()), tuple(_pairs(results, table, sets, names)))


def _pairs(results: Results, table: Sequence[Line], sets: Sequence[str], names: Sequence[str]) -> Iterator[Pair]:
    sides, fixed = Sides(results, table), rules(results)
    asked = _asked(sides.distinct(), names)
    frames = [_differences(sides, question, sets) for question in asked]
    means = [mean_interval(frame.dropna().mean(axis=1), fixed.level) for frame in frames]
    each = [tuple(mean_interval(frame[data], fixed.level) for data in sets) for frame in frames]
    ranks = [_ranks(one) for one in each]
    adjusted = [adjusted_p(p, looks=fixed.times) for p in (
        [one.p for one in means], [every(one) for one in each], [one.p for one in ranks])]  # fmt: skip
    for n, question in enumerate(asked):
        model = hierarchical([frames[n][data] for data in sets], fixed.negligible, fixed.level)
        methods = tuple(f"{data}/{name}" for data in sets for name in question[1:])
        yield Pair(question.first, question.second, each[n], means[n], adjusted[0][n], adjusted[1][n], ranks[n],
                   adjusted[2][n], model, methods)  # fmt: skip


def _asked(lines: Sequence[Line], names: Sequence[str]) -> list[Question]:
    """Each row with its twins, and with each other row, by their names without the data set."""
    rows = {}
    for line in lines:
        name, twin = data_sets.split(line.method)[1], line.twin and data_sets.split(line.twin)[1]
        if name in names:
            rows[name] = {**row_of(line), "method": name, "twin": twin if twin in names else None}
    return [question for question in questions([*rows.values()]) if question.kind != "gain"]


def _differences(sides: Sides, question: Question, sets: Sequence[str]) -> pd.DataFrame:
    """A row a search seed, a column a data set; NaN where the pair is not complete."""
    found = {}
    for data in sets:
        placed = Question(question.kind, f"{data}/{question.first}", f"{data}/{question.second}")
        if sides.same_data(placed.first, placed.second):
            found[data] = sides.pairs(placed).differences
    return pd.DataFrame(found).reindex(columns=list(sets))


def every(each: Sequence[Estimate]) -> float:
    """p that the difference has one and the same sign on all data sets: the largest of theirs (Berger 1982).

    NaN where one of them has none.
    """
    p = [one.p for one in each]
    if any(one != one for one in p):
        return nan
    return max(p) if len({one.value > 0 for one in each}) == 1 else 1.0


def _ranks(each: Sequence[Estimate]) -> SignFlip:
    values = np.array([one.value for one in each])
    return signed_rank(values, np.zeros(len(values)))
