"""A study's own published numbers beside ours, each difference in standard errors."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan, nan
from pathlib import Path

import pandas as pd

from analysis.findings.published_table import read
from analysis.numbers import visible
from analysis.results.aggregate import NOTHING, Spread
from analysis.results.table import Line
from analysis.statistics.paired import standard_errors

PUBLISHED = "published.csv"  # in a results folder: set beside our numbers
COLUMNS = {
    "test_accuracy": ("accuracy", False, 1.0),
    "params_millions": ("parameters", False, 1e-6),
    "shortcuts": ("shortcuts", False, 1.0),
    "random_accuracy": ("accuracy", True, 1.0),
}  # published column → our quantity, whether it is the twins', our scale


@dataclass(frozen=True)
class Beside:
    """One cell: ours and the published one in the same unit; `errors` is (ours - published) in standard errors."""

    method: str
    published: str
    column: str
    ours: Spread
    theirs: Spread
    errors: float


def beside(table: Sequence[Line], path: Path) -> list[Beside]:
    """Every published cell of the table at `path` that a line of ours answers to, by method or rule and search epochs.

    Where our snapshots are others, the first stands beside the first, and so on, if there are as many. A column `n` may
    say how many runs the published numbers have; without it our own n is taken. Raises Damaged as `read` does.
    """
    frame = read(path)
    out = []
    for method, rows in frame.groupby("method", sort=False):
        rows = rows.assign(method=visible(str(method)))
        rows = rows.sort_values(by="search_epochs")
        for line, (_, row) in zip(_matching(table, str(method), len(rows)), rows.iterrows(), strict=False):
            out += [cell for column in COLUMNS if (cell := _cell(line, row, column)) is not None]
    return out


def file(folders: Sequence[Path]) -> Path | None:
    """The published numbers that a folder holds; of several folders, those of the first that has some."""
    return next((folder / PUBLISHED for folder in folders if (folder / PUBLISHED).exists()), None)


def unanswered(table: Sequence[Line], path: Path | None) -> list[str]:
    """A sentence where a published method stands beside nothing of ours."""
    groups = read(path).groupby("method", sort=False) if path else ()
    without = [visible(str(method)) for method, rows in groups if not _matching(table, str(method), len(rows))]
    if not without:
        return []
    return [f"Published numbers are left out, because no method or rule of ours with as many rows has these names: "
            f"{', '.join(without)}."]  # fmt: skip


def _matching(table: Sequence[Line], method: str, count: int) -> list[Line]:
    if method == "baseline":
        found = [line for line in table if line.role == "baseline"]
    else:
        ours = [line for line in table if line.role == "method"]
        found = [line for line in ours if line.label == method] or [line for line in ours if line.rule == method]
    found.sort(key=lambda line: line.search_epochs or 0)
    return found if len(found) == count else []


def _cell(line: Line, row: pd.Series, column: str) -> Beside | None:
    quantity, twins, scale = COLUMNS[column]
    ours = (line.twin_cells if twins else line.cells).get(quantity, NOTHING)
    ours = Spread(ours.mean * scale, ours.std * scale, ours.n, ours.keys)
    mean, std = float(row[f"{column}_mean"]), float(row[f"{column}_std"])
    if isnan(mean):
        return None
    theirs = Spread(mean, std, ours.n if isnan(row["n"]) else int(row["n"]), ())
    errors = standard_errors((ours.mean, ours.std, ours.n), (theirs.mean, theirs.std, theirs.n)) if ours.n else nan
    epochs = float(row["search_epochs"])
    label = str(row["method"]) if isnan(epochs) else f"{row['method']}@{epochs:.0f}"
    return Beside(line.method, label, column, ours, theirs, errors)
