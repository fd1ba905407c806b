"""Accuracy against scale: a slope per method, whether the slopes are equal, and the rank correlation."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.results.aggregate import done
from analysis.results.rows import Results
from analysis.results.table import Line, family
from analysis.statistics.rank_correlation import Correlation, spearman
from analysis.statistics.regression import Slopes, slopes

UNITS = {"parameters": 1e6, "macs": 1e6, "shortcuts": 1.0, "long_shortcuts": 1.0}


@dataclass(frozen=True)
class Model:
    """`points` has a row for every architecture: group, x in the quantity's unit, y in percent, key of one row,
    and the cluster of those that depend on each other."""

    quantity: str
    points: pd.DataFrame
    slopes: Slopes
    correlations: dict[str, Correlation]


def models(
    results: Results, table: Sequence[Line], quantities: Sequence[str] = ("parameters", "shortcuts")
) -> list[Model]:
    """One model a quantity that varies, over the searched networks; twins are modelled apart (`twin_models`)."""
    return _models(results, {line.method: line.label for line in table if line.role == "method"}, quantities)


def twin_models(
    results: Results, table: Sequence[Line], quantities: Sequence[str] = ("parameters", "shortcuts")
) -> list[Model]:
    return _models(results, {line.twin: family(line.twin) for line in table if line.twin}, quantities)


def _models(results: Results, groups: dict[str, str], quantities: Sequence[str]) -> list[Model]:
    out = []
    for quantity in quantities:
        points = pd.concat([_points(results, m, g, quantity) for m, g in groups.items()] or [_NONE], ignore_index=True)
        if len(points) and np.ptp(points["x"]) > 0:
            fit = slopes(points["x"], points["y"], points["group"].tolist(), points["cluster"].tolist())
            ranks = {str(g): spearman(part["x"], part["y"]) for g, part in points.groupby("group", sort=False)}
            out.append(Model(quantity, points, fit, ranks))
    return out


_NONE = pd.DataFrame({"group": [], "x": [], "y": [], "key": [], "method": [], "cluster": []})


def _points(results: Results, method: str, group: str, quantity: str) -> pd.DataFrame:
    """One point an architecture: training seeds are averaged, so that no network counts twice."""
    trials = done(results.trainings(method)).dropna(subset=["test_accuracy", quantity])
    each = trials.groupby(["seed", "twin"], as_index=False, dropna=False).agg(
        x=(quantity, "mean"), y=("test_accuracy", "mean"), key=("key", "first"), needs=("needs", "first"),
        study=("study", "first"),
    )  # fmt: skip
    each["x"] /= UNITS[quantity]
    clusters = [_cluster(results, *at) for at in zip(each["study"], each["seed"], each["needs"], strict=True)]
    return each[["x", "y", "key"]].assign(
        group=group, method=method, cluster=pd.Series(clusters, each.index, dtype=object)
    )


def _cluster(results: Results, study: str, seed: float, needs: Sequence[str]) -> tuple[object, ...]:
    """What depends on each other: networks of one search, of any rule and snapshot, and their twins."""
    searches = tuple(key for key in needs if key in results.spent and results.spent[key].kind == "search")
    return (seed, *(searches or (study,)))
