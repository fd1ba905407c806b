"""Regularised evolution (Real et al. 2019, algorithm 1).

The population is the last `population` that were evaluated, so that the oldest leaves. `tournament` of them are
sampled with replacement; the best of these is the parent; the child differs from it in one choice.
"""

from typing import Any

from harness.black_box.history import Ask


def propose(ask: Ask) -> Any:
    population = ask.scored[-ask.population :]
    if ask.index < ask.population or not population:
        return ask.drawn()
    rng = ask.random()
    sample = [rng.choice(population) for _ in range(ask.tournament)]
    parent = max(sample, key=lambda one: one.fitness or 0.0).architecture
    around = ask.neighbours(parent)
    return rng.choice(around) if around else ask.drawn()
