"""From α to the edges of a cell. A rule is one pure function `(alpha, grid) → edges`.

`alpha` is [edges, operations], edges in `Grid.pairs`' order. Strength is the softmax over all of an edge's
operations, `none` among them. Ties go to the operation, then the source, that comes first.

Where a search learned how much each edge of a node counts, rules have those `shares` [edges] too, and strength is
their product (PC-DARTS, Xu et al. 2020, section 3.3). Within an edge that changes nothing.
"""

from collections.abc import Callable, Mapping
from itertools import combinations, product

import numpy as np
from scipy.special import softmax

from spaces.architecture import Edge
from spaces.cells.graph import NONE, Grid, betas_of

Rule = Callable[..., tuple[Edge, ...]]


def read(rule: Rule, alpha: Mapping[str, np.ndarray], part: str, grid: Grid) -> tuple[Edge, ...]:
    """The edges of one kind of cell, by β as well where the search has learned it."""
    own = np.asarray(alpha[part], dtype=float)
    betas = alpha.get(betas_of(part))
    return rule(own, grid) if betas is None else rule(own, grid, shares(np.asarray(betas, dtype=float), grid))


def shares(betas: np.ndarray, grid: Grid) -> np.ndarray:
    """[edges] from β [edges, 1]: a softmax over the edges that enter the same node."""
    found = np.empty(len(betas))
    for target in grid.targets:
        rows = _entering(target, grid)
        found[rows] = softmax(betas[rows, 0])
    return found


def edge_wise(alpha: np.ndarray, grid: Grid, shares: np.ndarray | None = None) -> tuple[Edge, ...]:
    """Every edge takes its strongest operation; where that is `none`, there is no edge (study 1)."""
    best = softmax(alpha, axis=1).argmax(axis=1)
    return sum((_edge(*pair, grid.operations[i]) for pair, i in zip(grid.pairs, best, strict=True)), ())


def node_wise(alpha: np.ndarray, grid: Grid, shares: np.ndarray | None = None) -> tuple[Edge, ...]:
    """Every node keeps the one incoming edge whose best operation other than `none` is strongest (study 1)."""
    return _strongest(alpha, grid, KEEP["node-wise"], shares)


def darts_top2(alpha: np.ndarray, grid: Grid, shares: np.ndarray | None = None) -> tuple[Edge, ...]:
    """Every node keeps two incoming edges by their best operation other than `none` (Liu et al. 2018, section 2.4)."""
    return _strongest(alpha, grid, KEEP["darts-top2"], shares)


RULES: dict[str, Rule] = {"edge-wise": edge_wise, "node-wise": node_wise, "darts-top2": darts_top2}
KEEP = {"node-wise": 1, "darts-top2": 2}  # edges into each node


def choices(rule: str, grid: Grid) -> list[list[tuple[Edge, ...]]]:
    """All that a rule can give, as independent parts: per edge or per node, the sets of edges that it may choose.

    Every architecture of the rule is one choice from each part, and each comes about in one way only.
    """
    if rule == "edge-wise":
        return [[_edge(*pair, operation) for operation in grid.operations] for pair in grid.pairs]
    keep = KEEP[rule]
    return [
        [
            tuple(Edge(source, target, operation) for source, operation in zip(sources, operations, strict=True))
            for sources in combinations(range(target), min(keep, target))
            for operations in product(grid.candidates, repeat=len(sources))
        ]
        for target in grid.targets
    ]


def _edge(source: int, target: int, operation: str) -> tuple[Edge, ...]:
    return () if operation == NONE else (Edge(source, target, operation),)


def _entering(target: int, grid: Grid) -> list[int]:
    return [row for row, pair in enumerate(grid.pairs) if pair[1] == target]


def _strongest(alpha: np.ndarray, grid: Grid, keep: int, shares: np.ndarray | None) -> tuple[Edge, ...]:
    columns = [grid.operations.index(operation) for operation in grid.candidates]
    strength = softmax(alpha, axis=1)[:, columns] * (1 if shares is None else shares[:, None])
    best = strength.argmax(axis=1)
    edges = []
    for target in grid.targets:
        for row in sorted(_entering(target, grid), key=lambda row: -strength[row, best[row]])[:keep]:
            edges.append(Edge(*grid.pairs[row], grid.candidates[best[row]]))
    return tuple(sorted(edges))
