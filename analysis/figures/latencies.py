"""Accuracy against latency, where `nas-harness measure` measured the networks, and which rows nothing beats."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.figures.accuracy import ACCURACY, LABELS, anchor, legend
from analysis.figures.style import INK, PAPER, Drawing, Look, grid, looks
from analysis.results.aggregate import spread
from analysis.results.measured import every, place
from analysis.results.rows import Results
from analysis.results.table import Line, family
from analysis.statistics.pareto import pareto

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def against_latency(results: Results, lines: Sequence[Line], batch: int) -> Drawing | None:
    """Means of each row of the table and of its random twins, over search seeds, bars one standard deviation; a panel
    for each machine, with its own front of what no other row beats in both means.

    `lines`: of one data set. None where nothing of them was measured at this batch size.
    """
    measured = every(results.folders)
    parts = [_points(results, lines, own, place(*machine)) for machine, own in
             measured[measured["batch"] == batch].groupby(["device", "hardware", "threads"])]  # fmt: skip
    drawn = pd.concat([part for part in parts if len(part)] or [pd.DataFrame()], ignore_index=True)
    if drawn.empty:
        return None
    machines = list(dict.fromkeys(drawn["measured on"]))
    figure, axes = grid(len(machines), columns=min(2, len(machines)), width=6.4, height=3.8)
    styles = looks(list(dict.fromkeys(line.label for line in lines)))
    for panel, machine in zip(axes, machines, strict=True):
        _panel(panel, drawn[drawn["measured on"] == machine], styles)
        panel.set_title(machine)
        panel.set_xlabel(f"{LABELS['latency']} (batch {batch}, median)")
        panel.set_ylabel(ACCURACY)
        panel.margins(0.08)
    legend(figure, *axes)
    return Drawing(figure, drawn)


def _points(results: Results, lines: Sequence[Line], measured: pd.DataFrame, machine: str) -> pd.DataFrame:
    latest = measured.drop_duplicates("key", keep="last").set_index("key")["median_ms"]
    rows = [(machine, *found) for line in lines for found in _sides(results, line, latest)]
    drawn = pd.DataFrame(rows, columns=["measured on", "row", "side", "method", "latency", "latency_std", "accuracy",
                                        "accuracy_std"])  # fmt: skip
    drawn["front"] = pareto(drawn["latency"].to_numpy(), drawn["accuracy"].to_numpy())
    return drawn


def _sides(results: Results, line: Line, latest: pd.Series) -> Iterator[tuple[str | float, ...]]:
    """(row, side, method, mean and spread of latency, mean and spread of accuracy): of the row, and of its twins."""
    for name, side in ((line.method, "found"), (line.twin, "twins")):
        if name is not None:
            trials = results.trainings(name)
            trials = trials.assign(latency=trials["key"].map(latest)).dropna(subset=["latency"])
            took, right = spread(trials, "latency"), spread(trials, "test_accuracy")
            if took.n and right.n:
                yield name, side, family(line.method), took.mean, took.std, right.mean, right.std


def _panel(axes: "Axes", points: pd.DataFrame, styles: dict[str, Look]) -> None:
    front = points[points["front"]].sort_values("latency")
    axes.step(front["latency"], front["accuracy"], where="post", color=INK, linewidth=1, label="Pareto front")
    for (method, side), own in points.groupby(["method", "side"], sort=False):
        look, x, y = styles[str(method)], own["latency"], own["accuracy"]
        across, up = (np.nan_to_num(own[f"{name}_std"]) for name in ("latency", "accuracy"))
        axes.errorbar(x, y, up, across, fmt="none", ecolor=look.colour, elinewidth=0.8, alpha=0.6, capsize=2)
        inside = PAPER if side == "twins" else look.colour
        dots = axes.scatter(x, y, s=look.size, marker=look.marker, zorder=3, edgecolors=look.colour, facecolors=inside,
                            linewidths=1.4, label=f"{method}{': random twins' if side == 'twins' else ''}")  # fmt: skip
        dots.set_urls([f"#{anchor(name)}" for name in own["row"]])
