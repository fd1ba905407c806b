"""Figures over epochs: learning curves of final trainings, and how searches went."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.figures.accuracy import legend
from analysis.figures.style import COLOURS, Drawing, Look, canvas, grid, looks
from analysis.results.aggregate import done
from analysis.results.rows import Results
from analysis.results.table import family

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def trainings(results: Results, methods: Sequence[str], quantity: str, label: str) -> Drawing | None:
    """Mean over runs of `quantity` after each epoch of the final training, a line per method, its range shaded."""
    styles = looks(list(dict.fromkeys(family(method) for method in methods)))
    siblings = {name: [m for m in methods if family(m) == name] for name in styles}
    parts = [part for method in methods
             if not (part := _range(method, done(results.trainings(method)), quantity)).empty]  # fmt: skip
    if not parts:
        return None
    figure, axes = canvas()
    for part in parts:
        method, runs = part["row"].iloc[0], part["runs"].iloc[0]
        look, group = styles[family(method)], siblings[family(method)]
        strength = (group.index(method) + 1) / len(group)
        _line(axes, part, look, f"{method} ({runs} runs)", alpha=0.35 + 0.65 * strength, linewidth=0.8 + 0.8 * strength)
    _label(axes, "Epoch", label)
    legend(figure, axes)
    return Drawing(figure, pd.concat(parts, ignore_index=True))


def _range(method: str, trials: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """Empty where no curve has a number."""
    epochs, values = _matrix(_with_curve(trials, quantity), quantity)
    if not len(epochs):
        return pd.DataFrame()
    return pd.DataFrame({"row": method, "runs": len(values), "epoch": epochs, "mean": np.nanmean(values, 0),
                         "low": np.nanmin(values, 0), "high": np.nanmax(values, 0)})  # fmt: skip


def searches(trials: pd.DataFrame, parts: Mapping[str, str], label: str) -> Drawing | None:
    """Fields of the searches' curves (name → words for it) after each epoch: mean over searches, range shaded. Where
    there are more lines than looks, each kind of search has a panel of its own."""
    found = done(trials[trials["kind"] == "search"])
    every = {
        (name, part): _range(name, found[found["method"] == name], part).assign(field=part)
        for name in sorted(set(found["method"]))
        for part in parts
    }
    lines = {key: points for key, points in every.items() if not points.empty}
    if not lines:
        return None
    names = list(dict.fromkeys(name for name, _ in lines))
    figure = _panels(names, lines, parts, label) if len(lines) > len(COLOURS) else _together(lines, parts, label)
    columns = ["search", "field", "searches", "epoch", "mean", "low", "high"]
    drawn = pd.concat(lines.values(), ignore_index=True).rename(columns={"row": "search", "runs": "searches"})
    return Drawing(figure, drawn[columns])


Lines = Mapping[tuple[str, str], pd.DataFrame]


def _together(lines: Lines, parts: Mapping[str, str], label: str) -> "Figure":
    figure, axes = canvas()
    styles = looks([f"{name} {part}" for name, part in lines])
    for (name, part), points in lines.items():
        said = f"{name}, {parts[part]}" if parts[part] else name
        _line(axes, points, styles[f"{name} {part}"], f"{said} (mean of {points['runs'].iloc[0]})")
    _label(axes, "Epoch of the search", label)
    legend(figure, axes)
    return figure


def _panels(names: Sequence[str], lines: Lines, parts: Mapping[str, str], label: str) -> "Figure":
    """Of equal heights, so that they compare."""
    figure, panels = grid(len(names), columns=3, width=3.0, height=2.4)
    styles = looks(list(parts))
    drawn = pd.concat(lines.values())
    low, high = drawn["low"].min(), drawn["high"].max()
    room = 0.05 * (high - low) or 1.0
    for number, (axes, name) in enumerate(zip(panels, names, strict=True)):
        own = {part: lines[name, part] for part in parts if (name, part) in lines}
        for part, points in own.items():
            _line(axes, points, styles[part], parts[part])
        axes.set_ylim(low - room, high + room)
        axes.set_title(f"{name} ({next(iter(own.values()))['runs'].iloc[0]})")
        _label(axes, "Epoch of the search", label if number % 3 == 0 else "")
    if any(parts.values()):
        legend(figure, *panels)
    return figure


def _line(axes: "Axes", points: pd.DataFrame, look: Look, label: str, **style: Any) -> None:
    axes.fill_between(points["epoch"], points["low"], points["high"], color=look.colour, alpha=0.12, linewidth=0)
    axes.plot(points["epoch"], points["mean"], color=look.colour, linestyle=look.line, marker=look.marker,
              markersize=4, markevery=max(1, len(points) // 8), label=label, **style)  # fmt: skip


def _with_curve(trials: pd.DataFrame, quantity: str) -> pd.DataFrame:
    return trials[np.array([isinstance(curve, dict) and quantity in curve for curve in trials["curve"]], dtype=bool)]


def _matrix(trials: pd.DataFrame, quantity: str) -> tuple[np.ndarray, np.ndarray]:
    """Epochs at which any run has a value, and runs × those epochs, NaN where a run has none."""
    found = [curve[quantity] for curve in trials["curve"]]
    out = np.full((len(found), max(map(len, found), default=0)), np.nan)
    for row, values in zip(out, found, strict=True):
        row[: len(values)] = values
    out[~np.isfinite(out)] = np.nan
    known = ~np.isnan(out).all(axis=0)
    return np.arange(1, out.shape[1] + 1)[known], out[:, known]


def _label(axes: "Axes", x: str, y: str) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
