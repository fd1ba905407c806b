"""Tables of a study with several data sets: a block for each, and a summary over all."""

from collections.abc import Sequence

from analysis.findings.over_data_sets import Summary
from analysis.numbers import EMPTY
from analysis.report.tables.results import results as comparison
from analysis.report.tables.table import Cell, Table, estimated
from analysis.results import data_sets
from analysis.results.rows import Results
from analysis.results.table import Line


def blocks(results: Results, table: Sequence[Line]) -> list[Table]:
    """The comparison table of each data set; one table where there is one."""
    groups = data_sets.groups(results.study, [line.method for line in table])
    return [comparison([line for line in table if line.method in methods], data) for data, methods in
            groups.items()] or [comparison(table)]  # fmt: skip


def summary(found: Sequence[Summary], level: float) -> Table:
    sure = f"[{100 * level:.4g} %]"
    head = ("Method", f"Mean rank {sure}", f"Between random draw (0) and best (1) {sure}", "Search seeds")
    rows = []
    for one in found:
        scaled = one.scaled and estimated(one.scaled.value, one.scaled.low, one.scaled.high, 3)
        texts = (one.method, estimated(one.rank.value, one.rank.low, one.rank.high, 2).replace("+", ""),
                 scaled or EMPTY, str(one.rank.n))  # fmt: skip
        rows.append(tuple(Cell(text, one.rows[:1]) for text in texts))
    note = (
        "Means over the data sets at each search seed, then over seeds. Ranks are among the rows of this table, 1 the "
        "best. The scale runs from the expected accuracy of a uniform draw to the best known one. The data sets are "
        "fixed: intervals are over search seeds, and nothing is tested here."
    )
    return Table("over-data-sets", "Over all data sets", head, tuple(rows), note)
