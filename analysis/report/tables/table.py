"""A table as plain values: title, texts of cells, and which rows each cell comes from; how numbers become texts."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite, isnan

from analysis.numbers import EMPTY, plus
from analysis.results.aggregate import Spread, State
from analysis.results.table import Line
from analysis.statistics.components import Components
from analysis.statistics.paired import Estimate


@dataclass(frozen=True)
class Cell:
    """`methods`: the table rows whose trials the text comes from; `mark`: of significance, on paper."""

    text: str
    methods: tuple[str, ...] = ()
    mark: str = ""


@dataclass(frozen=True)
class Table:
    """`last_apart`: the last row stands under a rule of its own (the baseline); `paper`: it is made in LaTeX, too."""

    name: str
    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    last_apart: bool = False
    paper: bool = True
    caption: str = ""  # on paper in place of `note`

    @property
    def main(self) -> bool:
        """Whether it stands first on the page, and on the terminal; a part of its name may be a data set's."""
        return self.name.partition("-")[0] in ("primary", "table", "over", "twins")


def named(line: Line) -> tuple[Cell, Cell]:
    epochs = EMPTY if line.search_epochs is None else str(line.search_epochs)
    return Cell(line.label, (line.method,)), Cell(epochs, (line.method,))


def number(spread: Spread, digits: int, scale: float = 1.0) -> str:
    """`93.70 ± 0.22 (n=5)`; without ± where all values are equal or there is one, `–` where there is none."""
    if not spread.n:
        return EMPTY
    mean = f"{spread.mean * scale:.{digits}f}"
    return f"{mean} ± {spread.std * scale:.{digits}f} (n={spread.n})" if spread.std > 0 else f"{mean} (n={spread.n})"


def accuracy(spread: Spread, state: State | None) -> str:
    """The accuracy with what is unfinished or in trouble said beside it."""
    notes = str(state) if state else ""
    if state and (rate := state.failures).failed:
        notes += f", {100 * rate.value:.0f} % [{100 * rate.low:.0f}, {100 * rate.high:.0f}] failed"
    if not spread.n:
        return notes or EMPTY
    return f"{number(spread, 2)}, {notes}" if notes else number(spread, 2)


def millions(spread: Spread) -> str:
    """Two digits after the point, three below a million."""
    return number(spread, 2 if spread.mean >= 1e6 else 3, 1e-6)


def hours(spread: Spread) -> str:
    return number(spread, 2 if spread.mean >= 360 else 4, 1 / 3600)


def interval(found: Estimate) -> str:
    """`+0.41 [+0.12, +0.70]`; the mean alone where no interval can be given."""
    return estimated(found.value, found.low, found.high, 2)


def estimated(value: float, low: float, high: float, digits: int) -> str:
    if isnan(value):
        return EMPTY
    ends = f" [{plus(low, digits)}, {plus(high, digits)}]" if isfinite(low) else ""
    return plus(value, digits) + ends


def parts(found: Components | None) -> tuple[str, ...]:
    """Between searches, between trainings."""
    if not found:
        return "not separable", "not separable"
    size = f" ({found.groups} × {found.repeats})"
    return tuple(
        f"{std:.2f}" + (f" [{ends[0]:.2f}, {ends[1]:.2f}]" if isfinite(ends[1]) else "") + size
        for std, ends in ((found.between, found.between_interval), (found.within, found.within_interval))
    )


def shown(tables: Iterable[Table]) -> list[Table]:
    """Those that have rows."""
    return [table for table in tables if table.rows]
