"""Figures of accuracy against scale and cost: regression lines with bands, the Pareto front, where the cost goes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.figures.accuracy import ACCURACY, LABELS, SCALES, anchor, legend
from analysis.figures.style import FAINT, INK, LINKED, PAPER, Drawing, Look, canvas, looks
from analysis.findings.slopes import Model
from analysis.results.aggregate import counted
from analysis.results.rows import Results
from analysis.results.table import Line
from analysis.statistics.pareto import pareto

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KINDS = {  # of trial: what it is called, its colour and hatch
    "search": ("search", "#0072b2", ""),
    "perturbation": ("reading by perturbation", "#e69f00", "////"),
    "score": ("scoring", "#cc79a7", "...."),
    "tune": ("tuning", "#56b4e9", "xxxx"),
    "black-box": ("black-box search", "#009e73", "\\\\\\\\"),
    "train": ("training", "#d55e00", "----"),
}


def regression(model: Model, groups: Sequence[str]) -> Drawing:
    """Every architecture of `groups` as a point, a line per method with its pointwise 95 % band (CR2 by search)."""
    figure, axes = canvas()
    styles = looks(groups)
    drawn = _marks(model, groups)
    for group, marks in drawn.groupby("method", sort=False):
        _group(axes, marks, model.quantity, styles[str(group)])
    points = drawn.loc[drawn["mark"] == "network", "accuracy"]
    low, high = points.min(), points.max()
    room = max(1.0, 0.6 * (high - low))  # a band from few networks would leave nothing of them
    axes.set_ylim(max(low - room, -2), min(high + room, 102))  # percent
    axes.set_xlabel(LABELS[model.quantity])
    axes.set_ylabel(ACCURACY)
    legend(figure, axes)
    return Drawing(figure, drawn)


def _marks(model: Model, groups: Sequence[str]) -> pd.DataFrame:
    """The networks of each of `groups`, then its line with the ends of its band."""
    parts = []
    for group, points in model.points[model.points["group"].isin(groups)].groupby("group", sort=False):
        networks = pd.DataFrame({"x": points["x"], "accuracy": points["y"], "key": points["key"]})
        parts.append(networks.assign(method=group, mark="network"))
        if str(group) in model.slopes.covariance:
            x = np.linspace(points["x"].min(), points["x"].max(), 25)
            line, low, high = model.slopes.band(str(group), x)
            parts.append(pd.DataFrame({"x": x, "accuracy": line, "low": low, "high": high, "method": group,
                                       "mark": "line"}))  # fmt: skip
    names = ["method", "mark", "x", "accuracy", "low", "high", "key"]
    return pd.concat(parts, ignore_index=True).reindex(columns=names).rename(columns={"x": model.quantity})


def _group(axes: "Axes", marks: pd.DataFrame, quantity: str, look: Look) -> None:
    points, line = marks[marks["mark"] == "network"], marks[marks["mark"] == "line"]
    dots = axes.scatter(points[quantity], points["accuracy"], s=20, marker=look.marker, edgecolors=look.colour,
                        facecolors=PAPER, linewidths=0.9, zorder=3)  # fmt: skip
    if len(points) <= LINKED:
        dots.set_urls([f"#row-{key}" for key in points["key"]])
    dots.set_rasterized(len(points) > LINKED)
    if len(line):
        x = line[quantity]
        axes.fill_between(x, line["low"], line["high"], color=look.colour, alpha=0.15, linewidth=0)
        axes.plot(x, line["accuracy"], color=look.colour, linestyle=look.line)
    label = f"{points['method'].iloc[0]} ({len(points)} networks)"
    axes.plot([], [], color=look.colour, linestyle=look.line, marker=look.marker, markerfacecolor=PAPER, label=label)


def cost_front(results: Results, lines: Sequence[Line]) -> Drawing | None:
    """Mean accuracy, failures counted, against mean cost; the Pareto front joins what nothing beats in both."""
    known = [(line, line.cells["cost"], counted(results.trainings(line.method))) for line in lines]
    rows = [(line.method, line.label, line.search_epochs, cost.mean * SCALES["cost"], accuracy.mean, accuracy.std)
            for line, cost, accuracy in known if accuracy.n and cost.n]  # fmt: skip
    if not rows:
        return None
    drawn = pd.DataFrame(rows, columns=["row", "method", "search_epochs", "hours", "accuracy", "accuracy_std"])
    drawn = drawn.astype({"search_epochs": "Int64"})
    drawn["front"] = pareto(drawn["hours"].to_numpy(), drawn["accuracy"].to_numpy())
    figure, axes = canvas()
    front = drawn[drawn["front"]].sort_values("hours")
    axes.step(front["hours"], front["accuracy"], where="post", color=FAINT, linewidth=1.2, label="Pareto front")
    labels = list(dict.fromkeys(line.label for line in lines))
    styles = looks(labels)
    for method, own in drawn.groupby("method", sort=False):
        _costs(axes, own, styles[str(method)], above=labels.index(str(method)) % 2 == 0)
    axes.set_xlabel(LABELS["cost"])
    axes.set_ylabel(ACCURACY)
    axes.margins(0.08)
    legend(figure, axes)
    return Drawing(figure, drawn)


def _costs(axes: "Axes", points: pd.DataFrame, look: Look, above: bool) -> None:
    """The rows of one method, each with its epochs of search beside it."""
    x, y = points["hours"], points["accuracy"]
    axes.errorbar(x, y, np.nan_to_num(points["accuracy_std"]), fmt="none", ecolor=look.colour, elinewidth=0.8,
                  capsize=2, alpha=0.7)  # fmt: skip
    dots = axes.scatter(x, y, s=look.size, marker=look.marker, color=look.colour, zorder=3,
                        label=points["method"].iloc[0])  # fmt: skip
    dots.set_urls([f"#{anchor(row)}" for row in points["row"]])
    for place, epochs in zip(zip(x, y, strict=True), points["search_epochs"], strict=True):
        if not pd.isna(epochs):
            axes.annotate(f"@{epochs}", place, xytext=(5, 5 if above else -11), textcoords="offset points", fontsize=7)


def cost_bars(lines: Sequence[Line]) -> Drawing | None:
    """Mean device-hours to find and train one network, by kind of trial."""
    names = [line.method for line in lines if line.cells["cost"].n]
    if not names:
        return None
    spent = {
        (line.method, kind): line.spent[kind].mean / 3600 for line in lines for kind in KINDS if kind in line.spent
    }
    rows = [(name, kind, spent.get((name, kind), 0.0)) for kind in KINDS for name in names]
    drawn = pd.DataFrame(rows, columns=["row", "kind", "hours"])
    drawn = drawn[drawn.groupby("kind")["hours"].transform("any")]
    figure, axes = canvas(height=0.9 + 0.32 * len(names))
    left = np.zeros(len(names))
    for kind, (label, colour, hatch) in KINDS.items():
        if len(width := drawn.loc[drawn["kind"] == kind, "hours"].to_numpy()):
            axes.barh(range(len(names)), width, left=left, color=colour, hatch=hatch, edgecolor=INK, linewidth=0.5,
                      height=0.65, label=label)  # fmt: skip
            left += width
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlabel(LABELS["cost"])
    axes.grid(axis="y", visible=False)
    legend(figure, axes)
    return Drawing(figure, drawn)
