"""Cells with as many of each operation as a searched one: what its random twins are sampled from."""

from collections import Counter
from collections.abc import Sequence
from functools import cache, lru_cache
from math import prod
from random import Random

from spaces.architecture import Edge
from spaces.cells.graph import Grid
from spaces.cells.rules import choices
from spaces.sampling import Totals, Within

Edges = tuple[Edge, ...]
# Its operations decide most of a cell's parameters. Where they stand decides the rest: what is cut off, which
# skip_connects have stride 2 and so convolutions, which inputs have a layer of their own, how many nodes are joined.
MATCHES = ("parameters",)
MOST, OFTEN = 1000, 20  # ways of which each must be drawn; how often, in the mean


class SameOperations:
    """Cells of `rule`, each with as many of each operation as that of `cells`; `ways` counts them.

    `tries` draws miss one of up to 1000 ways with probability e⁻²⁰, and all that qualify where 1 in 1000 of more do.
    """

    def __init__(self, rule: str, grid: Grid, cells: Sequence[Edges]) -> None:
        self._parts = _by_operations(rule, grid)
        sizes = [{totals: len(found) for totals, found in part.items()} for part in self._parts]
        wanted = [_operations(edges, grid) for edges in cells]
        self._within = [Within(sizes, totals, totals) for totals in wanted]
        self.ways = prod(within.ways for within in self._within)
        self.tries = OFTEN * min(self.ways, MOST)

    def draw(self, rng: Random) -> list[Edges]:
        """One of them, sampled uniformly. Raises ValueError where there is none."""
        return [
            sum((rng.choice(part[totals]) for part, totals in zip(self._parts, within.draw(rng), strict=True)), ())
            for within in self._within
        ]


@lru_cache(maxsize=16)
def same_operations(rule: str, grid: Grid, cells: tuple[Edges, ...]) -> SameOperations:
    return SameOperations(rule, grid, cells)


@cache
def _by_operations(rule: str, grid: Grid) -> list[dict[Totals, list[Edges]]]:
    """Per part of the rule's choices, its alternatives by how many of each operation they hold."""
    found: list[dict[Totals, list[Edges]]] = []
    for part in choices(rule, grid):
        found.append({})
        for edges in part:
            found[-1].setdefault(_operations(edges, grid), []).append(edges)
    return found


def _operations(edges: Edges, grid: Grid) -> Totals:
    counts = Counter(edge.operation for edge in edges)
    return tuple(counts[operation] for operation in grid.candidates)
