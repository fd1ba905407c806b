"""Cells as independent choices: of each edge or each node of each cell, by rule."""

from collections.abc import Iterator
from functools import cache

from spaces.architecture import Cells, Edge
from spaces.cells.decisions import decisions
from spaces.cells.graph import Grid
from spaces.cells.rules import RULES, choices
from spaces.decisions import Stages
from spaces.edits import Edited, Items, Parts

Item = tuple[int, Edge]  # 0 for the normal cell, 1 for the reduction cell


class CellEdits(Edited):
    """For a space of `Cells` with a grid; an item is an edge of a cell."""

    inputs: int

    @property
    def grid(self) -> Grid:
        raise NotImplementedError

    @property
    def concatenated(self) -> tuple[int, ...]:
        raise NotImplementedError

    @property
    def parts(self) -> tuple[str, ...]:
        raise NotImplementedError

    def decisions(self, rule: str) -> Stages:
        """Raises ValueError where that is not known of `rule`."""
        return decisions(rule, self.grid, self.parts)

    def _parts(self, rule: str) -> Parts:
        return listed(rule, self.grid, len(self.parts))

    def _items(self, architecture: Cells) -> Iterator[Item]:
        cells = (architecture.normal, architecture.reduction or ())
        return ((number, edge) for number, edges in enumerate(cells) for edge in edges)

    def _made_of(self, items: Items) -> Cells:
        cells = [tuple(edge for number, edge in items if number == cell) for cell in range(len(self.parts))]
        return Cells(self.inputs, self.concatenated, *cells)


@cache
def listed(rule: str, grid: Grid, cells: int) -> Parts:
    """Raises ValueError where `rule` is from outside, so that nobody has listed what it can give."""
    if rule not in RULES:
        raise ValueError(f"the choices of rule '{rule}' are not listed")
    found = choices(rule, grid)
    return Parts(tuple(tuple(tuple((cell, edge) for edge in option) for option in part)
                       for cell in range(cells) for part in found))  # fmt: skip
