"""How searches went that ask for one network after the other: the best accuracy so far, by queries and by cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

POINTS = 50  # of a curve, evenly on a logarithmic scale


@dataclass(frozen=True)
class History:
    """`best` [improvements, 3]: number of the query from 1, validation accuracy in percent, seconds spent so far.

    `queries` and `seconds` are those of the whole search. `front` [points, 3], of a search with an `objective` beside
    accuracy: number of the query, validation accuracy, objective in the rows' unit.
    """

    queries: int
    seconds: float
    best: np.ndarray
    objective: str = ""
    front: np.ndarray = field(default_factory=lambda: np.empty((0, 3)))

    def after(self, at: np.ndarray, column: int) -> np.ndarray:
        """The best accuracy at so many queries (column 0) or seconds (column 2); NaN before the first."""
        place = np.searchsorted(self.best[:, column], at, side="right")
        found: np.ndarray = np.concatenate([[np.nan], self.best[:, 1]])[place]
        return found


def history(row: Mapping[str, Any]) -> History | None:
    """Of a row; None where it has none. Raises ValueError where accuracies fall, or queries or seconds do."""
    if not (found := row.get("history")):
        return None
    best, queries = np.array(found["best"], dtype=float).reshape(-1, 3), len(found["queries"])
    ordered = np.isfinite(best).all() and (np.diff(best, axis=0) >= 0).all()
    if not len(best) or best[0, 0] < 1 or best[-1, 0] > queries or not ordered:
        raise ValueError("the history of its search is out of order")
    seconds, last = float(row.get("device_seconds") or 0), float(best[-1, 2])
    front = np.array(found.get("front") or [], dtype=float).reshape(-1, 3)
    return History(queries, seconds if last < seconds < np.inf else last, best, str(found.get("objective") or ""),
                   front[np.isfinite(front).all(axis=1)])  # fmt: skip


def over_queries(searches: Sequence[History]) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of queries that all searches made, from 1, and the best accuracies [searches, numbers] after them; of
    many queries some POINTS, the last among them."""
    last = min(one.queries for one in searches)
    at = np.arange(1, last + 1) if last <= POINTS else np.unique(np.geomspace(1, last, POINTS).round().astype(int))
    return at, np.array([one.after(at, 0) for one in searches])


def over_seconds(searches: Sequence[History]) -> tuple[np.ndarray, np.ndarray]:
    """From where all searches have a first accuracy to where the first search ends, evenly on a logarithmic scale."""
    first, last = max(one.best[0, 2] for one in searches), min(one.seconds for one in searches)
    if not 0 < first < last:
        return np.array([]), np.empty((len(searches), 0))
    at = np.geomspace(first, last, POINTS)
    at[[0, -1]] = first, last  # exactly
    return at, np.array([one.after(at, 2) for one in searches])
