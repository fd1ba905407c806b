"""Everything that a report says of some results, computed once."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis import comparison_sheets, protocol_sheets, recipes, sheets
from analysis.caveats import caveats
from analysis.comparisons import Compared, Comparison, compared
from analysis.models import Model, models, twin_models
from analysis.practices import Practice, practices
from analysis.prose import methods_paragraph
from analysis.published import beside
from analysis.rows import Results, load
from analysis.rules import rules
from analysis.sheets import Sheet
from analysis.table import Line, lines

PUBLISHED = "published.csv"


@dataclass(frozen=True)
class Findings:
    results: Results
    table: list[Line]
    twins: dict[str, Comparison]
    pairs: list[Comparison]
    compared: Compared
    models: list[Model]
    twin_models: list[Model]
    sheets: list[Sheet]
    caveats: list[str]
    practices: list[Practice]
    methods: str


def findings(folders: Path | Sequence[Path]) -> Findings:
    """All of it. A `published.csv` in a folder is set beside our numbers."""
    results = load(folders)
    table = lines(results)
    found = compared(results, table)
    twins, pairs = found.twins, found.pairs
    searched, random = models(results, table), twin_models(results, table)
    published = next((f / PUBLISHED for f in results.folders if (f / PUBLISHED).exists()), None)
    level = rules(results).level
    groups = {
        str(group): tuple(dict.fromkeys(points["method"]))
        for model in (*searched, *random)
        for group, points in model.points.groupby("group")
    }
    made = [
        comparison_sheets.primary(found, results.study.get("primary"), level),
        sheets.results(table),
        comparison_sheets.comparisons(table, twins, level),
        comparison_sheets.gains(found.gains, level),
        sheets.resources(table),
        recipes.sheet(results, table),
        sheets.slopes([*searched, *random], groups),
        comparison_sheets.pairwise(pairs, level),
        sheets.beside(beside(table, published) if published else []),
        *protocol_sheets.sheets(results),
    ]
    return Findings(
        results, table, twins, pairs, found, searched, random, sheets.shown(made), caveats(results, table, found),
        practices(results, table, twins), methods_paragraph(results, table),
    )  # fmt: skip
