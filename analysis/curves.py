"""Figures over epochs: learning curves of final trainings, and how searches went."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.aggregate import done
from analysis.figures import legend
from analysis.rows import Results
from analysis.style import FAINT, LINKED, Look, canvas, looks
from analysis.table import family

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def trainings(results: Results, methods: Sequence[str], quantity: str, label: str) -> "Figure | None":
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
                  markevery=_every(epochs), markersize=4)  # fmt: skip
    return _finished(figure, axes, "Epoch", label)


def searches(trials: pd.DataFrame, parts: Mapping[str, str], label: str) -> "Figure | None":
    """Fields of the searches' curves (name → words for it) after each epoch: thin lines, and their mean per search."""
    found = done(trials[trials["kind"] == "search"])
    names = sorted(set(found["method"]))
    styles = looks([f"{name} {part}" for name in names for part in parts])
    figure, (axes,) = canvas()
    for name in names:
        for part, words in parts.items():
            group = _with_curve(found[found["method"] == name], part)
            if not group.empty:
                said = f"{name}, {words}" if words else name
                _bundle(axes, group, part, styles[f"{name} {part}"], said)
    return _finished(figure, axes, "Epoch of the search", label)


def _bundle(axes: "Axes", trials: pd.DataFrame, quantity: str, look: Look, label: str) -> None:
    epochs, values = _matrix(trials, quantity)
    if len(values) * len(epochs) <= 10 * LINKED:
        for key, single in zip(trials["key"], values, strict=True):
            (thin,) = axes.plot(epochs, single, color=FAINT, linewidth=0.6, linestyle=look.line)
            thin.set_url(f"#row-{key}")
    axes.plot(epochs, np.nanmean(values, 0), color=look.colour, linestyle=look.line, marker=look.marker, markersize=4,
              markevery=_every(epochs), label=f"{label} (mean of {len(values)})")  # fmt: skip


def _every(epochs: np.ndarray) -> int:
    return max(1, len(epochs) // 8)


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
