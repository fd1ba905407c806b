"""Local search (White et al. 2020): the whole neighbourhood is evaluated, then the search moves to its best.

Where nothing in the neighbourhood is better, it starts again from a random architecture. What was evaluated before is
not evaluated again. The walk is traced anew from the history for every query; answers that are not there yet count as
worse than any.
"""

from collections.abc import Container, Iterator, Mapping
from typing import Any

from harness.black_box.history import Ask

UNKNOWN = float("-inf")
TRIES = 100  # at a start that is not evaluated yet


def propose(ask: Ask) -> Any:
    asked = [*(one.architecture for one in ask.seen), *ask.pending]
    when = {architecture: number for number, architecture in reversed([*enumerate(asked)])}
    value = {one.architecture: one.fitness for one in ask.scored}
    last = -1  # of the queries that the walk has come by
    while last + 1 < ask.index:
        last += 1
        if asked[last] is None:
            continue
        for around in _climbed(ask, asked[last], value):
            if new := [one for one in around if one not in when]:
                return ask.random().choice(new)
            last = max([last, *(when[one] for one in around)])
    return _start(ask, when)


def _climbed(ask: Ask, centre: Any, value: Mapping[Any, Any]) -> Iterator[tuple[Any, ...]]:
    """The neighbourhoods on the way from `centre` to where nothing around is better."""
    while True:
        yield (around := ask.neighbours(centre))
        best = max(around, key=lambda one: value.get(one, UNKNOWN), default=centre)
        if value.get(best, UNKNOWN) <= value.get(centre, UNKNOWN):
            return
        centre = best


def _start(ask: Ask, known: Container[Any]) -> Any:
    """A random architecture that was not evaluated yet, where one is found."""
    found, rng = ask.drawn(), ask.random("start", ask.index)
    for _ in range(TRIES):
        if found not in known:
            break
        found = ask.search.space.draw(ask.search.rule, rng)
    return found
