"""Figures of a study. Each takes values and returns a matplotlib figure; points carry links to their rows."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.aggregate import done
from analysis.rows import Results
from analysis.style import FAINT, PAPER, Look, canvas, looks
from analysis.table import Line, family

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LABELS = {"parameters": "Parameters, millions", "shortcuts": "Shortcuts", "macs": "Multiply-accumulates, millions",
          "long_shortcuts": "Long shortcuts (4 blocks or further)", "cost": "Cost, device-hours"}  # fmt: skip
SCALES = {"parameters": 1e-6, "macs": 1e-6, "cost": 1 / 3600}
ACCURACY = "Test accuracy, %"


def accuracy_against(lines: Sequence[Line], quantity: str) -> "Figure | None":
    """Figures 1 and 2 of study 2: mean accuracy against `quantity`, a line per method, hollow for its twins.

    Bars are one standard deviation over search seeds. None where there is nothing to draw.
    """
    drawn = [line for line in lines if line.cells["accuracy"].n and line.cells[quantity].n]
    if not drawn:
        return None
    figure, (axes,) = canvas()
    styles = looks(list(dict.fromkeys(line.label for line in lines)))
    for label in dict.fromkeys(line.label for line in drawn):
        group = [line for line in drawn if line.label == label]
        _path(axes, label, [(line.cells, line.method) for line in group], quantity, styles[label], hollow=False)
        twins = [(line.twin_cells, line.twin or "") for line in group if line.twin_cells]
        twins = [(cells, name) for cells, name in twins if cells["accuracy"].n and cells[quantity].n]
        if twins:
            _path(axes, f"{label}: random twins", twins, quantity, styles[label], hollow=True)
    axes.set_xlabel(LABELS[quantity])
    axes.set_ylabel(ACCURACY)
    axes.margins(0.08)
    legend(figure, axes)
    return figure


def _path(axes: "Axes", label: str, points: Sequence[tuple[Mapping, str]], quantity: str, look: Look,
          hollow: bool) -> None:  # fmt: skip
    scale = SCALES.get(quantity, 1.0)
    x = np.array([cells[quantity].mean * scale for cells, _ in points])
    y = np.array([cells["accuracy"].mean for cells, _ in points])
    x_bars = np.nan_to_num([cells[quantity].std * scale for cells, _ in points])
    y_bars = np.nan_to_num([cells["accuracy"].std for cells, _ in points])
    line = ":" if hollow else look.line
    axes.errorbar(x, y, y_bars, x_bars, fmt="none", ecolor=look.colour, elinewidth=0.8, alpha=0.6, capsize=2)
    axes.plot(x, y, color=look.colour, linestyle=line, linewidth=1.2 if hollow else 1.8)
    inside = PAPER if hollow else look.colour
    dots = axes.scatter(x, y, s=look.size, marker=look.marker, zorder=3, edgecolors=look.colour, facecolors=inside,
                        linewidths=1.4)  # fmt: skip
    dots.set_urls([f"#{anchor(name)}" for _, name in points])
    axes.plot([], [], color=look.colour, linestyle=line, marker=look.marker, label=label, markerfacecolor=inside)


def anchor(method: str) -> str:
    """The page's place for the rows of a method."""
    return "rows-" + "".join(character if character.isalnum() else "-" for character in method)


def legend(figure: "Figure", axes: "Axes") -> None:
    """Below the axes, where it covers no point."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        fitting = int(15 * figure.get_figwidth()) // (max(map(len, labels)) + 9)  # in characters
        figure.legend(handles, labels, loc="outside lower center", ncols=max(1, min(4, fitting)), fontsize=8,
                      handlelength=3.2)  # fmt: skip


def curves(results: Results, methods: Sequence[str], quantity: str, label: str) -> "Figure | None":
    """Mean over runs of `quantity` after each epoch of the final training, a line per method, its range shaded."""
    styles = looks(list(dict.fromkeys(family(method) for method in methods)))
    siblings = {name: [m for m in methods if family(m) == name] for name in styles}
    figure, (axes,) = canvas()
    for method in methods:
        found = _with_curve(done(results.trainings(method)), quantity)
        if found.empty:
            continue
        epochs, values = _matrix(found, quantity)
        look, group = styles[family(method)], siblings[family(method)]
        strength = (group.index(method) + 1) / len(group)
        low, high = np.nanmin(values, 0), np.nanmax(values, 0)
        axes.fill_between(epochs, low, high, color=look.colour, alpha=0.12, linewidth=0)
        axes.plot(epochs, np.nanmean(values, 0), color=look.colour, linestyle=look.line, alpha=0.35 + 0.65 * strength,
                  linewidth=0.8 + 0.8 * strength, label=f"{method} ({len(values)} runs)", marker=look.marker,
                  markevery=max(1, len(epochs) // 8), markersize=4)  # fmt: skip
    return _finished(figure, axes, "Epoch", label)


def searches(trials: pd.DataFrame, quantity: str, label: str) -> "Figure | None":
    """`quantity` after each epoch of every search: thin lines, and their mean per kind of search."""
    found = _with_curve(done(trials[trials["kind"] == "search"]), quantity)
    styles = looks(sorted(set(found["method"])))
    figure, (axes,) = canvas()
    for name, group in found.groupby("method"):
        look, (epochs, values) = styles[str(name)], _matrix(group, quantity)
        for key, single in zip(group["key"], values, strict=True):
            (thin,) = axes.plot(epochs, single, color=FAINT, linewidth=0.7, linestyle=look.line)
            thin.set_url(f"#row-{key}")
        axes.plot(epochs, np.nanmean(values, 0), color=look.colour, linestyle=look.line, marker=look.marker,
                  markersize=4, markevery=max(1, len(epochs) // 8), label=f"{name}, mean of {len(values)}")  # fmt: skip
    return _finished(figure, axes, "Epoch of the search", label)


def _with_curve(trials: pd.DataFrame, quantity: str) -> pd.DataFrame:
    return trials[np.array([isinstance(curve, dict) and quantity in curve for curve in trials["curve"]], dtype=bool)]


def _matrix(trials: pd.DataFrame, quantity: str) -> tuple[np.ndarray, np.ndarray]:
    """Epochs at which any run has a value, and runs × those epochs, NaN where a run has none."""
    found = [curve[quantity] for curve in trials["curve"]]
    out = np.full((len(found), max(map(len, found))), np.nan)
    for row, values in zip(out, found, strict=True):
        row[: len(values)] = values
    known = ~np.isnan(out).all(axis=0)
    return np.arange(1, out.shape[1] + 1)[known], out[:, known]


def _finished(figure: "Figure", axes: "Axes", x: str, y: str) -> "Figure | None":
    """None where nothing was drawn."""
    from matplotlib.ticker import MaxNLocator

    if not axes.lines:
        return None
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    legend(figure, axes)
    return figure
