"""The best accuracy so far of searches that ask for one network after the other: against queries and against cost."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.figures.accuracy import legend
from analysis.figures.style import INK, Drawing, Look, by_data_set, looks
from analysis.results import data_sets
from analysis.results.history import History, over_queries, over_seconds
from analysis.results.rows import Results
from analysis.results.searches import histories
from analysis.results.table import Line
from analysis.statistics.paired import mean_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Curves = Callable[[Sequence[History]], tuple[np.ndarray, np.ndarray]]


def against_queries(results: Results, table: Sequence[Line], level: float) -> Drawing | None:
    """Mean over searches and its t interval after each number of queries, a panel for each data set."""
    return _progress(results, table, level, ("queries", over_queries, 1.0, "Queries"))


def against_cost(results: Results, table: Sequence[Line], level: float) -> Drawing | None:
    """The same after so many device-hours, as far as all searches of a row go."""
    return _progress(results, table, level, ("hours", over_seconds, 3600.0, "Cost, device-hours"))


def _progress(results: Results, table: Sequence[Line], level: float,
              axis: tuple[str, Curves, float, str]) -> Drawing | None:  # fmt: skip
    name, curves, unit, label = axis
    found = {
        row: _curve(row, name, curves, unit, searches, level) for row, searches in histories(results, table).items()
    }
    found = {row: points for row, points in found.items() if len(points)}
    if not found:
        return None
    panels = data_sets.groups(results.study, list(found))
    names = {line.method: line.label.removeprefix(f"{data}/") for data, rows in panels.items() for line in table
             if line.method in rows}  # fmt: skip
    styles = looks(list(dict.fromkeys(names.values())))
    figure, axes = by_data_set(len(panels))
    best = _best(results)
    for place, (data, rows) in zip(axes, panels.items(), strict=True):
        for row in rows:
            _line(place, found[row], names[row], styles[names[row]])
        _finish(place, [found[row] for row in rows], data, best.get(data), label)
    legend(figure, *axes)
    return Drawing(figure, pd.concat(found.values(), ignore_index=True))


def _curve(row: str, name: str, curves: Curves, unit: float, searches: Sequence[History], level: float) -> pd.DataFrame:
    at, values = curves(searches)
    means = [mean_interval(column, level) for column in values.T]
    return pd.DataFrame({"row": row, "searches": len(searches), name: at / unit, "mean": [m.value for m in means],
                         "low": [m.low for m in means], "high": [m.high for m in means]})  # fmt: skip


def _best(results: Results) -> dict[str, float]:
    """Data set → the best mean accuracy of the study's table, where it has one; '' for the only data set."""
    scale: Mapping[str, Any] = results.study.get("scale") or {}
    known = {data: float(ends["best"]) for data, ends in scale.items()}
    return {"": next(iter(known.values()))} if len(known) == 1 and not data_sets.several(results.study) else known


def _line(axes: "Axes", points: pd.DataFrame, name: str, look: Look) -> None:
    x = points.iloc[:, 2]
    axes.fill_between(x, points["low"], points["high"], color=look.colour, alpha=0.15, linewidth=0)
    axes.plot(x, points["mean"], color=look.colour, linestyle=look.line, marker=look.marker, markersize=4,
              markevery=_marked(x), label=name)  # fmt: skip


def _marked(x: pd.Series) -> list[int]:
    """Places of markers, evenly on the logarithmic axis."""
    wanted = np.geomspace(x.iloc[0], x.iloc[-1], 7)
    return sorted(set(np.searchsorted(x.to_numpy(), wanted * (1 - 1e-9)).clip(0, len(x) - 1).tolist()))


def _finish(axes: "Axes", curves: Sequence[pd.DataFrame], data: str, best: float | None, label: str) -> None:
    """With the best of the table as a line, and without what lies below all curves' second halves."""
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel(label)
    axes.set_ylabel("Best validation accuracy so far, %")
    axes.set_title(data)
    top = max(float(curve["mean"].max()) for curve in curves)
    if best is not None:
        axes.axhline(best, color=INK, linewidth=0.9, linestyle=":", label="best mean in the table")
        top = max(top, best)
    low = min(_second_half(curve) for curve in curves)
    axes.set_ylim(low - 0.05 * (top - low) - 1e-6, top + 0.08 * (top - low) + 1e-6)


def _second_half(curve: pd.DataFrame) -> float:
    """The lowest mean in the second half of the logarithmic axis."""
    x = np.log(curve.iloc[:, 2].to_numpy())
    return float(curve["mean"][x >= x[0] + (x[-1] - x[0]) / 2].min())
