"""Which tables a report holds."""

from analysis.findings.collect import Findings
from analysis.findings.matched import short
from analysis.findings.over_data_sets import summaries
from analysis.findings.published import beside, file
from analysis.findings.rules import rules
from analysis.report import (
    analyses_sheets,
    comparison_sheets,
    data_set_sheets,
    image_sheets,
    over_sheets,
    protocol_sheets,
    reading_sheet,
    score_sheets,
    sheets,
)
from analysis.report.latency_sheet import latency
from analysis.report.sheets import Sheet


def report_sheets(found: Findings) -> list[Sheet]:
    """Those that have something to show, in the report's order."""
    results, table, twins, pairs = found.results, found.table, found.twins, found.pairs
    searched, random = found.models, found.twin_models
    published = file(results.folders)
    level, kind = rules(results).level, short(results, table)
    groups = {
        str(group): tuple(dict.fromkeys(points["method"]))
        for model in (*searched, *random)
        for group, points in model.points.groupby("group")
    }
    made = [
        comparison_sheets.primary(found.compared, results.study.get("primary"), level),
        *data_set_sheets.blocks(results, table),
        data_set_sheets.summary(summaries(results, table, level)),
        over_sheets.omnibus(found.over, rules(results)),
        over_sheets.pairs(found.over, rules(results)),
        comparison_sheets.comparisons(table, twins, level, kind),
        analyses_sheets.analyses(found.several, rules(results)),
        analyses_sheets.equality(found.compared, rules(results)),
        image_sheets.intervals(found.images, level),
        image_sheets.agreements(found.networks),
        comparison_sheets.gains(found.compared.gains, level, kind),
        sheets.resources(table),
        latency(results, table),
        sheets.recipe_sheet(results, table),
        sheets.slopes([*searched, *random], groups),
        reading_sheet.readings(found.readings, level),
        score_sheets.correlations(found.scores),
        comparison_sheets.pairwise(pairs, level),
        sheets.beside(beside(table, published) if published else []),
        *protocol_sheets.sheets(results),
    ]
    return sheets.shown(made)
