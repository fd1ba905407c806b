"""How zero-cost scores correlate with test accuracy in rank."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.figures.style import INK, Drawing, by_data_set
from analysis.findings.scores import Scored

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def correlations(found: Sequence[Scored]) -> Drawing | None:
    """Spearman's ρ with its interval, a panel for each data set; nothing where all have too few networks."""
    known = [one for one in found if not one.few]
    if not known:
        return None
    drawn = pd.DataFrame([(one.data, one.score, one.rho.n, one.rho.rho, one.rho.low, one.rho.high) for one in known],
                         columns=["data", "score", "networks", "rho", "low", "high"])  # fmt: skip
    panels = dict([*drawn.groupby("data", sort=False)])
    figure, axes = by_data_set(len(panels))
    for place, (data, own) in zip(axes, panels.items(), strict=True):
        _panel(place, own)
        place.set_title(str(data))
    return Drawing(figure, drawn)


def _panel(axes: "Axes", own: pd.DataFrame) -> None:
    at, rho = np.arange(len(own)), own["rho"].to_numpy()
    errors = [np.nan_to_num(rho - own["low"].to_numpy()), np.nan_to_num(own["high"].to_numpy() - rho)]
    axes.errorbar(rho, at, xerr=errors, fmt="o", color=INK, elinewidth=1, capsize=2, markersize=5)
    for size in own.loc[own["score"] == "parameters", "rho"].dropna():
        axes.axvline(size, color=INK, linewidth=0.9, linestyle=":")
    axes.set_yticks(at, list(own["score"]))
    axes.set_ylim(len(own) - 0.5, -0.5)
    axes.set_xlim(-1.05, 1.05)
    axes.set_xlabel("Spearman's ρ with test accuracy")
    axes.grid(axis="y", visible=False)
