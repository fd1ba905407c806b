"""Random cells, and mixtures of two, inside a rule. Each cell of an architecture is a tuple of edges."""

from collections.abc import Sequence
from functools import cache
from random import Random

import numpy as np

from spaces.architecture import Edge
from spaces.cells.graph import NONE, Grid
from spaces.cells.rules import Rule, choices
from spaces.sampling import draw_counts

Edges = tuple[Edge, ...]
CHOSEN = 10.0  # α of an operation that an architecture has, beside 0 for all others


def draw(rule: str, grid: Grid, cells: int, shortcuts: int | None, rng: Random) -> list[Edges]:
    """Sampled uniformly from all that `rule` can give for `cells` cells; `shortcuts` fixes their total."""
    parts = _by_count(rule, grid) * cells
    counts = draw_counts([[len(alternatives) for alternatives in part] for part in parts], shortcuts, rng)
    picked = [rng.choice(part[count]) for part, count in zip(parts, counts, strict=True)]
    size = len(picked) // cells
    return [sum(picked[start : start + size], ()) for start in range(0, len(picked), size)]


@cache
def _by_count(rule: str, grid: Grid) -> list[list[list[Edges]]]:
    """Per part of the rule's choices, its alternatives by their number of shortcuts."""
    return [
        [[edges for edges in part if _shortcuts(edges) == count] for count in range(max(map(_shortcuts, part)) + 1)]
        for part in choices(rule, grid)
    ]


def _shortcuts(edges: Edges) -> int:
    return sum(edge.operation == "skip_connect" for edge in edges)


def draw_alpha(chosen: Rule, grid: Grid, cells: int, rng: Random) -> list[Edges]:
    """What `chosen` reads from normal random α: for rules that nobody has listed the choices of."""
    numbers = np.random.default_rng(rng.getrandbits(64))
    return [chosen(numbers.standard_normal((len(grid.pairs), len(grid.operations))), grid) for _ in range(cells)]


def mix(first: Sequence[Edges], second: Sequence[Edges], rule: str, rate: float, rng: Random) -> list[Edges]:
    """`first`, where each node, with `edge-wise` each edge, is taken from `second` with probability `rate`."""

    def taken(edge: Edge, fresh: dict[tuple[int, int], bool]) -> bool:
        place = (edge.source if rule == "edge-wise" else 0, edge.target)
        if place not in fresh:
            fresh[place] = rng.random() < rate
        return fresh[place]

    children = []
    for ours, theirs in zip(first, second, strict=True):
        fresh: dict[tuple[int, int], bool] = {}
        kept = [edge for edge in ours if not taken(edge, fresh)]
        children.append(tuple(sorted([*kept, *(edge for edge in theirs if taken(edge, fresh))])))
    return children


def inside(edges: Edges, chosen: Rule, grid: Grid) -> Edges:
    """The edges that the rule `chosen` reads from an α in which exactly `edges` are strong."""
    alpha = np.zeros((len(grid.pairs), len(grid.operations)))
    operations = {(edge.source, edge.target): edge.operation for edge in edges}
    for row, pair in enumerate(grid.pairs):
        operation = operations.get(pair, NONE)
        if operation in grid.operations:
            alpha[row, grid.operations.index(operation)] = CHOSEN
    return chosen(alpha, grid)
