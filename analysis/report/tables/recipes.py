"""The table of recipes."""

import json
from collections.abc import Sequence

from analysis.findings import recipes as found
from analysis.numbers import EMPTY
from analysis.report.tables.table import Cell, Table
from analysis.results.rows import Results
from analysis.results.table import Line

HEAD = ("Methods", "Learning rate", "Schedule", "Momentum", "Weight decay", "Batch", "Epochs", "Found by", "Trials",
        "Device-hours")  # fmt: skip


def recipes(results: Results, table: Sequence[Line]) -> Table:
    """A row per recipe; the tuning's cost counts once for all methods that use what it found."""
    rows = []
    for text, methods in found.recipes(results, table).items():
        cells = (", ".join(methods), *found.described(json.loads(text)), *_origin(results, text))
        rows.append(tuple(Cell(cell, tuple(methods)) for cell in cells))
    note = "From the rows. What a study fixed itself, or took from a file, has no cost here; say where it comes from."
    return Table("recipes", "Recipes", HEAD, tuple(rows), note)


def _origin(results: Results, recipe: str) -> tuple[str, str, str]:
    """Its tuning, how many trials that took and how long; or the study itself."""
    trained = results.trials[(results.trials["kind"] == "train") & (results.trials["recipe"] == recipe)]
    keys = {key for tuned in trained["tuned"] for key in tuned or ()}
    trials = results.trials[results.trials["key"].isin(keys)]
    if trials.empty:
        return "the study", EMPTY, EMPTY
    names = sorted(set(trials["methods"].explode()))
    return ", ".join(names), str(len(trials)), f"{trials['device_seconds'].sum() / 3600:.2f}"
