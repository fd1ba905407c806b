"""Which networks no other beats in both accuracy and size, multiply-accumulates or latency: the Pareto front."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from analysis.figures.accuracy import ACCURACY, LABELS, SCALES, legend
from analysis.figures.style import INK, LINKED, Drawing, Look, grid, looks
from analysis.results import data_sets
from analysis.results.aggregate import done
from analysis.results.rows import Results
from analysis.results.searches import histories
from analysis.results.table import Line
from analysis.statistics.paired import pareto

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def front(results: Results, table: Sequence[Line], quantity: str) -> Drawing | None:
    """Every network that was found, a panel for each data set, and the front of all.

    None where networks were neither looked up nor found by searches that ask for one after the other: single trainings
    would make a front of lucky ones. None, too, where all networks are equal in `quantity`.
    """
    if quantity not in results.trials or not (results.study.get("table") or histories(results, table)):
        return None
    drawn = pd.concat([_networks(results, line, quantity) for line in table] or [pd.DataFrame()], ignore_index=True)
    if drawn.empty or drawn[quantity].nunique() < 2:
        return None
    panels = data_sets.groups(results.study, list(dict.fromkeys(drawn["row"])))
    names = {row: row.removeprefix(f"{data}/") for data, rows in panels.items() for row in rows}
    drawn["front"] = False
    for rows in panels.values():
        own = drawn["row"].isin(rows)
        drawn.loc[own, "front"] = pareto(drawn.loc[own, quantity].to_numpy(), drawn.loc[own, "accuracy"].to_numpy())
    figure, axes = grid(len(panels), columns=min(3, len(panels)), width=6.4 if len(panels) == 1 else 4.4, height=3.8)
    styles = looks(list(dict.fromkeys(names.values())))
    for place, (data, rows) in zip(axes, panels.items(), strict=True):
        place.set_title(data)
        place.set_xlabel(LABELS[quantity])
        place.set_ylabel(ACCURACY)
        for row in rows:
            _points(place, drawn[drawn["row"] == row], quantity, names[row], styles[names[row]])
        _front(place, drawn[drawn["row"].isin(rows) & drawn["front"]], quantity)
    legend(figure, axes[0])
    return Drawing(figure, drawn)


def _networks(results: Results, line: Line, quantity: str) -> pd.DataFrame:
    """A row for each architecture: the means over its trainings, in the drawn unit."""
    trials = done(results.trainings(line.method)).dropna(subset=["architecture", "test_accuracy", quantity])
    means = trials.groupby("architecture")[[quantity, "test_accuracy"]].mean()
    return pd.DataFrame(
        {
            "row": line.method,
            "architecture": means.index,
            quantity: means[quantity].to_numpy() * SCALES.get(quantity, 1.0),
            "accuracy": means["test_accuracy"].to_numpy(),
        }
    )


def _points(axes: "Axes", points: pd.DataFrame, quantity: str, name: str, look: Look) -> None:
    dots = axes.scatter(points[quantity], points["accuracy"], s=16, marker=look.marker, facecolors="none",
                        edgecolors=look.colour, linewidths=0.9, label=name)  # fmt: skip
    dots.set_rasterized(len(points) > LINKED)


def _front(axes: "Axes", points: pd.DataFrame, quantity: str) -> None:
    ordered = points.sort_values(quantity)
    axes.step(ordered[quantity], ordered["accuracy"], where="post", color=INK, linewidth=1, label="Pareto front")
    axes.margins(0.06)
