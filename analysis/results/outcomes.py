"""What a final training counts with: its accuracy, or that of guessing where it failed."""

import json
from collections.abc import Iterable, Mapping
from math import isfinite, nan
from typing import Any

import pandas as pd

FINAL = ("done", "diverged", "disconnected", "pruned", "unmatched", "invalid")  # `failed` runs again
FAILURES = ("failed", "diverged", "disconnected", "invalid")  # invalid: said to be done, but its accuracy is none
ACCURACIES = ("test_accuracy", "val_accuracy")
Result = tuple[Any, ...]  # status and ACCURACIES of a final row


def is_percentage(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and isfinite(value) and 0 <= value <= 100


def fault(row: Mapping[str, Any]) -> str | None:
    """What is wrong with the accuracy of a final training that is `done`."""
    value = row.get("test_accuracy")
    if row.get("kind") != "train" or row["status"] != "done" or is_percentage(value):
        return None
    return f"test_accuracy is {json.dumps(value)[:40]}, which is no percentage"


def checked(record: dict[str, Any]) -> dict[str, Any]:
    """A row with a `fault` becomes `invalid`, so that it counts as a failure."""
    found = fault(record)
    return {**record, "status": "invalid", "error": found, "test_accuracy": None} if found else record


def conflicts(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """Keys that have several final rows with different results, each with these."""
    found: dict[str, dict[Result, None]] = {}
    for record in records:
        if (status := record.get("status")) in FINAL:
            found.setdefault(record["key"], {})[status, *map(_number, map(record.get, ACCURACIES))] = None
    return [
        f"{key} ({', '.join(_result(result) for result in sorted(results, key=str))})"
        for key, results in sorted(found.items())
        if len(results) > 1
    ]


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) else None


def _result(result: Result) -> str:
    status, *accuracies = result
    known = [value for value in accuracies if value is not None]
    return status if status != "done" else f"{known[0]} %" if known else "none"


def outcomes(trials: pd.DataFrame, failures: bool = True) -> pd.DataFrame:
    """The rows that have a value, with it as `outcome`: a test accuracy, or with `failures` that of guessing."""
    done, failed = trials["status"] == "done", trials["status"].isin(FAILURES)
    values = trials["test_accuracy"].where(done, trials["chance"].where(failed) if failures else nan)
    return trials.assign(outcome=values).dropna(subset=["outcome"])


def failing(trials: pd.DataFrame) -> pd.Series:
    """Whether each counts with the accuracy of guessing."""
    return trials["status"].isin(FAILURES)


def failed(trials: pd.DataFrame) -> int:
    return int(failing(trials).sum())
