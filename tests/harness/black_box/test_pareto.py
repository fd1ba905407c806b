"""Fronts and hypervolumes against closed forms and moocore's, which DEAP uses; NSGA-II against the exhaustive front."""

from itertools import product
from random import Random

import moocore
import numpy as np
import pytest
from deap import tools

from harness.black_box.history import Evaluated
from harness.black_box.nsga2 import Individual, parents_of
from harness.black_box.pareto import front, hypervolume
from spaces.registry import load
from tests.planted import searched

PLANTED = ((1, 3), (2, 5), (1, 8), (4, 7))


@pytest.mark.parametrize("steps", [1, 2, 10])
def test_hypervolume_of_a_staircase_is_a_sum(steps):
    points = [(float(step), float(step)) for step in range(1, steps + 1)]
    assert hypervolume(points, (0.0, steps + 1.0)) == steps * (steps + 1) / 2


def test_points_beyond_the_worst_add_nothing():
    assert hypervolume([(90.0, 5.0), (80.0, 6.0)], (0.0, 5.0)) == 0
    assert hypervolume([], (0.0, 5.0)) == 0


def test_hypervolume_is_as_moocore_computes_it():
    rng = Random(0)
    for _ in range(20):
        points = [(rng.random(), rng.random()) for _ in range(30)]
        expected = moocore.hypervolume(np.array([(-accuracy, cost) for accuracy, cost in points]), ref=[-0.2, 0.9])
        assert hypervolume(points, (0.2, 0.9)) == pytest.approx(expected)


def test_the_front_is_what_nothing_dominates():
    assert front([(1.0, 2.0), (2.0, 2.0), (2.0, 2.0), (3.0, 5.0), (2.5, 6.0), (0.5, 1.0)]) == [5, 1, 3]
    points = [(float(a), float(b)) for a, b in product(range(5), repeat=2)]
    assert [points[number] for number in front(points)] == [(4.0, 0.0)]


@pytest.mark.long
def test_nsga2_comes_to_the_exhaustive_front():
    """Of 2^21 networks: with one planted shortcut more, one parameter more."""

    def evaluate(architecture) -> Evaluated:
        return Evaluated(architecture, 10.0 * len(set(PLANTED) & set(architecture.pairs)), 1.0,
                         architecture.shortcuts)  # fmt: skip

    history = searched("nsga2", evaluate, 1500, load("shortcut-vgg11"), "A", population=20)
    points = [(one.fitness, one.parameters) for one in history]
    assert [points[number] for number in front(points)] == [(10.0 * count, count) for count in range(5)]


def chosen(points, size):
    """As Deb et al. say it: fronts one after the other, and of the last one those with most room."""
    parents: list[Individual] = []
    for first in range(0, len(points), size):
        numbers = [*(one.number for one in parents), *range(first, first + size)]
        parents = tools.selNSGA2([Individual(number, points[number]) for number in numbers], size)
    return [one.number for one in parents]


@pytest.mark.parametrize(("generations", "size"), [(1, 4), (7, 6), (1200, 2)])
def test_parents_are_those_of_all_generations_from_the_first_however_many(generations, size):
    """A search that is resumed has none of them in memory."""
    rng = Random(generations)
    points = tuple((rng.random(), rng.random()) for _ in range(generations * size))
    assert [one.number for one in parents_of(points, size)] == chosen(points, size)
