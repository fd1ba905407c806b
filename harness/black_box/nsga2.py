"""NSGA-II (Deb et al. 2002) on fitness and a cost: `objective` names parameters, MACs or the table's latency.

DEAP sorts and measures crowding. The first generation is random; the parents of generation g are the `population` best
of the parents and children before it. Children come from the space's crossover, and differ in one choice from that.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import inf
from random import Random
from typing import Any

from deap import base, tools

from harness.black_box.history import Ask, Evaluated

TRIES = 20  # at a child that was not asked for yet
STEPS = 100  # generations calculated by recursion, which Python limits


class Fitness(base.Fitness):
    weights = (1.0, -1.0)


class Individual:
    """What DEAP's operators look at; `number`: of the query."""

    def __init__(self, number: int, values: tuple[float, float]) -> None:
        self.number, self.fitness = number, Fitness(values)


def values(one: Evaluated, objective: str) -> tuple[float, float]:
    """Fitness and cost; what failed is worse than all."""
    cost = getattr(one, objective)
    return (-inf, inf) if one.fitness is None or cost is None else (one.fitness, float(cost))


def propose(ask: Ask) -> Any:
    size = ask.population
    ended = len(ask.seen) // size  # generations of which every answer is there
    if ask.index < size or not ended:
        return ask.drawn()
    parents = parents_of(tuple(values(one, ask.objective) for one in ask.seen[: ended * size]), size)
    rng, asked = ask.random(), ask.asked
    for _ in range(TRIES):
        pair = [ask.seen[_winner(parents, rng).number].architecture for _ in range(2)]
        child = None if None in pair else _child(ask, pair, rng)
        if child not in asked and child is not None:
            return child
    return ask.drawn()


def _child(ask: Ask, parents: Sequence[Any], rng: Random) -> Any:
    search, (first, second) = ask.search, parents
    mixed = search.space.crossover(first, second, search.rule, rng) if rng.random() < ask.crossover_rate else first
    around = ask.neighbours(mixed)
    return rng.choice(around) if around else mixed


def _winner(parents: Sequence[Individual], rng: Random) -> Individual:
    """Of two, the one that dominates; else the one with more room around it."""
    first, second = rng.choice(parents), rng.choice(parents)
    if first.fitness.dominates(second.fitness) or second.fitness.dominates(first.fitness):
        return first if first.fitness.dominates(second.fitness) else second
    return max(first, second, key=lambda one: one.fitness.crowding_dist)


def parents_of(points: tuple[tuple[float, float], ...], size: int) -> tuple[Individual, ...]:
    """Who survives the generations of `points`, `size` each."""
    for ended in range(STEPS * size, len(points), STEPS * size):
        _survivors(points[:ended], size)
    return _survivors(points, size)


@lru_cache(maxsize=512)
def _survivors(points: tuple[tuple[float, float], ...], size: int) -> tuple[Individual, ...]:
    """Those of the last generation's parents and children; the generations before it are known, or calculated."""
    last = len(points) - size
    before = _survivors(points[:last], size) if last > 0 else ()
    young = (Individual(number, points[number]) for number in range(max(last, 0), len(points)))
    return tuple(tools.selNSGA2([*(Individual(one.number, points[one.number]) for one in before), *young], size))
