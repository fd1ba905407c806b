"""Which tables a report holds."""

from analysis.findings.collect import Findings
from analysis.findings.comparisons import gains, rules
from analysis.findings.published import beside
from analysis.report import sheets
from analysis.report.sheets import Sheet

PUBLISHED = "published.csv"  # in the first folder: set beside our numbers


def report_sheets(found: Findings) -> list[Sheet]:
    """Those that have something to show, in the report's order."""
    results, table, twins, pairs = found.results, found.table, found.twins, found.pairs
    searched, random = found.models, found.twin_models
    published = results.folders[0] / PUBLISHED
    level = rules(results.study).level
    groups = {
        str(group): tuple(dict.fromkeys(points["method"]))
        for model in (*searched, *random)
        for group, points in model.points.groupby("group")
    }
    made = [
        sheets.results(table),
        sheets.comparisons(table, twins, level),
        sheets.gains(gains(results, table), level),
        sheets.resources(table),
        sheets.recipe_sheet(results, table),
        sheets.slopes([*searched, *random], groups),
        sheets.pairwise(pairs, level),
        sheets.beside(beside(table, published) if published.exists() else []),
    ]
    return sheets.shown(made)
