"""The table of zero-cost scores against trained accuracy."""

from collections.abc import Sequence
from math import isnan, nan

from analysis.findings.scores import FEW, Scored
from analysis.numbers import EMPTY
from analysis.report.tables.table import Cell, Table, estimated
from analysis.statistics.rank_correlation import Correlation


def correlations(found: Sequence[Scored]) -> Table:
    """A row per data set and score."""
    head = ("Data set", "Score", "Networks", "Spearman's ρ [95 %]", "Kendall's τ [95 %]", "ρ of parameters there",
            "Seconds each")  # fmt: skip
    rows = []
    for one in found:
        texts = (one.data, one.score, str(one.rho.n), _text(one.rho, one), _text(one.tau, one),
                 EMPTY if one.few else estimated(one.rival, nan, nan, 2),
                 EMPTY if isnan(one.seconds) else f"{one.seconds:.2g}")  # fmt: skip
        rows.append(tuple(map(Cell, texts)))
    note = (
        "Over all networks that were trained and have the score, each once with the means of its trainings and scores; "
        "where there are several recipes, over those of each (in brackets the methods trained by it). "
        "Intervals by Fisher's z (Bonett and Wright 2000), as if networks were independent; – where a score is equal "
        "for all. A search that chose by a score leaves networks that differ little in it, among which it correlates "
        "less. Parameters cost nothing: a score that does not beat their ρ over the same networks says no more than "
        "their number. Exploratory."
    )
    return Table("scores", "Zero-cost scores against test accuracy", head, tuple(rows), note)


def _text(found: Correlation, one: Scored) -> str:
    return f"too few (below {FEW})" if one.few else estimated(found.rho, found.low, found.high, 2)
