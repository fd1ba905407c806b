"""Figures of a study. Each takes values and returns a drawing; points carry links to their rows."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.figures.style import PAPER, Drawing, Look, canvas, looks
from analysis.results.table import Line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LABELS = {"parameters": "Parameters, millions", "shortcuts": "Shortcuts", "macs": "Multiply-accumulates, millions",
          "long_shortcuts": "Long shortcuts (4 blocks or further)", "cost": "Cost, device-hours",
          "latency": "Latency, ms"}  # fmt: skip
SCALES = {"parameters": 1e-6, "macs": 1e-6, "cost": 1 / 3600, "latency": 1e3}
ACCURACY = "Test accuracy, %"
LEGEND_LINE, FREE_LINES = 0.18, 5  # inches; lines of a legend for which a figure has room


def accuracy_against(lines: Sequence[Line], quantity: str) -> Drawing | None:
    """Figures 1 and 2 of study 2: mean accuracy against `quantity`, a line per method, hollow for its twins.

    Bars are one standard deviation over search seeds. None where there is nothing to draw.
    """
    drawn = [line for line in lines if line.cells["accuracy"].n and line.cells[quantity].n]
    if not drawn:
        return None
    points = _points(drawn, quantity)
    figure, axes = canvas()
    styles = looks(list(dict.fromkeys(line.label for line in lines)))
    for (label, side), own in points.groupby(["method", "side"], sort=False):
        _path(axes, own, quantity, styles[str(label)], hollow=side == "twins")
    axes.set_xlabel(LABELS[quantity])
    axes.set_ylabel(ACCURACY)
    axes.margins(0.08)
    legend(figure, axes)
    return Drawing(figure, points)


def _points(lines: Sequence[Line], quantity: str) -> pd.DataFrame:
    """Means and standard deviations in the drawn unit: of the searched networks of a method, then of their twins."""
    scale, rows = SCALES.get(quantity, 1.0), []
    for label in dict.fromkeys(line.label for line in lines):
        group = [line for line in lines if line.label == label]
        own = [("found", line.method, line.cells) for line in group]
        twins = [("twins", line.twin or "", line.twin_cells) for line in group if line.twin_cells]
        rows += [
            (label, side, name, cells[quantity].mean * scale, cells[quantity].std * scale, cells["accuracy"].mean,
             cells["accuracy"].std)
            for side, name, cells in (*own, *twins) if cells["accuracy"].n and cells[quantity].n
        ]  # fmt: skip
    return pd.DataFrame(
        rows, columns=["method", "side", "row", quantity, f"{quantity}_std", "accuracy", "accuracy_std"]
    )


def _path(axes: "Axes", points: pd.DataFrame, quantity: str, look: Look, hollow: bool) -> None:
    x, y = points[quantity], points["accuracy"]
    x_bars, y_bars = (np.nan_to_num(points[f"{name}_std"]) for name in (quantity, "accuracy"))
    line = ":" if hollow else look.line
    axes.errorbar(x, y, y_bars, x_bars, fmt="none", ecolor=look.colour, elinewidth=0.8, alpha=0.6, capsize=2)
    axes.plot(x, y, color=look.colour, linestyle=line, linewidth=1.2 if hollow else 1.8)
    inside = PAPER if hollow else look.colour
    dots = axes.scatter(x, y, s=look.size, marker=look.marker, zorder=3, edgecolors=look.colour, facecolors=inside,
                        linewidths=1.4)  # fmt: skip
    dots.set_urls([f"#{anchor(name)}" for name in points["row"]])
    label = points["method"].iloc[0] + (": random twins" if hollow else "")
    axes.plot([], [], color=look.colour, linestyle=line, marker=look.marker, label=label, markerfacecolor=inside)


def anchor(method: str) -> str:
    """The page's place for the rows of a method."""
    return "rows-" + method.replace(" ", "-")


def legend(figure: "Figure", *panels: "Axes") -> None:
    """Below the axes, where it covers no point; what is in several panels once."""
    named = {label: handle for axes in panels for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    if named:
        fitting = int(15 * figure.get_figwidth()) // (max(map(len, named)) + 9)  # in characters
        columns = max(1, min(4, fitting))
        figure.set_figheight(figure.get_figheight() + LEGEND_LINE * max(0, -(-len(named) // columns) - FREE_LINES))
        figure.legend([*named.values()], [*named], loc="outside lower center", ncols=columns, fontsize=8,
                      handlelength=3.2)  # fmt: skip
