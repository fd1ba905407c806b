"""Figures over epochs: learning curves of final trainings, and how searches went."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.figures.accuracy import legend
from analysis.figures.style import FAINT, LINKED, Drawing, Look, canvas, looks
from analysis.results.aggregate import done
from analysis.results.rows import Results
from analysis.results.table import family

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def trainings(results: Results, methods: Sequence[str], quantity: str, label: str) -> Drawing | None:
    """Mean over runs of `quantity` after each epoch of the final training, a line per method, its range shaded."""
    styles = looks(list(dict.fromkeys(family(method) for method in methods)))
    siblings = {name: [m for m in methods if family(m) == name] for name in styles}
    parts = [_range(method, found, quantity) for method in methods
             if len(found := _with_curve(done(results.trainings(method)), quantity))]  # fmt: skip
    if not parts:
        return None
    figure, (axes,) = canvas()
    for part in parts:
        method, runs = part["row"].iloc[0], part["runs"].iloc[0]
        look, group = styles[family(method)], siblings[family(method)]
        strength = (group.index(method) + 1) / len(group)
        axes.fill_between(part["epoch"], part["low"], part["high"], color=look.colour, alpha=0.12, linewidth=0)
        axes.plot(part["epoch"], part["mean"], color=look.colour, linestyle=look.line, alpha=0.35 + 0.65 * strength,
                  linewidth=0.8 + 0.8 * strength, label=f"{method} ({runs} runs)", marker=look.marker,
                  markevery=_every(part["epoch"]), markersize=4)  # fmt: skip
    _label(axes, "Epoch", label)
    legend(figure, axes)
    return Drawing(figure, pd.concat(parts, ignore_index=True))


def _range(method: str, trials: pd.DataFrame, quantity: str) -> pd.DataFrame:
    epochs, values = _matrix(trials, quantity)
    return pd.DataFrame({"row": method, "runs": len(values), "epoch": epochs, "mean": np.nanmean(values, 0),
                         "low": np.nanmin(values, 0), "high": np.nanmax(values, 0)})  # fmt: skip


def searches(trials: pd.DataFrame, parts: Mapping[str, str], label: str) -> Drawing | None:
    """Fields of the searches' curves (name → words for it) after each epoch: thin lines, and their mean per search."""
    found = done(trials[trials["kind"] == "search"])
    names = sorted(set(found["method"]))
    styles = looks([f"{name} {part}" for name in names for part in parts])
    figure, (axes,) = canvas()
    drawn = []
    for name in names:
        for part, words in parts.items():
            group = _with_curve(found[found["method"] == name], part)
            if not group.empty:
                points = _singles_and_mean(group, part)
                _bundle(axes, points, styles[f"{name} {part}"], f"{name}, {words}" if words else name)
                drawn.append(points.assign(search=name, field=part))
    if not drawn:
        return None
    _label(axes, "Epoch of the search", label)
    legend(figure, axes)
    columns = ["search", "field", "key", "searches", "epoch", "value"]
    return Drawing(figure, pd.concat(drawn, ignore_index=True)[columns])


def _singles_and_mean(trials: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """A line for each search with its key, where they are not too many, and without a key their mean."""
    epochs, values = _matrix(trials, quantity)
    few = len(values) * len(epochs) <= 10 * LINKED
    lines = [*zip(trials["key"], values, strict=True)] if few else []
    parts = [pd.DataFrame({"key": key, "searches": 1, "epoch": epochs, "value": line}) for key, line in lines]
    mean = pd.DataFrame({"key": "", "searches": len(values), "epoch": epochs, "value": np.nanmean(values, 0)})
    return pd.concat([*parts, mean], ignore_index=True)


def _bundle(axes: "Axes", points: pd.DataFrame, look: Look, label: str) -> None:
    for key, line in points[points["key"] != ""].groupby("key", sort=False):
        (thin,) = axes.plot(line["epoch"], line["value"], color=FAINT, linewidth=0.6, linestyle=look.line)
        thin.set_url(f"#row-{key}")
    mean = points[points["key"] == ""]
    axes.plot(mean["epoch"], mean["value"], color=look.colour, linestyle=look.line, marker=look.marker, markersize=4,
              markevery=_every(mean), label=f"{label} (mean of {mean['searches'].iloc[0]})")  # fmt: skip


def _every(epochs: pd.Series | pd.DataFrame) -> int:
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


def _label(axes: "Axes", x: str, y: str) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
