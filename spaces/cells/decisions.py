"""What a cell's rules decide in a supernet that is read by perturbation: first operations, then each node's edges."""

from collections.abc import Sequence

from spaces.cells.graph import Grid
from spaces.cells.rules import KEEP, RULES
from spaces.decisions import Choice, Stages


def decisions(rule: str, grid: Grid, kinds: Sequence[str]) -> Stages:
    """Edge-wise `none` is an operation like any other, and there is no second stage (as in the paper on NAS-Bench-201).

    Raises ValueError where `rule` is from outside, or where a removed edge would look like a kept one.
    """
    if rule not in RULES:
        raise ValueError(f"what rule '{rule}' decides is not listed; take one of {', '.join(RULES)}")
    names = grid.operations if rule == "edge-wise" else grid.candidates
    if len(grid.operations) == 1:
        raise ValueError("cells with a single operation leave nothing to decide")
    columns = [grid.operations.index(name) for name in names]
    edges = {(kind, row): [(kind, row, column) for column in columns] for kind in kinds
             for row in range(len(grid.pairs))}  # fmt: skip
    operations = tuple(Choice(tuple((one,) for one in entries)) for entries in edges.values())
    if rule == "edge-wise":
        return (operations,)
    nodes = []
    for kind in kinds:
        for target in grid.targets:
            rows = [row for row, pair in enumerate(grid.pairs) if pair[1] == target]
            if len(rows) > KEEP[rule]:
                nodes.append(Choice(tuple(tuple(edges[kind, row]) for row in rows), KEEP[rule]))
    return operations, tuple(nodes)
