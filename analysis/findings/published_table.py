"""A file of published numbers as people have it: any usual table, looked at cell by cell before it is kept."""

import re
from math import inf, isfinite, nan
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.results.protocol_view import Damaged
from spaces import tables

QUANTITIES = ("test_accuracy", "params_millions", "shortcuts", "random_accuracy")
PERCENTAGES = ("test_accuracy", "random_accuracy")
NEEDED = ("method", "search_epochs")
SPREAD = re.compile(r"(.*?)\s*(?:±|\+/-|\+-|\$?\\pm\$?)\s*(.*)")  # mean and standard deviation in one cell


def read(path: Path) -> pd.DataFrame:
    """`method` as text; `search_epochs`, `n` and each quantity's `_mean` and `_std` as numbers, NaN where none is said.

    Raises Damaged, in one line, where it is no table, a column is missing, or a cell is no number.
    """
    try:
        table = tables.read(tables.decoded(path.read_bytes()))
        return _frame(table)
    except ValueError as error:
        raise Damaged(f"{path} is no table of published numbers: {' '.join(str(error).split())}") from None


def _frame(table: tables.Table) -> pd.DataFrame:
    columns = [re.sub(r"\W+", "_", name.strip().lower()).strip("_") for name in table.columns]
    if twice := next((name for name in columns if name and columns.count(name) > 1), ""):
        raise ValueError(f"column '{twice[:40]}' appears twice")
    if missing := [name for name in NEEDED if name not in columns]:
        raise ValueError(f"column {', '.join(sorted(missing))} is missing")
    if not any(name.removesuffix("_mean") in QUANTITIES for name in columns):
        raise ValueError(f"it has none of the columns {', '.join(f'{name}_mean' for name in QUANTITIES)}")
    if not table.rows:
        raise ValueError("it has no row below its columns")
    return pd.DataFrame([_row(table, line, dict(zip(columns, cells, strict=True))) for line, cells in table.rows])


def _row(table: tables.Table, line: int, cells: dict[str, str]) -> dict[str, Any]:
    if not cells["method"]:
        raise ValueError(f"line {line}, column method: it is empty")
    found: dict[str, Any] = {"method": cells["method"]}
    for name in ("search_epochs", "n"):
        found[name] = _or_nan(table.number(cells.get(name, ""), line, name))
    if isfinite(found["n"]) and (found["n"] < 1 or found["n"] % 1):
        raise ValueError(f"line {line}, column n: '{cells['n']}' is no number of runs")
    if isfinite(found["search_epochs"]) and (found["search_epochs"] < 0 or found["search_epochs"] % 1):
        raise ValueError(f"line {line}, column search_epochs: '{cells['search_epochs']}' is no number of epochs")
    for quantity in QUANTITIES:
        found |= _quantity(table, line, quantity, cells)
    return found


def _quantity(table: tables.Table, line: int, quantity: str, cells: dict[str, str]) -> dict[str, float]:
    """Its mean and standard deviation, which may stand in one cell."""
    mean = f"{quantity}_mean" if f"{quantity}_mean" in cells else quantity
    std = f"{quantity}_std"
    text, spread = cells.get(mean, ""), cells.get(std, "")
    if both := SPREAD.fullmatch(text):
        text, spread = both[1], spread or both[2]
    found = {f"{quantity}_mean": _or_nan(table.number(text, line, mean)),
             std: _or_nan(table.number(spread, line, std if std in cells else mean))}  # fmt: skip
    if found[std] < 0:
        raise ValueError(f"line {line}, column {std}: '{spread}' is no standard deviation")
    most = 100 if quantity in PERCENTAGES else inf
    if isfinite(value := found[f"{quantity}_mean"]) and not 0 <= value <= most:
        what = "percentage" if quantity in PERCENTAGES else "number from 0 on"
        raise ValueError(f"line {line}, column {mean}: '{text}' is no {what}")
    return found


def _or_nan(found: float | None) -> float:
    return nan if found is None else found
