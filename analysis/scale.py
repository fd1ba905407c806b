"""Figures of accuracy against scale and cost: regression lines with bands, the Pareto front, where the cost goes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from analysis.figures import ACCURACY, LABELS, SCALES, anchor, legend
from analysis.models import Model
from analysis.statistics import pareto
from analysis.style import FAINT, INK, LINKED, PAPER, canvas, looks
from analysis.table import Line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HATCHES = ("", "////", "....", "xxxx", "\\\\\\\\")
KINDS = {"search": "search", "score": "scoring", "tune": "tuning", "train": "training"}


def regression(model: Model) -> "Figure":
    """Every architecture as a point, a line per method with its pointwise 95 % band (CR2 by seed)."""
    figure, (axes,) = canvas()
    styles = looks(list(model.slopes.slopes))
    for group, points in model.points.groupby("group", sort=False):
        look = styles[str(group)]
        dots = axes.scatter(points["x"], points["y"], s=20, marker=look.marker, edgecolors=look.colour,
                            facecolors=PAPER, linewidths=0.9, zorder=3)  # fmt: skip
        if len(points) <= LINKED:
            dots.set_urls([f"#row-{key}" for key in points["key"]])
        dots.set_rasterized(len(points) > LINKED)
        label = f"{group} ({len(points)} networks)"
        if str(group) in model.slopes.covariance:
            x = np.linspace(points["x"].min(), points["x"].max(), 50)
            line, low, high = model.slopes.band(str(group), x)
            axes.fill_between(x, low, high, color=look.colour, alpha=0.15, linewidth=0)
            axes.plot(x, line, color=look.colour, linestyle=look.line)
        axes.plot(
            [], [], color=look.colour, linestyle=look.line, marker=look.marker, markerfacecolor=PAPER, label=label
        )
    low, high = model.points["y"].min(), model.points["y"].max()
    room = max(1.0, 0.6 * (high - low))  # a band from few networks would leave nothing of them
    axes.set_ylim(low - room, high + room)
    axes.set_xlabel(LABELS[model.quantity])
    axes.set_ylabel(ACCURACY)
    legend(figure, axes)
    return figure


def cost_front(lines: Sequence[Line]) -> "Figure | None":
    """Mean accuracy against mean cost; the Pareto front joins what nothing beats in both."""
    drawn = [line for line in lines if line.cells["accuracy"].n and line.cells["cost"].n]
    if not drawn:
        return None
    figure, (axes,) = canvas()
    styles = looks(list(dict.fromkeys(line.label for line in lines)))
    cost = np.array([line.cells["cost"].mean * SCALES["cost"] for line in drawn])
    gain = np.array([line.cells["accuracy"].mean for line in drawn])
    front = np.flatnonzero(pareto(cost, gain))
    order = front[np.argsort(cost[front])]
    axes.step(cost[order], gain[order], where="post", color=FAINT, linewidth=1.2, label="Pareto front")
    seen = set()
    labels = list(styles)
    for line, x, y in zip(drawn, cost, gain, strict=True):
        look, name = styles[line.label], line.label
        bar = line.cells["accuracy"].std
        axes.errorbar(x, y, np.nan_to_num(bar), color=look.colour, elinewidth=0.8, capsize=2, alpha=0.7)
        dot = axes.scatter([x], [y], s=look.size, marker=look.marker, color=look.colour, zorder=3,
                           label=None if name in seen else name)  # fmt: skip
        dot.set_urls([f"#{anchor(line.method)}"])
        seen.add(name)
        if line.search_epochs is not None:
            shift = (5, 5) if labels.index(name) % 2 == 0 else (5, -11)
            axes.annotate(f"@{line.search_epochs}", (x, y), xytext=shift, textcoords="offset points", fontsize=7)
    axes.set_xlabel(LABELS["cost"])
    axes.set_ylabel(ACCURACY)
    axes.margins(0.08)
    legend(figure, axes)
    return figure


def cost_bars(lines: Sequence[Line]) -> "Figure | None":
    """Mean device-hours to find and train one network, by kind of trial."""
    drawn = [line for line in lines if line.cells["cost"].n]
    if not drawn:
        return None
    figure, (axes,) = canvas(height=0.9 + 0.32 * len(drawn))
    left = np.zeros(len(drawn))
    colours = ("#0072b2", "#e69f00", "#cc79a7", "#56b4e9")
    for (kind, label), colour, hatch in zip(KINDS.items(), colours, HATCHES, strict=False):
        width = np.array([line.spent[kind].mean / 3600 if kind in line.spent else 0.0 for line in drawn])
        if width.any():
            axes.barh(range(len(drawn)), width, left=left, color=colour, hatch=hatch, edgecolor=INK, linewidth=0.5,
                      height=0.65, label=label)  # fmt: skip
            left += width
    axes.set_yticks(range(len(drawn)), [line.method for line in drawn])
    axes.invert_yaxis()
    axes.set_xlabel(LABELS["cost"])
    axes.grid(axis="y", visible=False)
    legend(figure, axes)
    return figure
