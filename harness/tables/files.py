"""A table of one's own: CSV or Parquet with a row a run (docs/tables.md)."""

from pathlib import Path
from typing import Any

from harness.errors import BadInput, first_line
from harness.tables.table import Entry, Table
from spaces.space import Space

NEEDED = ("architecture", "data", "run", "accuracy")
OPTIONAL = ("cost_seconds", "parameters")


def read(file: Path, data: str, space: Space) -> Table:
    """The runs of data set `data`. Raises BadInput naming the row and the column."""
    frame = _frame(file)
    if missing := [name for name in NEEDED if name not in frame]:
        raise BadInput(f"table {file}: column '{missing[0]}' is missing; it needs {', '.join(NEEDED)}, "
                       f"and may have {', '.join(OPTIONAL)}")  # fmt: skip
    sets = sorted(map(str, frame["data"].dropna().unique()))
    if data not in sets:
        raise BadInput(f"table.data = '{data}': {file} has {', '.join(sets) or 'no data set'}")
    frame = frame[frame["data"].astype(str) == data]
    texts = {text: _architecture(text, file, space) for text in frame["architecture"].unique()}
    frame = frame.assign(architecture=frame["architecture"].map(texts), line=frame.index + 2)
    _check_numbers(frame, file)
    twice = frame[frame.duplicated(["architecture", "run"], keep=False)]
    if len(twice):
        lines = ", ".join(map(str, twice["line"].head(2)))
        raise BadInput(f"table {file}: rows {lines} are the same run of {twice['architecture'].iloc[0]}")
    ordered = frame.sort_values(["architecture", "run"])
    return Table(str(file), {text: _entry(runs) for text, runs in ordered.groupby("architecture")})


def _frame(file: Path) -> Any:
    import pandas as pd

    try:
        return pd.read_parquet(file) if file.suffix == ".parquet" else pd.read_csv(file)
    except OSError as error:
        raise BadInput(f"table {file} cannot be read: {error.strerror or first_line(error)}") from None
    except Exception as error:  # each reader has its own
        raise BadInput(f"table {file} is no {'Parquet' if file.suffix == '.parquet' else 'CSV'} file: "
                       f"{first_line(error)}") from None  # fmt: skip


def _architecture(text: Any, file: Path, space: Space) -> str:
    try:
        return str(space.parse(str(text)))
    except ValueError as error:
        raise BadInput(f"table {file}: {error}") from None


def _check_numbers(frame: Any, file: Path) -> None:
    import pandas as pd

    for name in ("run", "accuracy", *(name for name in OPTIONAL if name in frame)):
        numbers = pd.to_numeric(frame[name], errors="coerce")
        most = 100 if name == "accuracy" else float("inf")
        wrong = frame[~((numbers >= 0) & (numbers <= most) & (numbers < float("inf")))]
        if len(wrong):
            what = "a percentage" if name == "accuracy" else "a number from 0 on"
            raise BadInput(f"table {file}, row {wrong['line'].iloc[0]}: {name} = {wrong[name].iloc[0]} is not {what}")


def _entry(runs: Any) -> Entry:
    costs = tuple(map(float, runs["cost_seconds"])) if "cost_seconds" in runs else (0.0,) * len(runs)
    size = int(runs["parameters"].iloc[0]) if "parameters" in runs else None
    return Entry(tuple(map(float, runs["accuracy"])), costs, size)
