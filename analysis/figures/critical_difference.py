"""Mean ranks over data sets, with bars over rows that Nemenyi's test cannot tell apart."""

from typing import TYPE_CHECKING

import pandas as pd

from analysis.figures.style import INK, Drawing, canvas
from analysis.findings.tests_over_data_sets import Over
from analysis.statistics.friedman import cliques, critical_difference

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEWEST = 5  # data sets: with fewer nearly nothing is distinguished, and bars would look like findings of equality


def ranks(found: Over | None, alpha: float) -> Drawing | None:
    """A row per method from the best, and the critical difference (Demšar 2006); None below five data sets."""
    if not found or len(found.sets) < FEWEST or found.test.p != found.test.p:
        return None
    order = sorted(range(len(found.names)), key=lambda n: found.test.ranks[n])
    rows = [(found.names[n], "rank", found.test.ranks[n], found.test.ranks[n]) for n in order]
    difference = critical_difference(len(rows), len(found.sets), alpha)
    bars = [("", "statistically indistinguishable", low, high) for low, high in cliques(found.test.ranks, difference)]
    length = [("", "critical difference", 1.0, 1.0 + difference)]
    drawn = pd.DataFrame([*rows, *bars, *length], columns=["row", "mark", "low", "high"])
    figure, axes = canvas(height=1.5 + 0.3 * len(rows) + 0.16 * len(bars))
    _names(axes, drawn[drawn["mark"] == "rank"])
    _bars(axes, bars, len(rows))
    _scale(axes, difference)
    axes.set_ylim(len(rows) + 0.45 * len(bars), -1.4)
    axes.set_xlim(0.8, max(len(rows), 1 + difference) + 0.2)
    axes.set_xticks(range(1, len(rows) + 1))
    axes.set_xlabel(f"Mean rank over {len(found.sets)} data sets, 1 the best")
    axes.grid(axis="y", visible=False)
    return Drawing(figure, drawn)


def _names(axes: "Axes", rows: pd.DataFrame) -> None:
    axes.plot(rows["low"], range(len(rows)), "o", color=INK)
    axes.hlines(range(len(rows)), 0, rows["low"], color=INK, linewidth=0.5, linestyle=":")
    axes.set_yticks(range(len(rows)), list(rows["row"]))


def _bars(axes: "Axes", bars: list[tuple[str, str, float, float]], below: int) -> None:
    """Under the rows, one under the other."""
    for n, (_, _, low, high) in enumerate(bars):
        axes.plot([low, high], [below - 0.1 + 0.4 * n] * 2, color=INK, linewidth=3, solid_capstyle="butt")
    if bars:
        last = max(high for _, _, _, high in bars)
        axes.annotate("statistically indistinguishable", (last, below - 0.1 + 0.2 * (len(bars) - 1)), xytext=(8, 0),
                      textcoords="offset points", va="center", fontsize=8)  # fmt: skip


def _scale(axes: "Axes", difference: float) -> None:
    axes.errorbar([1 + difference / 2], [-0.8], xerr=[[difference / 2]] * 2, color=INK, elinewidth=1, capsize=3)
    axes.annotate(f"critical difference {difference:.2f}", (1 + difference / 2, -0.8), xytext=(0, 3),
                  textcoords="offset points", ha="center", fontsize=8)  # fmt: skip
