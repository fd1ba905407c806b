"""The tables of a report that hold comparisons: the primary one, with twins, with each other, and of gains."""

from collections.abc import Mapping, Sequence
from typing import Any

from analysis.findings.comparisons import Compared, Comparison
from analysis.findings.primary import name as question
from analysis.numbers import EMPTY, p_value
from analysis.report.tables.table import Cell, Table, estimated, interval, named
from analysis.results.table import Line

MODERATED = "p (moderated, Holm)"
FAMILY = (
    "p (Holm) is adjusted over all comparisons with twins, between methods and of gains, and over looks. Significant "
    "is what is so by the t test and with moderated variance (Smyth 2004), both after Holm. Failed trainings count "
    "with the accuracy of guessing; intervals are each comparison's own, not adjusted."
)
PRIMARY = " The primary comparison is not of this family: the table of its name has its test."
CHOSEN = " The best of k searches is paired with the best of their k twins, which the same trainings chose."
SEEDS = (
    " Seeds needed: to find the study's smallest effect four times in five, with the interval that the spread gives."
)


def primary(found: Compared, asked: Mapping[str, Any] | None, level: float) -> Table:
    """The study's one primary comparison."""
    columns = tuple("p (looks)" if name == "p (Holm)" else name for name in _head("Difference", level))
    head = ("Question", *(name for name in columns if name != MODERATED), "Verdict")
    rows: tuple[tuple[Cell, ...], ...] = ()
    if asked and found.primary:
        cells = _cells(question(asked), found.primary)
        rows = ((*cells[:4], *cells[5:]),)
    note = "Tested first, by itself; the other comparisons are confirmatory only where it is significant."
    return Table("primary", "Primary comparison", head, rows, note)


def comparisons(table: Sequence[Line], twins: dict[str, Comparison], level: float, kind: str) -> Table:
    """Each method against its twins, which are "of equal count" or share more (`kind`)."""
    head = ("Method", "Search epochs", *_head("Difference", level), "Verdict")
    rows = []
    for line in table:
        if (found := twins.get(line.method)) is not None:
            rows.append((*named(line), *_of_family(found)[1:]))
    note = f"Searched minus its random twins {kind}, paired by seed. {_family([*twins.values()])}"
    note += CHOSEN if any(line.best_of for line in table) else ""
    return Table("twins", "Against random twins", head, tuple(rows), note + SEEDS, caption=note)


def _head(quantity: str, level: float) -> tuple[str, ...]:
    return (f"{quantity}, points [{100 * level:.4g} %]", "p", "p (Holm)", MODERATED, "Hedges's g",
            "Relative improvement, %", "Pairs", "Seeds needed")  # fmt: skip


def _family(found: Sequence[Comparison]) -> str:
    return FAMILY + PRIMARY * any(c.kind == "primary" for c in found)


def _of_family(found: Comparison) -> list[Cell]:
    """As `_cells`; the primary comparison, which is of no family, has no p after Holm's method."""
    cells = _cells("", found)
    return [*cells[:3], Cell(EMPTY, found.methods), *cells[4:]] if found.kind == "primary" else cells


def _cells(name: str, found: Comparison) -> list[Cell]:
    """Its name, what `_head` names, and the verdict."""
    g = found.effect
    effect, improved = estimated(g.value, g.low, g.high, 2), interval(found.improvement)
    texts = (name, interval(found.difference), p_value(found.difference.p), p_value(found.adjusted),
             p_value(found.moderated), effect, improved, str(found.difference.n), str(found.needed),
             found.verdict)  # fmt: skip
    mark = ("†" if found.status == "exploratory" else "*") if found.significant else ""
    return [Cell(text, found.methods, mark if n == 1 else "") for n, text in enumerate(texts)]


def pairwise(found: Sequence[Comparison], level: float) -> Table:
    """Every line against every other."""
    note = f"First minus second, paired by seed. {_family(found)}"
    return _pairs("pairwise", "Every method against every other", "Difference", found, level, note)


def gains(found: Sequence[Comparison], level: float, kind: str) -> Table:
    """How far each method lies above its twins against how far each other does."""
    note = (
        f"A gain is searched minus random twins {kind}. First's gain minus second's, at equal search epochs "
        f"where both have some, paired by seed. {_family(found)} That one gain is shown and another is not does not "
        "make the one larger."
    )
    return _pairs("gains", "Gain over random twins, method against method", "Difference of gains", found, level, note)


def _pairs(name: str, title: str, quantity: str, found: Sequence[Comparison], level: float, note: str) -> Table:
    """A difference of gains has no ratio."""
    head = ("First", "Second", *_head(quantity, level), "Verdict")
    gone = head.index("Relative improvement, %") if name == "gains" else len(head)
    rows = []
    for c in found:
        cells = (Cell(c.method, c.methods), Cell(c.against, c.methods), *_of_family(c)[1:])
        rows.append(cells[:gone] + cells[gone + 1 :])
    return Table(name, title, head[:gone] + head[gone + 1 :], tuple(rows), note + SEEDS, caption=note)
