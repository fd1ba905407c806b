"""Whether a row's curve is that of a job of its settings, and its result that of its status."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from harness.errors import FROM_OUTSIDE, first_line
from harness.plan.settings import by_table
from harness.storage.checks import short
from harness.vocabulary.kinds import Kind
from harness.vocabulary.rows import Status
from spaces.space import Space


def unlike_its_curve(row: Mapping[str, Any], space: Space) -> Iterator[str]:
    """A line for each difference."""
    curve = row.get("curve") or []
    if row["status"] != Status.DONE:
        if row.get("test_accuracy") is not None:
            yield f"is {row['status']}, but has a test accuracy"
        return
    if row["kind"] == Kind.TRAIN and not by_table(row["settings"]):
        due = (row["recipe"] or {}).get("epochs")
        if (found := (row["epochs"], len(curve))) != (due, due):
            yield f"its epochs and points of its curve are {found[0]} and {found[1]}, but {due} by its recipe"
    for number, point in enumerate(curve, 1):
        if other := _miscounted(point, space):
            yield f"epoch {number} of its curve: {other}"
            return


def _miscounted(point: Mapping[str, Any], space: Space) -> str:
    """Numbers of shortcuts that are not those of what is read from the α beside them; '' where all are."""
    if not point.get("counts") or not point.get("alpha"):
        return ""
    try:
        alpha = {name: np.array(values) for name, values in point["alpha"].items()}
        due = {rule: space.discretise(alpha, rule).shortcuts for rule in point["counts"] if rule in space.rules}
    except FROM_OUTSIDE as error:  # of another space, perhaps
        return f"its α is none of this space ({type(error).__name__}: {first_line(error)})"
    wrong = {rule: count for rule, count in point["counts"].items() if due.get(rule, count) != count}
    return "; ".join(f"counts.{rule} is {short(count)}, but {due[rule]} by its α" for rule, count in wrong.items())
