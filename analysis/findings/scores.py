"""How well zero-cost scores rank the networks that were trained, beside the sizes that rank them for nothing."""

from dataclasses import dataclass
from math import nan

import pandas as pd

from analysis.results.rows import Results
from analysis.results.zero_cost import NETWORK, SIZES, networks, seconds
from analysis.statistics.rank_correlation import Correlation, kendall, spearman

FEW = 5  # networks below which nothing is said of a rank correlation


@dataclass(frozen=True)
class Scored:
    """Of one score on one data set, over networks that one recipe trained. `rival`: ρ of parameters over the same
    networks; `seconds`: the mean of one, NaN where none was computed."""

    data: str
    score: str
    rho: Correlation
    tau: Correlation
    rival: float
    seconds: float

    @property
    def few(self) -> bool:
        return self.rho.n < FEW


def scores(results: Results) -> list[Scored]:
    """Parameters and MACs first, then the scores by name, for each data set and recipe; nothing where no network
    has a score."""
    if not (took := seconds(results)):
        return []
    each = networks(results)
    names = [*SIZES, *sorted(set(map(str, each)) - {*NETWORK, "methods", "accuracy", *SIZES})]
    return [
        _scored(str(label), name, own.dropna(subset=[name]), took.get(name, nan))
        for (label, _), own in each.groupby([_labels(each), "recipe"])
        for name in names
    ]


def _labels(each: pd.DataFrame) -> pd.Series:
    """The data set of each network, with its study and with the methods of its recipe where there are several."""
    alone = each.groupby(["study", "data"])["recipe"].transform("nunique") == 1
    studies = each["study"] + ": " if each["study"].nunique() > 1 else ""
    labels: pd.Series = studies + each["data"] + (" (" + each["methods"] + ")").mask(alone, "")
    return labels


def _scored(data: str, score: str, own: pd.DataFrame, took: float) -> Scored:
    reached = own["accuracy"]
    rival = spearman(own["parameters"], reached).rho
    return Scored(data, score, spearman(own[score], reached), kendall(own[score], reached), rival, took)
