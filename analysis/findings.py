"""Everything that a report says of some results, computed once."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis import recipes, sheets
from analysis.caveats import caveats
from analysis.comparisons import Comparison, gains, rules, with_each_other, with_twins
from analysis.models import Model, models, twin_models
from analysis.practices import Practice, practices
from analysis.prose import methods_paragraph
from analysis.published import beside
from analysis.rows import Results, load
from analysis.sheets import Sheet
from analysis.table import Line, lines

PUBLISHED = "published.csv"


@dataclass(frozen=True)
class Findings:
    results: Results
    table: list[Line]
    twins: dict[str, Comparison]
    pairs: list[Comparison]
    models: list[Model]
    twin_models: list[Model]
    sheets: list[Sheet]
    caveats: list[str]
    practices: list[Practice]
    methods: str


def findings(folders: Path | Sequence[Path]) -> Findings:
    """All of it. A `published.csv` in the first folder is set beside our numbers."""
    results = load(folders)
    table = lines(results)
    twins, pairs = with_twins(results, table), with_each_other(results, table)
    searched, random = models(results, table), twin_models(results, table)
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
        recipes.sheet(results, table),
        sheets.slopes([*searched, *random], groups),
        sheets.pairwise(pairs, level),
        sheets.beside(beside(table, published) if published.exists() else []),
    ]
    return Findings(
        results, table, twins, pairs, searched, random, sheets.shown(made), caveats(results, table, twins),
        practices(results, table, twins), methods_paragraph(results, table),
    )  # fmt: skip
