"""The table that sets our numbers beside published ones."""

from collections.abc import Sequence
from math import isfinite, isnan

from analysis.findings.published import Beside
from analysis.numbers import EMPTY, plus, signed
from analysis.report.tables.table import Cell, Table, number


def beside(cells: Sequence[Beside]) -> Table:
    """The published numbers and ours."""
    head = ("Published", "Ours", "Quantity", "Published value", "Our value", "Difference", "Standard errors")
    names = {"test_accuracy": "test accuracy, %", "params_millions": "parameters, M", "shortcuts": "shortcuts",
             "random_accuracy": "random networks' accuracy, %"}  # fmt: skip
    rows = []
    for cell in cells:
        difference = signed(cell.ours.mean - cell.theirs.mean) if cell.ours.n else EMPTY
        std = f" ± {cell.theirs.std:.2f}" if isfinite(cell.theirs.std) else ""
        texts = (cell.published, cell.method, names[cell.column], f"{cell.theirs.mean:.2f}{std}", number(cell.ours, 2),
                 difference, EMPTY if isnan(cell.errors) else plus(cell.errors, 1))  # fmt: skip
        rows.append(tuple(Cell(text, (cell.method,)) for text in texts))
    note = "Ours minus published. Where the source does not say how many runs it has, our n is taken for it."
    return Table("published", "Beside the published numbers", head, tuple(rows), note)
