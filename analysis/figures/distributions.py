"""Figures of spread: every run of every method, and each method against each other."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.figures.accuracy import ACCURACY, legend
from analysis.figures.style import INK, LINKED, PAPER, Drawing, Look, canvas, looks
from analysis.findings.comparisons import Comparison
from analysis.numbers import plus
from analysis.results.aggregate import by_seed, done
from analysis.results.rows import Results
from analysis.results.table import Line
from analysis.statistics.paired import mean_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHORT, CHARACTER = 20, 0.075  # of names beside squares: characters for which there is room, inches of each further one
TURNED = 40  # degrees, of names below squares


def distributions(results: Results, table: Sequence[Line]) -> Drawing | None:
    """Test accuracy of every run, filled for the method and hollow for its twins, with mean and 95 % interval."""
    rows = {name: (line.label, name != line.method) for line in table for name in (line.method, line.twin) if name}
    parts = {name: own for name in rows if len(own := _runs(results, name))}
    if not parts:
        return None
    drawn = pd.concat(parts.values(), ignore_index=True)
    figure, axes = canvas(height=0.9 + 0.3 * len(parts))
    styles = looks(list(dict.fromkeys(line.label for line in table)))
    for place, (name, own) in enumerate(drawn.groupby("row", sort=False)):
        label, hollow = rows[str(name)]
        _strip(axes, place, own, styles[label], hollow)
    axes.set_yticks(range(len(parts)), list(parts))
    axes.invert_yaxis()
    axes.set_xlabel(ACCURACY)
    axes.grid(axis="y", visible=False)
    axes.plot([], [], "|-", color=INK, label="mean and 95 % interval over search seeds")
    legend(figure, axes)
    return Drawing(figure, drawn)


def _runs(results: Results, name: str) -> pd.DataFrame:
    """Every run of a table row, then their mean and its interval; empty where none is done."""
    trials = done(results.trainings(name))
    if trials.empty:
        return trials
    ordered = trials.dropna(subset=["test_accuracy"]).sort_values(["seed", "train_seed", "twin"])
    found = mean_interval(by_seed(trials, "test_accuracy").to_numpy())
    runs = [(name, "run", accuracy, np.nan, np.nan, key) for accuracy, key in
            zip(ordered["test_accuracy"], ordered["key"], strict=True)]  # fmt: skip
    mean = (name, "mean", found.value, found.low, found.high, None)
    return pd.DataFrame([*runs, mean], columns=["row", "mark", "accuracy", "low", "high", "key"])


def _strip(axes: "Axes", place: int, marks: pd.DataFrame, look: Look, hollow: bool) -> None:
    runs, mean = marks[marks["mark"] == "run"], marks[marks["mark"] == "mean"]
    shift = np.linspace(-0.22, 0.1, len(runs)) if len(runs) > 1 else np.zeros(len(runs))
    dots = axes.scatter(runs["accuracy"], place + shift, s=18, marker=look.marker, edgecolors=look.colour,
                        facecolors=PAPER if hollow else look.colour, linewidths=0.9, zorder=3)  # fmt: skip
    if len(runs) <= LINKED:
        dots.set_urls([f"#row-{key}" for key in runs["key"]])
    dots.set_rasterized(len(runs) > LINKED)
    error = [np.nan_to_num(mean["accuracy"] - mean["low"]), np.nan_to_num(mean["high"] - mean["accuracy"])]
    axes.errorbar(
        mean["accuracy"], [place + 0.3], xerr=error, fmt="|", color=INK, elinewidth=1, capsize=2, markersize=7
    )


def pairwise(found: Sequence[Comparison]) -> Drawing | None:
    """Row minus column in points; a frame and ✱ where Holm's test shows a difference."""
    names = list(dict.fromkeys(name for c in found for name in (c.method, c.against)))
    if len(names) < 2 or all(c.difference.n == 0 for c in found):
        return None
    rows = [(*pair, sign * c.difference.value, c.significant) for c in found
             for pair, sign in (((c.method, c.against), 1), ((c.against, c.method), -1))]  # fmt: skip
    drawn = pd.DataFrame(rows, columns=["row", "column", "difference", "shown"])
    size, more = 1.6 + 0.62 * len(names), CHARACTER * max(0, max(map(len, names)) - SHORT)
    figure, axes = canvas(width=size + 0.6 + more, height=size + more * np.sin(np.radians(TURNED)))
    _squares(axes, drawn, names)
    axes.set_xticks(np.arange(len(names)) + 0.5, names, rotation=TURNED, ha="right")
    axes.set_yticks(np.arange(len(names)) + 0.5, names)
    axes.invert_yaxis()
    axes.set_aspect("equal")
    axes.grid(visible=False)
    return Drawing(figure, drawn)


def _squares(axes: "Axes", drawn: pd.DataFrame, names: list[str]) -> None:
    from matplotlib.patches import Rectangle

    values = drawn.pivot(index="row", columns="column", values="difference").reindex(index=names, columns=names)
    limit = max(float(drawn["difference"].abs().max()), 1e-9)
    axes.pcolormesh(values.to_numpy(), cmap="PuOr", vmin=-1.8 * limit, vmax=1.8 * limit, edgecolors=PAPER, linewidth=1)
    for row, column, value, shown in drawn.itertuples(index=False):
        i, j = names.index(row), names.index(column)
        if not np.isnan(value):
            mark = " ✱" if shown else ""
            axes.text(j + 0.5, i + 0.5, plus(value, 2) + mark, ha="center", va="center", fontsize=7.5,
                      color="#1b1b1b", fontweight="bold" if shown else "normal")  # fmt: skip
        if shown:
            axes.add_patch(Rectangle((j + 0.04, i + 0.04), 0.92, 0.92, fill=False, edgecolor="#1b1b1b", linewidth=1.2))
