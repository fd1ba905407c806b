"""Which tables a report holds."""

from analysis.findings.collect import Findings
from analysis.findings.matched import short
from analysis.findings.over_data_sets import summaries
from analysis.findings.published import beside, file
from analysis.findings.rules import rules
from analysis.report.tables import analyses, comparisons, data_sets, images, over_data_sets, protocol
from analysis.report.tables.latency import latency
from analysis.report.tables.published import beside as published_beside
from analysis.report.tables.readings import readings
from analysis.report.tables.recipes import recipes
from analysis.report.tables.results import resources
from analysis.report.tables.scores import correlations
from analysis.report.tables.slopes import slopes
from analysis.report.tables.table import Table, shown


def report_tables(found: Findings) -> list[Table]:
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
        comparisons.primary(found.compared, results.study.get("primary"), level),
        *data_sets.blocks(results, table),
        data_sets.summary(summaries(results, table, level), level),
        over_data_sets.omnibus(found.over, rules(results)),
        over_data_sets.pairs(found.over, rules(results)),
        comparisons.comparisons(table, twins, level, kind),
        analyses.analyses(found.several, rules(results)),
        analyses.equality(found.compared, rules(results)),
        images.intervals(found.images, level),
        images.agreements(found.networks),
        comparisons.gains(found.compared.gains, level, kind),
        resources(table),
        latency(results, table),
        recipes(results, table),
        slopes([*searched, *random], groups),
        readings(found.readings, level),
        correlations(found.scores),
        comparisons.pairwise(pairs, level),
        published_beside(beside(table, published) if published else []),
        *protocol.tables(results),
    ]
    return shown(made)
