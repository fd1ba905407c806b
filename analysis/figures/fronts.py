"""Which networks no other beats in both accuracy and size, multiply-accumulates or latency: the Pareto front."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.figures.accuracy import ACCURACY, LABELS, SCALES, legend
from analysis.figures.style import INK, LINKED, Drawing, Look, by_data_set, looks
from analysis.results import data_sets
from analysis.results.aggregate import done
from analysis.results.rows import Results
from analysis.results.searches import histories
from analysis.results.table import Line
from analysis.statistics.pareto import pareto

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BY = ["data", "architecture"]


def front(results: Results, table: Sequence[Line], quantity: str) -> Drawing | None:
    """Every network that was found, a panel for each data set, and the front of all.

    None where networks were neither looked up nor found by searches that ask for one after the other: single trainings
    would make a front of lucky ones. None, too, where all networks are equal in `quantity`.
    """
    if not (results.study.get("table") or histories(results, table)):
        return None
    sizes = _sizes(results.trials, quantity)
    networks = [_networks(results, line, sizes) for line in table]
    drawn = pd.concat([found for found in networks if len(found)] or [pd.DataFrame()], ignore_index=True)
    if drawn.empty or drawn[quantity].nunique() < 2:
        return None
    panels = data_sets.groups(results.study, list(dict.fromkeys(drawn["row"])))
    names = {row: row.removeprefix(f"{data}/") for data, rows in panels.items() for row in rows}
    drawn["front"] = False
    for rows in panels.values():
        own = drawn["row"].isin(rows)
        drawn.loc[own, "front"] = pareto(drawn.loc[own, quantity].to_numpy(), drawn.loc[own, "accuracy"].to_numpy())
    figure, axes = by_data_set(len(panels))
    styles = looks(list(dict.fromkeys(names.values())))
    for place, (data, rows) in zip(axes, panels.items(), strict=True):
        place.set_title(data)
        place.set_xlabel(LABELS[quantity])
        place.set_ylabel(ACCURACY)
        for row in rows:
            _points(place, drawn[drawn["row"] == row], quantity, names[row], styles[names[row]])
        _front(place, drawn[drawn["row"].isin(rows) & drawn["front"]], quantity)
        _cut(place, drawn.loc[drawn["row"].isin(rows), "accuracy"])
    legend(figure, *axes)
    return Drawing(figure, drawn)


def _cut(axes: "Axes", accuracies: pd.Series) -> None:
    """Without the lowest tenth, where it lies so far below that nothing else could be distinguished."""
    tenth, best = float(accuracies.quantile(0.1)), float(accuracies.max())
    if accuracies.min() < tenth - 2 * (best - tenth):
        axes.set_ylim(tenth - 0.1 * (best - tenth) - 1e-6, best + 0.1 * (best - tenth) + 1e-6)


def searched(results: Results, table: Sequence[Line], quantity: str) -> Drawing | None:
    """The front that each search with this objective has seen, a line a search, a panel for each data set."""
    found = {row: each for row, every in histories(results, table).items()
             if (each := [one.front for one in every if one.objective == quantity and len(one.front)])}  # fmt: skip
    if not found:
        return None
    parts = [_seen(row, number, points, quantity) for row, each in found.items() for number, points in enumerate(each)]
    panels = data_sets.groups(results.study, list(found))
    names = {row: row.removeprefix(f"{data}/") for data, rows in panels.items() for row in rows}
    styles, drawn = looks(list(dict.fromkeys(names.values()))), pd.concat(parts, ignore_index=True)
    figure, axes = by_data_set(len(panels))
    for place, (data, rows) in zip(axes, panels.items(), strict=True):
        place.set_title(data)
        place.set_xlabel(LABELS[quantity])
        place.set_ylabel("Validation accuracy, %")
        for row in rows:
            _steps(place, drawn[drawn["row"] == row], quantity, names[row], styles[names[row]])
        place.set_ylim(float(drawn.loc[drawn["row"].isin(rows), "accuracy"].quantile(0.25)) - 1e-6, None)
    legend(figure, *axes)
    return Drawing(figure, drawn)


def _seen(row: str, number: int, points: np.ndarray, quantity: str) -> pd.DataFrame:
    ordered = points[points[:, 2].argsort(kind="stable")]
    return pd.DataFrame({"row": row, "search": number, quantity: ordered[:, 2] * SCALES.get(quantity, 1.0),
                         "accuracy": ordered[:, 1]})  # fmt: skip


def _steps(axes: "Axes", points: pd.DataFrame, quantity: str, name: str, look: Look) -> None:
    strength = min(1.0, 4 / points["search"].nunique() + 0.05)
    for _, own in points.groupby("search"):
        axes.step(
            own[quantity],
            own["accuracy"],
            where="post",
            color=look.colour,
            linestyle=look.line,
            linewidth=0.9,
            alpha=strength,
        )
    axes.plot([], [], color=look.colour, linestyle=look.line, label=name)


def _networks(results: Results, line: Line, sizes: pd.Series) -> pd.DataFrame:
    """A row for each architecture: the mean accuracy of its trainings, and its size in the drawn unit."""
    trials = done(results.trainings(line.method)).dropna(subset=["architecture", "test_accuracy"])
    means = trials.groupby(BY)["test_accuracy"].mean().rename("accuracy")
    found = pd.concat([sizes.reindex(means.index), means], axis=1).dropna().reset_index()
    return found.drop(columns="data").assign(row=line.method)


def _sizes(trials: pd.DataFrame, quantity: str) -> pd.Series:
    """By data set and architecture, whichever row says it: a table's latency stands at what the search saw."""
    known = trials.dropna(subset=[quantity]).groupby(BY)[quantity].mean()
    return known * SCALES.get(quantity, 1.0)


def _points(axes: "Axes", points: pd.DataFrame, quantity: str, name: str, look: Look) -> None:
    dots = axes.scatter(points[quantity], points["accuracy"], s=16, marker=look.marker, facecolors="none",
                        edgecolors=look.colour, linewidths=0.9, label=name)  # fmt: skip
    dots.set_rasterized(len(points) > LINKED)


def _front(axes: "Axes", points: pd.DataFrame, quantity: str) -> None:
    ordered = points.sort_values(quantity)
    axes.step(ordered[quantity], ordered["accuracy"], where="post", color=INK, linewidth=1, label="Pareto front")
    axes.margins(0.06)
