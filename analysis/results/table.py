"""The comparison table as values: one line per rule and search epochs, its twins beside it, the baseline last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.results.aggregate import Spread, State, costs, parts, planned, spread, state
from analysis.results.rows import Results
from analysis.statistics.components import Components

QUANTITIES = {
    "accuracy": "test_accuracy",
    "parameters": "parameters",
    "shortcuts": "shortcuts",
    "long_shortcuts": "long_shortcuts",
    "macs": "macs",
}


@dataclass(frozen=True)
class Line:
    """One row of the table. `cells` and `twin_cells` map the names in QUANTITIES (and `cost`) to their spreads."""

    method: str
    twin: str | None
    role: str
    rule: str | None
    search_epochs: int | None
    state: State
    cells: Mapping[str, Spread]
    spent: Mapping[str, Spread]  # the cost by kind of trial
    twin_state: State | None
    twin_cells: Mapping[str, Spread]
    parts: Components | None  # spread between searches and between trainings
    best_of: int | None = None  # searches, of each group of which this is the best

    @property
    def label(self) -> str:
        """The method without its search epochs, which have a column of their own."""
        return family(self.method)


def family(method: str) -> str:
    """`darts-A@50` and `darts-A@100` are points of one line, `darts-A`."""
    return method.rsplit("@", 1)[0]


def lines(results: Results) -> list[Line]:
    """The table, in the study's order with the baseline last."""
    wanted = [row for row in listed(results) if row["role"] != "twin"]
    ordered = sorted(wanted, key=lambda row: row["role"] == "baseline")
    counts = planned(results.study.get("plan") or ())
    return [_line(results, row, counts) for row in ordered]


def listed(results: Results) -> Sequence[Mapping[str, Any]]:
    """The study's table rows; taken from the trials themselves where study.json has none."""
    if rows := results.study.get("rows"):
        return [{"twin": None, "role": "method", "rule": None, "search_epochs": None, **row} for row in rows]
    trained = results.trials[results.trials["kind"] == "train"]
    twins = dict(zip(trained["twin_of"], trained["method"], strict=True))
    unique = trained.drop_duplicates("method").sort_values("method")
    return [
        {"method": name, "twin": twins.get(name), "role": role, "rule": None, "search_epochs": _epochs(name)}
        for name, role in zip(unique["method"], unique["role"], strict=True)
    ]


def _epochs(method: str) -> int | None:
    _, at, epochs = method.rpartition("@")
    return int(epochs) if at and epochs.isdecimal() else None


def _line(results: Results, row: Mapping[str, Any], counts: Mapping[str, int]) -> Line:
    method, twin, epochs = row["method"], row["twin"], row["search_epochs"]
    own = results.trainings(method)
    twins = results.trainings(twin) if twin else None
    spent = costs(results, own, epochs)
    return Line(
        method=method,
        twin=twin,
        role=row["role"],
        rule=row["rule"],
        search_epochs=epochs,
        state=state(own, counts.get(method, 0)),
        cells={**_cells(own), "cost": spent.pop("cost")},
        spent=spent,
        twin_state=None if twins is None else state(twins, counts.get(twin, 0)),
        twin_cells={} if twins is None else _cells(twins),
        parts=parts(own),
        best_of=row.get("best_of"),
    )


def _cells(trials: pd.DataFrame) -> dict[str, Spread]:
    return {name: spread(trials, column) for name, column in QUANTITIES.items()}
