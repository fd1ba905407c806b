"""Many runs of methods whose true means are known: simulated ones, and those of a long study."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from analysis.results import data_sets
from analysis.results.aggregate import by_seed
from analysis.results.rows import load
from analysis.results.table import lines
from benchmarks.verdicts.counting import Pools, Truth
from benchmarks.verdicts.searches import accuracies, runs
from harness.tables.opened import benchmark

DATA = ("cifar10", "cifar100", "imagenet16-120")
RUNS, QUERIES = 5000, 200


def simulated(data: Sequence[str] = DATA, seeds: int = RUNS, queries: int = QUERIES) -> Pools:
    """Runs of the three cheap searches, which see single runs of the table."""
    return {name: accuracies(runs(benchmark(name)), seeds, queries, np.random.default_rng([7, number]))
            for number, name in enumerate(data)}  # fmt: skip


def kept(folder: Path) -> Pools:
    """The final accuracies of a results folder at the seeds that all of its rows have."""
    results = load(folder)
    names = [line.method for line in lines(results)]
    values = {name: by_seed(results.trainings(name), "test_accuracy") for name in names}
    seeds = set.intersection(*(set(each.index) for each in values.values()))
    return {
        data: {data_sets.split(name)[1]: values[name].loc[sorted(seeds)].to_numpy() for name in members}
        for data, members in data_sets.groups(results.study, names).items()
    }


def copies(pools: Pools, method: str, times: int = 3) -> Pools:
    """The runs of one method, dealt out to so many that bear other names."""
    return {data: {f"{method} {n + 1}": methods[method][n::times][: len(methods[method]) // times]
                   for n in range(times)} for data, methods in pools.items()}  # fmt: skip


def means(pools: Pools) -> Truth:
    return {(data, method): float(values.mean()) for data, methods in pools.items()
            for method, values in methods.items()}  # fmt: skip
