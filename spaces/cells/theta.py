"""α of a cell as a published table: one row per edge, `source,target` and a column for every operation."""

import re

import numpy as np

from spaces import tables
from spaces.cells.graph import Grid

ENDS = ("source", "target")


def is_table(text: str) -> bool:
    """Whether the first line names both ends of edges."""
    head = next((line for line in text.lstrip("\ufeff").splitlines() if line.strip()), "")
    return set(ENDS) <= set(re.split(r"[\s,;|\"']+", head[:2000].lower()))


def parse(text: str, grid: Grid) -> np.ndarray:
    """[edges, operations] in `grid`'s order, whatever order rows and columns have. A column without a name is left out.

    Raises ValueError where the table does not fit, with line and column where one cell does not.
    """
    try:
        return _parsed(tables.read(text), grid)
    except ValueError as error:
        said = str(error)
        raise ValueError(said if said.startswith("the table") else f"the table: {said}") from None


def _parsed(table: tables.Table, grid: Grid) -> np.ndarray:
    columns = [name if name in grid.operations else name.lower() for name in table.columns]
    if {name for name in columns if name} != {*ENDS, *grid.operations}:
        raise ValueError(f"the table's columns are not source, target, {', '.join(grid.operations)}")
    found: dict[tuple[int, int], list[float]] = {}
    for line, cells in table.rows:
        values = {name: _number(table, cell, line, name) for name, cell in zip(columns, cells, strict=True) if name}
        ends = values["source"], values["target"]
        if ends not in grid.pairs or ends in found:
            raise ValueError(f"{_edges(grid)} (line {line}: {ends[0]:g}>{ends[1]:g})")
        found[int(ends[0]), int(ends[1])] = [values[name] for name in grid.operations]
    if missing := [pair for pair in grid.pairs if pair not in found]:
        raise ValueError(f"{_edges(grid)} ({missing[0][0]}>{missing[0][1]} is missing)")
    return np.array([found[pair] for pair in grid.pairs])


def _edges(grid: Grid) -> str:
    return f"the table's edges are not the cell's {len(grid.pairs)}, each once"


def _number(table: tables.Table, cell: str, line: int, column: str) -> float:
    found = table.number(cell, line, column)
    if found is None:
        raise ValueError(f"line {line}, column {column}: '{cell}' is no number")
    return found
