"""The tidy tables of a report as files: CSV for everybody, Parquet with its types, and what each column holds."""

import io
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.report.formats import table_of
from analysis.results.rows import Results
from analysis.results.tidy import curves, dictionary, runs

NAMES = ("data/runs.csv", "data/runs.parquet", "data/curves.parquet", "data/dictionary.csv")


def files(results: Results) -> dict[str, bytes]:
    """File name → content; equal rows give equal bytes."""
    trials, epochs = runs(results), curves(results)
    found = {name: text.encode(errors="backslashreplace") for name, text in _texts(trials, epochs).items()}
    return found | {"data/runs.parquet": _parquet(trials), "data/curves.parquet": _parquet(epochs)}


def kept(results: Results, report: Path) -> dict[str, str]:
    """Of the files that can be compared cell by cell, those that lie in the `report`; it may be kept without them."""
    found = _texts(runs(results), curves(results))
    return {name: text for name, text in found.items() if (report / name).is_file()}


def _texts(trials: pd.DataFrame, epochs: pd.DataFrame) -> dict[str, str]:
    return {"data/runs.csv": _csv(trials), "data/dictionary.csv": _csv(dictionary(trials, epochs))}


def _csv(table: pd.DataFrame) -> str:
    """Nothing where there is no value; times as in rows."""
    records = table.astype(object).where(table.notna(), "").to_dict("records")
    return table_of([{str(name): _cell(value) for name, value in one.items()} for one in records], [*map(str, table)])


def _cell(value: Any) -> Any:
    return value.isoformat() if isinstance(value, pd.Timestamp) else value


def _parquet(table: pd.DataFrame) -> bytes:
    out = io.BytesIO()
    table.to_parquet(out, index=False)
    return out.getvalue()
