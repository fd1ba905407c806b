"""A table of one's own: CSV or Parquet with a row a run (docs/tables.md)."""

import math
from pathlib import Path
from typing import Any

from harness.errors import BadInput, first_line
from harness.tables.table import Entry, Table
from spaces import tables
from spaces.space import Space

NEEDED = ("architecture", "data", "run", "accuracy")
OPTIONAL = ("cost_seconds", "parameters", "latency_seconds")
WHOLE = ("run", "parameters")
COUNT = (2.0**53, "a number from 0 on that is whole")
TAKES = {"run": COUNT, "accuracy": (100.0, "a percentage"), "cost_seconds": (3.4e38, "a number from 0 on"),
         "parameters": COUNT, "latency_seconds": (3.4e38, "a number from 0 on")}  # fmt: skip


def read(file: Path, data: str, space: Space) -> Table:
    """The runs of data set `data`. Raises BadInput naming the row and the column."""
    frame = _frame(file)
    if missing := [name for name in NEEDED if name not in frame]:
        raise BadInput(f"table {file}: column '{missing[0]}' is missing; it needs {', '.join(NEEDED)}, "
                       f"and may have {', '.join(OPTIONAL)}")  # fmt: skip
    if unnamed := frame.index[frame["data"].isna()].to_list():
        raise BadInput(f"table {file}, row {unnamed[0]}: data is empty; name a data set")
    frame = frame.assign(data=frame["data"].astype(str))
    sets = sorted(frame["data"].unique())
    if data not in sets:
        raise BadInput(f"table.data = '{data}': {file} has {', '.join(sets) or 'no data set'}")
    frame = frame[frame["data"] == data]
    first = frame["architecture"].drop_duplicates()
    texts = {text: _architecture(text, f"{file}, row {line}", space) for line, text in first.items()}
    frame = _numbers(frame.assign(architecture=frame["architecture"].map(texts), line=frame.index), file)
    if (highest := frame["accuracy"].max()) <= 1:
        raise BadInput(f"table {file}: accuracies are percentages, and the highest of '{data}' is {highest:g}; "
                       "write 93.5 for 0.935")  # fmt: skip
    twice = frame[frame.duplicated(["architecture", "run"], keep=False)]
    if len(twice):
        lines = ", ".join(map(str, twice["line"].head(2)))
        raise BadInput(f"table {file}: rows {lines} are the same run of {twice['architecture'].iloc[0]}")
    _check_sizes(frame, file)
    ordered = frame.sort_values(["architecture", "run"])
    return Table(str(file), {text: _entry(runs) for text, runs in ordered.groupby("architecture")})


def _frame(file: Path) -> Any:
    """By the lines of the file, as an editor counts them; a Parquet file's rows begin at 2 as well."""
    import pandas as pd

    try:
        if file.suffix == ".parquet":
            found = pd.read_parquet(file)
            return found.set_index(pd.RangeIndex(2, len(found) + 2))
        table = tables.read(tables.decoded(file.read_bytes()))
        lines = [line for line, _ in table.rows]
        return pd.DataFrame([cells for _, cells in table.rows], lines, table.columns).replace("", float("nan"))
    except OSError as error:
        raise BadInput(f"table {file} cannot be read: {error.strerror or first_line(error)}") from None
    except Exception as error:  # each reader has its own
        raise BadInput(f"table {file} is no {'Parquet' if file.suffix == '.parquet' else 'CSV'} file: "
                       f"{first_line(error)}") from None  # fmt: skip


def _architecture(text: Any, where: str, space: Space) -> str:
    try:
        return str(space.parse(str(text)))
    except ValueError as error:
        raise BadInput(f"table {where}: {error}") from None


def _numbers(frame: Any, file: Path) -> Any:
    """The frame with its numbers as such. Raises BadInput where one is none that a row could hold."""
    import pandas as pd

    for name in ("run", "accuracy", *(name for name in OPTIONAL if name in frame)):
        numbers = pd.to_numeric(frame[name], errors="coerce").astype("float64")  # a missing value is NaN then
        if pd.api.types.is_bool_dtype(frame[name]) or pd.api.types.is_timedelta64_dtype(frame[name]):
            numbers = numbers * math.nan
        most, what = TAKES[name]
        right = (numbers >= 0) & (numbers <= most) & ((numbers % 1 == 0) | (name not in WHOLE))
        if len(wrong := frame[~right]):
            raise BadInput(f"table {file}, row {wrong['line'].iloc[0]}: {name} = {wrong[name].iloc[0]} is not {what}")
        frame = frame.assign(**{name: numbers})
    return frame


def _check_sizes(frame: Any, file: Path) -> None:
    """Raises BadInput where runs of one network have several sizes: a run of another network may be among them."""
    if "parameters" not in frame:
        return
    first = frame.groupby("architecture")["parameters"].transform("first")
    if len(wrong := frame[frame["parameters"] != first]):
        row = wrong.iloc[0]
        raise BadInput(f"table {file}, row {row['line']}: parameters = {row['parameters']:.0f} is not the number of an "
                       f"earlier run of {row['architecture']}")  # fmt: skip


def _entry(runs: Any) -> Entry:
    costs = tuple(map(float, runs["cost_seconds"])) if "cost_seconds" in runs else (0.0,) * len(runs)
    size = int(runs["parameters"].iloc[0]) if "parameters" in runs else None
    latency = float(runs["latency_seconds"].mean()) if "latency_seconds" in runs else None
    return Entry(tuple(map(float, runs["accuracy"])), costs, size, latency)
