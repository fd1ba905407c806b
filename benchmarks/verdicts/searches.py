"""Three searches in NAS-Bench-201's table, simulated with arrays alone, so that nothing of the harness decides them.

A cell is its number from 0: its six operations as digits in base 5, the edges in the order of `BENCH_EDGES`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from harness.tables.table import Table
from spaces.architecture import BENCH_EDGES, BENCH_OPERATIONS, BenchCell

EDGES, OPERATIONS = len(BENCH_EDGES), len(BENCH_OPERATIONS)
CELLS = OPERATIONS**EDGES
POPULATION, SAMPLE = 10, 3  # as NAS-Bench-201's authors set them
AT_ONCE = 250  # seeds: each sees one run of every cell

Search = Callable[[np.ndarray, np.random.Generator, int], np.ndarray]


@dataclass(frozen=True)
class Runs:
    """Accuracies in percent [cells, runs], NaN from a cell's `counts` on."""

    accuracies: np.ndarray
    counts: np.ndarray

    def seen(self, numbers: np.ndarray) -> np.ndarray:
        """What searches see [seeds, cells], where `numbers` [seeds, cells] pick a run of each cell."""
        found: np.ndarray = self.accuracies[np.arange(len(self.counts)), numbers % self.counts]
        return found

    def judged(self, cells: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """The means of the runs that a search did not see; of the one run, where a cell has no other."""
        run, counts = numbers % self.counts[cells], self.counts[cells]
        every = np.nansum(self.accuracies[cells], axis=1)
        own = self.accuracies[cells, run]
        return np.where(counts > 1, (every - own) / np.maximum(counts - 1, 1), own)


def runs(table: Table) -> Runs:
    """The table of one data set, in the order of the cells' numbers."""
    found = [table.entry(str(BenchCell.parse(np.base_repr(cell, OPERATIONS).zfill(EDGES)))).accuracies
             for cell in range(CELLS)]  # fmt: skip
    counts = np.array([len(each) for each in found])
    accuracies = np.full((CELLS, counts.max()), np.nan)
    for row, each in zip(accuracies, found, strict=True):
        row[: len(each)] = each
    return Runs(accuracies, counts)


def neighbours() -> np.ndarray:
    """[cells, 24]: the cells that differ in one edge's operation."""
    powers = OPERATIONS ** np.arange(EDGES)
    cells = np.arange(CELLS)
    digits = cells[:, None] // powers % OPERATIONS
    others = (digits[..., None] + np.arange(1, OPERATIONS)) % OPERATIONS
    found: np.ndarray = cells[:, None, None] + (others - digits[..., None]) * powers[:, None]
    return found.reshape(CELLS, -1)


def random_search(seen: np.ndarray, rng: np.random.Generator, queries: int) -> np.ndarray:
    """Uniform samples, repetitions among them. This and the others: the cells asked for [seeds, queries]."""
    return rng.integers(seen.shape[1], size=(len(seen), queries))


def local_search(seen: np.ndarray, rng: np.random.Generator, queries: int) -> np.ndarray:
    """White et al. 2020: asks for all neighbours, goes to the best, and starts anew at a cell that none beats.

    Known cells are not asked for again.
    """
    around = neighbours()
    return np.array([_climbed(accuracies, around, rng, queries) for accuracies in seen])


def _climbed(accuracies: np.ndarray, around: np.ndarray, rng: np.random.Generator, queries: int) -> np.ndarray:
    asked: list[int] = []
    known = np.zeros(len(accuracies), dtype=bool)
    while len(asked) < queries:
        here = int(rng.integers(len(accuracies)))
        _ask([here], known, asked)
        while len(asked) < queries:
            near = rng.permutation(around[here])
            _ask(near.tolist(), known, asked)
            best = int(near[accuracies[near].argmax()])
            if accuracies[best] <= accuracies[here]:
                break
            here = best
    return np.array(asked[:queries])


def _ask(cells: list[int], known: np.ndarray, asked: list[int]) -> None:
    new = [cell for cell in cells if not known[cell]]
    known[new] = True
    asked += new


def evolution(seen: np.ndarray, rng: np.random.Generator, queries: int) -> np.ndarray:
    """Real et al. 2019: the best of a sample of the population gets a child with one edit, and the oldest leaves.

    Samples are with replacement, as NAS-Bench-201's authors take them.
    """
    seeds = np.arange(len(seen))
    around, asked = neighbours(), rng.integers(seen.shape[1], size=(len(seen), queries))
    for query in range(POPULATION, queries):
        places = query - POPULATION + rng.integers(POPULATION, size=(len(seen), SAMPLE))
        sample = np.take_along_axis(asked, places, axis=1)
        best = np.take_along_axis(seen, sample, axis=1).argmax(axis=1)
        parents = sample[seeds, best]
        asked[:, query] = around[parents, rng.integers(around.shape[1], size=len(seen))]
    return asked


SEARCHES: dict[str, Search] = {
    "random search": random_search, "local search": local_search, "evolution": evolution,
}  # fmt: skip


def accuracies(table: Runs, seeds: int, queries: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """By search, the accuracy that the best cell it saw is judged by, one a seed.

    All searches of a seed see the same run of a cell.
    """
    found: dict[str, list[np.ndarray]] = {name: [] for name in SEARCHES}
    for start in range(0, seeds, AT_ONCE):
        size = min(AT_ONCE, seeds - start)
        numbers = rng.integers(6, size=(size, len(table.counts)), dtype=np.int8)  # 6: of one, two or three runs
        seen = table.seen(numbers)
        for name, search in SEARCHES.items():
            asked = search(seen, rng, queries)
            place = np.take_along_axis(seen, asked, axis=1).argmax(axis=1)
            cells = asked[np.arange(size), place]
            found[name].append(table.judged(cells, numbers[np.arange(size), cells]))
    return {name: np.concatenate(parts) for name, parts in found.items()}
