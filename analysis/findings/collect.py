"""Everything that a report says of some results, computed once."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.findings.best_practices import Practice, practices
from analysis.findings.by_image import ByImage, TwoNetworks, by_image, two_networks
from analysis.findings.caveats import caveats
from analysis.findings.comparisons import Compared, Comparison, compared
from analysis.findings.fixed_data import fixed_data
from analysis.findings.methods_text import methods_paragraph
from analysis.findings.published import file, unanswered
from analysis.findings.readings import Reading, readings
from analysis.findings.rules import rules
from analysis.findings.scores import Scored, scores
from analysis.findings.sensitivity import Asked, disagreements, several
from analysis.findings.slopes import Model, models, twin_models
from analysis.findings.tests_over_data_sets import Over, over_sets, weakness
from analysis.results.predictions import predictions
from analysis.results.rows import Results, load
from analysis.results.table import Line, lines


@dataclass(frozen=True)
class Findings:
    results: Results
    table: list[Line]
    twins: dict[str, Comparison]
    pairs: list[Comparison]
    compared: Compared
    several: list[Asked]
    models: list[Model]
    twin_models: list[Model]
    caveats: list[str]
    practices: list[Practice]
    methods: str
    over: Over | None  # tests over the data sets, where there are several
    images: list[ByImage]
    networks: list[TwoNetworks]
    scores: list[Scored]  # zero-cost, against what the networks reach
    readings: list[Reading]  # what supernets reach, and what is read from them


def findings(folders: Path | Sequence[Path]) -> Findings:
    """All of it. A `published.csv` in a folder is set beside our numbers."""
    results = load(folders)
    table = lines(results)
    found = compared(results, table)
    twins, pairs = found.twins, found.pairs
    searched, random = models(results, table), twin_models(results, table)
    analysed, over, said = several(results, table, found), over_sets(results, table), predictions(results)
    doubts = [*disagreements(analysed), *weakness(over, rules(results)), *fixed_data(results, said),
              *unanswered(table, file(results.folders))]  # fmt: skip
    return Findings(
        results, table, twins, pairs, found, analysed, searched, random,
        [*caveats(results, table, found), *doubts],
        practices(results, table, twins), methods_paragraph(results, table), over,
        by_image(results, table, said, rules(results).level), two_networks(results, table, said),
        scores(results), readings(results, table, rules(results).level),
    )  # fmt: skip
