"""α of a cell as a published table: one row per edge, `source,target` and a column for every operation."""

import csv

import numpy as np

from spaces.cells.graph import Grid


def parse(text: str, grid: Grid) -> np.ndarray:
    """[edges, operations] in `grid`'s order, whatever order the table has. Raises ValueError where it does not fit."""
    rows = list(csv.DictReader(text.splitlines(), strict=True))
    wanted = {"source", "target", *grid.operations}
    if not rows or set(rows[0]) != wanted:
        raise ValueError(f"the table's columns are not source, target, {', '.join(grid.operations)}")
    try:
        found = {
            (int(row["source"]), int(row["target"])): [float(row[name]) for name in grid.operations] for row in rows
        }
    except (TypeError, ValueError):
        raise ValueError("the table holds something else than numbers") from None
    if len(rows) != len(grid.pairs) or found.keys() != set(grid.pairs):
        raise ValueError(f"the table's edges are not the cell's {len(grid.pairs)}, each once")
    return np.array([found[pair] for pair in grid.pairs])
