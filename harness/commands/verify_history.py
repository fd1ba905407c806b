"""Whether the row of a whole black-box search says what its history says."""

from collections.abc import Iterator, Mapping
from typing import Any

from harness.black_box.loop import rounded
from harness.storage.checks import short


def unlike_its_history(row: Mapping[str, Any]) -> Iterator[str]:
    """A line for each difference. The architecture itself is the search's result: `--rerun` finds it again."""
    if not (history := row.get("history")):
        return
    queries, best = history["queries"], history["best"]
    if len(queries) != (asked := row["settings"]["search"]["candidates"]):
        yield f"its history has {len(queries)} queries, but {asked} by its settings"
    numbers, accuracies = ([entry[at] for entry in best] for at in (0, 1))
    if numbers != sorted({number for number in numbers if 1 <= number <= len(queries)}):
        yield f"the queries that improved its best are {short(numbers)}, which do not rise from 1 to {len(queries)}"
    if accuracies != sorted(accuracies):  # rounded, two may be the same
        yield f"its best accuracies are {short(accuracies)}, which fall"
    if not best or accuracies[-1] != rounded(row["val_accuracy"]):
        yield f"its val_accuracy is {short(row['val_accuracy'])}, but {short(accuracies[-1:])} by its history"
