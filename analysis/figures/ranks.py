"""The rank of each row on every data set, and over all of them."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from analysis.figures.accuracy import legend
from analysis.figures.style import COLOURS, INK, MARKERS, Drawing, canvas
from analysis.findings.over_data_sets import Summary
from analysis.statistics.paired import mean_interval


def over_data_sets(summaries: Sequence[Summary], each: Mapping[str, pd.DataFrame], level: float) -> Drawing | None:
    """Mean rank of a row over search seeds, a mark for each data set, below them that over all with its interval.

    `each`: data set → accuracies, a row for each seed and a column for each row of the table.
    """
    if len(summaries) < 2 or len(each) < 2:
        return None
    order = [summary.method for summary in summaries]
    ranks = {data: frame.rank(axis=1, ascending=False)[order] for data, frame in each.items()}
    marks = [(name, data, *_interval(frame[name].to_numpy(), level)) for name in order for data, frame in ranks.items()]
    means = [(one.method, "all", one.rank.value, one.rank.low, one.rank.high) for one in summaries]
    drawn = pd.DataFrame([*marks, *means], columns=["row", "data", "rank", "low", "high"])
    figure, axes = canvas(height=1.3 + 0.34 * len(order))
    for number, data in enumerate(ranks):
        own = drawn[drawn["data"] == data]
        axes.plot(own["rank"], np.arange(len(order)) - 0.12, MARKERS[number % len(MARKERS)], linestyle="none",
                  color=COLOURS[number % len(COLOURS)], markersize=5, label=data)  # fmt: skip
    own = drawn[drawn["data"] == "all"]
    errors = [np.nan_to_num(own["rank"] - own["low"]), np.nan_to_num(own["high"] - own["rank"])]
    axes.errorbar(own["rank"], np.arange(len(order)) + 0.18, xerr=errors, fmt="|", color=INK, elinewidth=1, capsize=2,
                  markersize=7, label="over all, with its interval")  # fmt: skip
    axes.set_yticks(range(len(order)), order)
    axes.set_ylim(len(order) - 0.5, -0.5)
    axes.set_xlim(0.8, len(order) + 0.2)
    axes.set_xlabel("Mean rank over search seeds, 1 the best")
    axes.grid(axis="y", visible=False)
    legend(figure, axes)
    return Drawing(figure, drawn)


def _interval(ranks: np.ndarray, level: float) -> tuple[float, float, float]:
    found = mean_interval(ranks, level)
    return found.value, found.low, found.high
