"""Genetic search: each candidate follows from those before it, so that the history is the whole state.

A steady-state genetic algorithm: the population is the last `population` scored candidates (as in Real et al. 2019, who
do without crossover), parents win tournaments (DEAP's operator), children come from the space's own crossover and
mutation. An individual is an architecture; for shortcuts that is the upper-triangular matrix of them.
"""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from deap import tools

from harness.black_box.history import Ask
from spaces.space import Architecture, Space

TRIES = 50  # at a child that is not broken and not seen before


class Individual:
    """An architecture with the `fitness` that DEAP's operators look at."""

    def __init__(self, architecture: Any, fitness: float) -> None:
        self.architecture, self.fitness = architecture, fitness


def propose(ask: Ask) -> Architecture:
    """A failed candidate has no fitness and no children."""
    search, scored = ask.search, ask.scored
    start = Random(search.seeds.stream("evolve"))
    rng = Random(f"{start.getrandbits(63)}:{ask.index}")
    if ask.index < ask.population or len(scored) < 2:
        return search.space.draw(search.rule, rng)
    population = [Individual(one.architecture, one.fitness or 0.0) for one in scored[-ask.population :]]
    return child(population, search.settings, search.rule, search.space, rng, {one.architecture for one in scored})


def child(population: Sequence[Individual], settings: Mapping[str, Any], rule: str, space: Space, rng: Random,
          known: set[Any]) -> Architecture:  # fmt: skip
    """A new working architecture by tournament, crossover and mutation; after TRIES, one sampled uniformly."""
    for _ in range(TRIES):
        first, second = (_winner(population, settings["tournament"], rng).architecture for _ in range(2))
        new = space.crossover(first, second, rule, rng) if rng.random() < settings["crossover_rate"] else first
        new = space.mutate(new, rule, rng, settings["mutation_rate"])
        if new not in known and not space.broken(new):
            return new
    return space.draw(rule, rng)


def _winner(population: Sequence[Individual], size: int, rng: Random) -> Individual:
    """DEAP draws from the module `random`, whose state is lent to it for the call."""
    import random

    before = random.getstate()
    random.seed(rng.getrandbits(63))
    try:
        winner: Individual = tools.selTournament(population, 1, size)[0]
    finally:
        random.setstate(before)
    return winner
