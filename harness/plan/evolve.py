"""Genetic search: each candidate follows from the rows before it, so that the rows are the whole state.

Regularised evolution in its steady form (Real et al. 2019): the population is the last `population` scored
candidates, parents win tournaments (DEAP's operator), children come from the space's own crossover and mutation.
An individual is an architecture; for shortcuts that is the upper-triangular matrix that study 2's author asked about.
"""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from deap import tools

from harness.plan.sources import Evolved
from harness.vocabulary.rows import Row
from spaces.custom_rules import drawn_by
from spaces.space import Architecture, Space

TRIES = 50  # at a child that is not broken and not seen before


class Individual:
    """An architecture with the `fitness` that DEAP's operators look at."""

    def __init__(self, architecture: Any, fitness: float) -> None:
        self.architecture, self.fitness = architecture, fitness


def candidate(source: Evolved, seen: Sequence[Row], space: Space, rng: Random) -> Architecture:
    """Candidate `index`, after exactly the results `seen`. A failed one has no fitness and no children."""
    spec, rule, index = source.settings, drawn_by(space, source.rule), source.index
    rng = Random(f"{rng.getrandbits(63)}:{index}")
    scored = [Individual(space.parse(row["architecture"] or ""), row["val_accuracy"]) for row in seen
              if row["val_accuracy"] is not None]  # fmt: skip
    if index < spec["population"] or len(scored) < 2:
        return space.draw(rule, rng)
    return child(scored[-spec["population"] :], spec, rule, space, rng, {str(one.architecture) for one in scored})


def child(population: list[Individual], spec: Mapping[str, Any], rule: str, space: Space, rng: Random,
          known: set[str]) -> Architecture:  # fmt: skip
    """A new working architecture by tournament, crossover and mutation; after TRIES, one sampled uniformly."""
    for _ in range(TRIES):
        first, second = (_winner(population, spec["tournament"], rng).architecture for _ in range(2))
        new = space.crossover(first, second, rule, rng) if rng.random() < spec["crossover_rate"] else first
        new = space.mutate(new, rule, rng, spec["mutation_rate"])
        if str(new) not in known and not space.broken(new):
            return new
    return space.draw(rule, rng)


def _winner(population: list[Individual], size: int, rng: Random) -> Individual:
    """DEAP draws from the module `random`, whose state is lent to it for the call."""
    import random

    before = random.getstate()
    random.seed(rng.getrandbits(63))
    try:
        winner: Individual = tools.selTournament(population, 1, size)[0]
    finally:
        random.setstate(before)
    return winner
