"""The table of slopes of accuracy on scale."""

from collections.abc import Sequence
from math import isnan

from analysis.findings.slopes import Model
from analysis.numbers import EMPTY, p_value, plus
from analysis.report.tables.table import Cell, Table, estimated


def slopes(models: Sequence[Model], methods: dict[str, tuple[str, ...]]) -> Table:
    """Slopes of accuracy on scale. `methods`: the table rows of each group."""
    head = ("Against", "Method", "Slope [95 %]", "p", "Spearman's ρ", "Networks", "Slopes equal?")
    rows = []
    for model in models:
        unit = {"parameters": "parameters, points a million", "shortcuts": "shortcuts, points each"}[model.quantity]
        for group, slope in model.slopes.slopes.items():
            rank, test = model.correlations[group], model.slopes.equality
            equal = (
                f"F = {test.statistic:.2f}, p = {p_value(test.p)}"
                if group in test.groups and not isnan(test.p)
                else EMPTY
            )
            texts = (unit, group, estimated(slope.value, slope.low, slope.high, 3), p_value(slope.p),
                     EMPTY if isnan(rank.rho) else plus(rank.rho, 2), str(slope.n), equal)  # fmt: skip
            rows.append(tuple(Cell(text, methods.get(group, ())) for text in texts))
    note = (
        "Least squares with a line per method; intervals (CR2, Satterthwaite's degrees of freedom) hold where networks "
        "of one search depend on each other; the last column tests that all slopes are equal. – where fewer than three "
        "different sizes, or one search alone, would decide the line. Exploratory: p is not adjusted. Spearman's ρ "
        "has no interval: networks of one search are not independent."
    )
    return Table("slopes", "Accuracy against scale", head, tuple(rows), note)
