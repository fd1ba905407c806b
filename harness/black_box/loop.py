"""A whole search in one go, for evaluations that cost less than a row; and what is kept of its history."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from harness.black_box.history import Ask, Evaluated, Propose, Search

DIGITS = 10  # of accuracies and costs in a history


def searched(propose: Propose, search: Search, queries: int,
             evaluate: Callable[[Any], Evaluated]) -> Iterator[Evaluated]:  # fmt: skip
    """Every query with its answer: the history that jobs of their own would have, `search.lag` at once."""
    history: list[Evaluated] = []
    for index in range(queries):
        known = max(0, index - search.lag + 1)
        pending = [one.architecture for one in history[known:]]
        history.append(evaluate(propose(Ask(search, index, history[:known], pending))))
        yield history[-1]


def best(history: Sequence[Evaluated]) -> Evaluated:
    """With the highest fitness; the earliest among equals."""
    return max(history, key=lambda one: float("-inf") if one.fitness is None else one.fitness)


def rounded(value: float) -> float:
    """As a history keeps it: with ten digits."""
    return float(f"{value:.{DIGITS}g}")


def as_json(history: Sequence[Evaluated], position: Mapping[str, int]) -> dict[str, Any]:
    """`queries`: where each query's architecture stands in the table, by `position`; `best`: each improvement as
    [number of queries, accuracy in percent, device-seconds so far]."""
    improvements: list[list[float]] = []
    cost, top = 0.0, float("-inf")
    for number, one in enumerate(history, 1):
        cost += one.cost
        if one.fitness is not None and one.fitness > top:
            top = one.fitness
            improvements.append([number, rounded(top), rounded(cost)])
    return {"queries": [position[str(one.architecture)] for one in history], "best": improvements}
