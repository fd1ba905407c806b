"""What a supernet reaches, and what the network that was read from it reaches there: the gap between both."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from analysis.results.aggregate import Spread, ancestors, done, summary
from analysis.results.rows import Results
from analysis.results.table import Line
from analysis.statistics.paired import Estimate, paired

INSIDE = ("search", "perturbation", "score")  # kinds of jobs that use a supernet
READ = "discretised_accuracy."  # the field of a search's curve for each rule


class Pair(NamedTuple):
    """Of one search, on the validation split, in percent."""

    supernet: float
    read: float


@dataclass(frozen=True)
class Reading:
    """Of one row of the table, over its search seeds. `gap`: points by which the supernet is ahead."""

    line: Line
    supernet: Spread
    read: Spread
    gap: Estimate


def readings(results: Results, table: Sequence[Line], level: float) -> list[Reading]:
    """Of the rows whose networks were read from a supernet that says what it reaches."""
    inside = done(results.trials[results.trials["kind"].isin(INSIDE)])
    rows = {row["key"]: row for row in inside.to_dict("records")}
    return [found for line in table if (found := _reading(results, line, rows, level))]


def _reading(results: Results, line: Line, rows: dict[str, Any], level: float) -> Reading | None:
    trained = done(results.trainings(line.method)).drop_duplicates("seed").sort_values("seed")
    pairs = {}
    for row in trained.to_dict("records"):
        needed = [rows[key] for key in ancestors(results.spent, [row["needs"]]) if key in rows]
        if (pair := _pair(row["architecture"], line, needed)) and not any(map(isnan, pair)):
            pairs[row["key"]] = pair
    if not pairs or line.best_of:
        return None
    supernet, read = np.array([*pairs.values()]).T
    return Reading(line, summary(supernet, pairs), summary(read, pairs), paired(supernet, read, level))


def _pair(architecture: str, line: Line, needed: Sequence[dict[str, Any]]) -> Pair | None:
    """Of the search behind the training of `architecture`; None where there is no supernet."""
    search = next((row for row in needed if row["kind"] == "search"), None)
    if search is None:
        return None
    last = [row["val_accuracy"] for row in needed if row["kind"] == "perturbation"] + [
        row["val_accuracy"] for row in needed
        if row["scored_by"] == "supernet" and row["architecture"] == architecture
    ]  # fmt: skip
    at = -1 if last else _epoch(search, line)
    read = last[0] if last else _at(search["curve"], READ + str(line.rule), at)
    return Pair(_at(search["curve"], "val_accuracy", at), read)


def _epoch(search: dict[str, Any], line: Line) -> int:
    """The place in the curve of the epoch that was read; a search that stopped early went back to an earlier one."""
    if not line.search_epochs:
        return -1
    warm, back = (search[name] for name in ("warmup_epochs", "returned_to"))
    read = line.search_epochs if pd.isna(back) else min(line.search_epochs, int(back))
    return max(0, 0 if pd.isna(warm) else int(warm)) + read - 1


def _at(curve: dict[str, np.ndarray], name: str, at: int) -> float:
    """NaN where the curve does not go so far."""
    values = curve.get(name, np.empty(0))
    return float(values[at]) if -len(values) <= at < len(values) else nan
