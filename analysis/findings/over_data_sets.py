"""Methods over several data sets: their mean rank, and their mean accuracy on a scale from a random draw to the best.

The data sets are fixed: intervals say how much search seeds matter, and nothing of data sets that are not here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.results import data_sets
from analysis.results.outcomes import outcomes
from analysis.results.rows import Results
from analysis.results.table import Line
from analysis.statistics.paired import Estimate, mean_interval


@dataclass(frozen=True)
class Summary:
    """Of one method: `rank` 1 is the best; `scaled` is 0 for the expected uniform draw and 1 for the best known."""

    method: str
    rank: Estimate
    scaled: Estimate | None  # where the scale's ends are known
    rows: tuple[str, ...]


def summaries(results: Results, table: Sequence[Line], level: float) -> list[Summary]:
    """One a method that every data set has, twins among them; none where the study has one data set."""
    groups, names = common(results, table)
    if len(groups) < 2:
        return []
    values = {data: by_seed(results, data, names) for data in groups}
    ranks = _mean([frame.rank(axis=1, ascending=False) for frame in values.values()])
    scale: Mapping[str, Any] = results.study.get("scale") or {}
    scaled = _mean([_scaled(frame, scale[data]) for data, frame in values.items()]) if {*groups} <= scale.keys() \
        else None  # fmt: skip
    return [
        Summary(
            name,
            mean_interval(ranks[name], level),
            None if scaled is None else mean_interval(scaled[name], level),
            tuple(f"{data}/{name}" for data in groups),
        )
        for name in sorted(names, key=lambda name: ranks[name].mean())
    ]


def common(results: Results, table: Sequence[Line]) -> tuple[list[str], list[str]]:
    """The data sets, and the rows that each of them has, twins among them; none for several studies put together.

    Two studies may hold the same data sets: each would count twice. The best of several searches is no rival of one.
    """
    if results.together:
        return [], []
    rows = [name for line in table if not line.best_of for name in (line.method, line.twin) if name]
    groups = data_sets.groups(results.study, rows)
    first, *others = [_names(group) for group in groups.values()] or [[]]
    return list(groups), [name for name in first if all(name in other for other in others)]


def _names(methods: Sequence[str]) -> list[str]:
    return [data_sets.split(method)[1] for method in methods]


def by_seed(results: Results, data: str, names: Sequence[str]) -> pd.DataFrame:
    """Mean accuracy of each method (columns) at each search seed at which all have one; failures count as guessing."""
    each = {name: outcomes(results.trainings(f"{data}/{name}")).groupby("seed")["outcome"].mean() for name in names}
    return pd.DataFrame(each).dropna()


def _scaled(frame: pd.DataFrame, ends: Mapping[str, float]) -> pd.DataFrame:
    return (frame - ends["uniform"]) / (ends["best"] - ends["uniform"])


def _mean(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Over data sets, of the seeds that all have."""
    return pd.concat(frames).groupby(level=0).filter(lambda rows: len(rows) == len(frames)).groupby(level=0).mean()
