"""Figures of spread: every run of every method, and each method against each other."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.aggregate import by_seed, done
from analysis.comparisons import Comparison
from analysis.figures import ACCURACY, legend
from analysis.rows import Results
from analysis.sheets import plus
from analysis.statistics import mean_interval
from analysis.style import INK, LINKED, PAPER, Look, canvas, looks
from analysis.table import Line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def distributions(results: Results, table: Sequence[Line]) -> "Figure | None":
    """Test accuracy of every run, filled for the method and hollow for its twins, with mean and 95 % interval."""
    rows = [(line, name, name != line.method) for line in table for name in (line.method, line.twin) if name]
    rows = [row for row in rows if not done(results.trainings(row[1])).empty]
    if not rows:
        return None
    figure, (axes,) = canvas(height=0.9 + 0.3 * len(rows))
    styles = looks(list(dict.fromkeys(line.label for line in table)))
    for place, (line, name, hollow) in enumerate(rows):
        _strip(axes, place, done(results.trainings(name)), styles[line.label], hollow)
    axes.set_yticks(range(len(rows)), [name for _, name, _ in rows])
    axes.invert_yaxis()
    axes.set_xlabel(ACCURACY)
    axes.grid(axis="y", visible=False)
    axes.plot([], [], "|-", color=INK, label="mean and 95 % interval over search seeds")
    legend(figure, axes)
    return figure


def _strip(axes: "Axes", place: int, trials: pd.DataFrame, look: Look, hollow: bool) -> None:
    ordered = trials.dropna(subset=["test_accuracy"]).sort_values(["seed", "train_seed", "twin"])
    shift = np.linspace(-0.22, 0.1, len(ordered)) if len(ordered) > 1 else np.zeros(len(ordered))
    dots = axes.scatter(ordered["test_accuracy"], place + shift, s=18, marker=look.marker, edgecolors=look.colour,
                        facecolors=PAPER if hollow else look.colour, linewidths=0.9, zorder=3)  # fmt: skip
    if len(ordered) <= LINKED:
        dots.set_urls([f"#row-{key}" for key in ordered["key"]])
    dots.set_rasterized(len(ordered) > LINKED)
    found = mean_interval(by_seed(trials, "test_accuracy").to_numpy())
    error = [[np.nan_to_num(found.value - found.low)], [np.nan_to_num(found.high - found.value)]]
    axes.errorbar([found.value], [place + 0.3], xerr=error, fmt="|", color=INK, elinewidth=1, capsize=2, markersize=7)


def pairwise(found: Sequence[Comparison], alpha: float) -> "Figure | None":
    """Row minus column in points; a frame and ✱ where Holm's test shows a difference."""
    names = list(dict.fromkeys(name for c in found for name in (c.method, c.against)))
    if len(names) < 2 or all(c.difference.n == 0 for c in found):
        return None
    values = np.full((len(names), len(names)), np.nan)
    shown = np.zeros_like(values, dtype=bool)
    for c in found:
        i, j = names.index(c.method), names.index(c.against)
        values[i, j], values[j, i] = c.difference.value, -c.difference.value
        shown[i, j] = shown[j, i] = c.significant
    size = 1.6 + 0.62 * len(names)
    figure, (axes,) = canvas(width=size + 0.6, height=size)
    _squares(axes, values, shown)
    axes.set_xticks(np.arange(len(names)) + 0.5, names, rotation=40, ha="right")
    axes.set_yticks(np.arange(len(names)) + 0.5, names)
    axes.invert_yaxis()
    axes.set_aspect("equal")
    axes.grid(visible=False)
    return figure


def _squares(axes: "Axes", values: np.ndarray, shown: np.ndarray) -> None:
    from matplotlib.patches import Rectangle

    limit = max(float(np.nanmax(np.abs(values))), 1e-9)
    axes.pcolormesh(values, cmap="PuOr", vmin=-1.8 * limit, vmax=1.8 * limit, edgecolors=PAPER, linewidth=1)
    for (i, j), value in np.ndenumerate(values):
        if not np.isnan(value):
            mark = " ✱" if shown[i, j] else ""
            axes.text(j + 0.5, i + 0.5, plus(value, 2) + mark, ha="center", va="center", fontsize=7.5,
                      color="#1b1b1b", fontweight="bold" if shown[i, j] else "normal")  # fmt: skip
        if shown[i, j]:
            axes.add_patch(Rectangle((j + 0.04, i + 0.04), 0.92, 0.92, fill=False, edgecolor="#1b1b1b", linewidth=1.2))
