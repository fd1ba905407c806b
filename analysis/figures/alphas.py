"""What searches learned and found: heat maps of α, how far shortcuts reach, and where they end."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.figures.style import INK, PAPER, Drawing, grid, looks
from analysis.results.aggregate import done
from analysis.results.rows import Results
from analysis.results.searches import architectures, mean_alpha
from analysis.results.table import Line
from spaces.architecture import LONG, Shortcuts

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Labels = Mapping[str, Sequence[Any]]  # of an array's rows and columns


def heat_maps(results: Results, searches: pd.DataFrame) -> Drawing | None:
    """Mean α of these searches, a panel per snapshot and array. A dot marks α above 0."""
    panels = [
        (f"{name} after {epoch} epochs" if len(arrays) > 1 else f"after {epoch} epochs", name,
         _possible(_over_none(arrays, name)))
        for epoch, arrays in mean_alpha(done(searches)).items()
        for name, array in arrays.items()
        if array.ndim == 2
    ]  # fmt: skip
    if not panels:
        return None
    given: Mapping[str, Any] = results.study.get("alpha_labels") or {}
    labels = [_fitting(given.get(name), values.shape) for _, name, values in panels]
    squares = [_squares(title, values, names) for (title, _, values), names in zip(panels, labels, strict=True)]
    drawn = pd.concat(squares, ignore_index=True)
    low, high = drawn["alpha"].min(), drawn["alpha"].max()
    figure, axes = grid(len(panels), columns=min(3, len(panels)), width=3.4, height=3.2)
    for place, (title, _, values), names in zip(axes, panels, labels, strict=True):
        mesh = place.pcolormesh(np.ma.masked_invalid(values), cmap="cividis", vmin=low, vmax=max(high, low + 1e-9))
        rows, columns = np.nonzero(values > 0)
        place.plot(
            columns + 0.5, rows + 0.5, ".", color=PAPER, markersize=2.5, markeredgecolor=INK, markeredgewidth=0.4
        )
        place.set_title(title, fontsize=9)
        _ticks(place, values, names)
    figure.colorbar(mesh, ax=axes, shrink=0.7, label="α")
    return Drawing(figure, drawn)


def _fitting(labels: Labels | None, shape: tuple[int, ...]) -> Labels | None:
    """None where they are not as many as the array's rows and columns."""
    return labels if labels and (len(labels["rows"]), len(labels["columns"])) == shape else None


def _squares(title: str, values: np.ndarray, labels: Labels | None) -> pd.DataFrame:
    """A row for each square that is filled, by the names of its row and column, else by their numbers from 1."""
    places = np.argwhere(~np.isnan(values))
    names = labels or {side: range(1, n + 1) for side, n in zip(("rows", "columns"), values.shape, strict=True)}
    return pd.DataFrame({"panel": title, "row": [names["rows"][i] for i, _ in places],
                         "column": [names["columns"][j] for _, j in places], "alpha": values[*places.T]})  # fmt: skip


def _over_none(arrays: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    """α of shortcuts counts over that of none, where there is one."""
    none = arrays.get("none")
    over = name == "pairs" and none is not None and none.shape in (arrays[name].shape, arrays[name].shape[1:])
    return arrays[name] - none if over else arrays[name]


def _possible(values: np.ndarray) -> np.ndarray:
    """A square matrix over blocks holds shortcuts only two or more above its diagonal."""
    rows, columns = np.indices(values.shape)
    square = values.shape[0] == values.shape[1] and not np.tril(values, 1).any()
    return np.where(columns - rows >= 2, values, np.nan) if square else values


def _ticks(axes: "Axes", values: np.ndarray, labels: Labels | None) -> None:
    rows, columns = values.shape
    axes.invert_yaxis()
    axes.grid(visible=False)
    if labels:
        axes.set_xticks(np.arange(columns) + 0.5, labels["columns"], rotation=60, ha="right", fontsize=6.5)
        axes.set_yticks(np.arange(rows) + 0.5, labels["rows"], fontsize=6.5)
        return
    step = max(1, max(rows, columns) // 8)
    axes.set_xticks(np.arange(0, columns, step) + 0.5, [str(n + 1) for n in range(0, columns, step)], fontsize=7)
    axes.set_yticks(np.arange(0, rows, step) + 0.5, [str(n + 1) for n in range(0, rows, step)], fontsize=7)
    square = rows == columns
    axes.set_xlabel("to block" if square else "operation")
    axes.set_ylabel("from block" if square else "edge")


def lengths(results: Results, table: Sequence[Line]) -> Drawing | None:
    """How far shortcuts reach."""
    found = _histograms(results, table, "length", lambda source, target: target - source, 2)
    for place in found.figure.axes if found else ():
        place.axvline(LONG - 0.5, color=INK, linewidth=0.8, linestyle=":")
        place.set_xlabel("Length, blocks (dotted: long from here)")
    return found


def targets(results: Results, table: Sequence[Line]) -> Drawing | None:
    """Where shortcuts end."""
    found = _histograms(results, table, "block", lambda source, target: target, 3)
    for place in found.figure.axes if found else ():
        place.set_xlabel("Block at which shortcuts end")
    return found


def _histograms(results: Results, table: Sequence[Line], quantity: str, of: Callable[[int, int], int],
                low: int) -> Drawing | None:  # fmt: skip
    """Mean number of shortcuts per network by a quantity of theirs, from `low` up, beside that of the twins."""
    every = _found_and_drawn(results, table)
    found = {name: sides for name, sides in every.items() if sides[0]}
    if not found:
        return None
    drawn = pd.DataFrame(
        [(name, side, value, count) for name, sides in found.items()
         for side, networks in zip(("found", "random twins"), sides, strict=True) if networks
         for value, count in enumerate(_counts(networks, of, low)) if value >= low],
        columns=["method", "networks", quantity, "shortcuts"],
    )  # fmt: skip
    figure, axes = grid(len(found), columns=min(3, len(found)), width=4.2, height=2.8)
    styles = looks(list(every))
    for place, (name, own) in zip(axes, drawn.groupby("method", sort=False), strict=True):
        colour = styles[str(name)].colour
        for side, bars in own.groupby("networks", sort=False):
            shift, inside, hatch = (-0.2, colour, "") if side == "found" else (0.2, PAPER, "////")
            place.bar(bars[quantity] + shift, bars["shortcuts"], width=0.4, hatch=hatch, edgecolor=colour, color=inside,
                      label=str(side))  # fmt: skip
        place.set_title(str(name))
        place.set_xlim(low - 0.6, None)
        place.set_ylim(0, 1.2 * place.get_ylim()[1])  # room for the legend
        place.set_ylabel("Shortcuts per network")
        place.legend(fontsize=7.5, loc="upper right", ncol=2)
    return Drawing(figure, drawn)


def _counts(networks: Sequence[Shortcuts], of: Callable[[int, int], int], low: int) -> np.ndarray:
    """Mean number of shortcuts per network, by value from 0."""
    found: np.ndarray = np.bincount([of(*pair) for one in networks for pair in one.pairs], minlength=low + 1)
    return found / len(networks)


def _found_and_drawn(results: Results, table: Sequence[Line]) -> dict[str, tuple[list[Shortcuts], list[Shortcuts]]]:
    """By method: the networks with shortcuts that it found at all its snapshots, and their twins."""
    found = {}
    for name in dict.fromkeys(line.label for line in table if line.role == "method"):
        members = [line for line in table if line.label == name]
        own = [a for line in members for a in architectures(results.trainings(line.method))]
        twins = [a for line in members if line.twin for a in architectures(results.trainings(line.twin))]
        found[name] = ([a for a in own if isinstance(a, Shortcuts)], [a for a in twins if isinstance(a, Shortcuts)])
    return found
