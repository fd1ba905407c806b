"""The same question in several ways, and whether sides are practically equal: tables and columns of the CSV."""

from collections.abc import Iterator, Sequence
from math import isfinite, isnan, nan

from analysis.findings.comparisons import Compared, Comparison
from analysis.findings.practical_equivalence import practical
from analysis.findings.rules import Rules
from analysis.findings.sensitivity import ABOVE, Asked, Way
from analysis.numbers import EMPTY, p_value
from analysis.report.tables.table import Cell, Table, estimated

DF = "Degrees of freedom"


def analyses(found: Sequence[Asked], fixed: Rules) -> Table:
    """A row per question and analysis."""
    head = (
        "Question",
        "Pairs",
        "Analysis",
        f"Difference, points [{100 * fixed.level:.4g} %]",
        "p",
        DF,
        f"At α = {fixed.alpha:g}",
    )
    rows = [
        tuple(Cell(text, one.methods) for text in (one.name, str(one.n), *_texts(way, fixed)))
        for one in found
        for way in one.ways
    ]
    note = (
        "The paired t test over search seeds is primary by protocol; the others decide nothing and are exploratory. "
        "Differences are averaged over snapshots within each seed, except in the mixed model (snapshots fixed, "
        "searches random, Satterthwaite's degrees of freedom). The moderated test learns its spread from the questions "
        "of this table. Many-to-one is adjusted for all methods against the baseline, by a multivariate t with the "
        "correlation of differences within seeds; no other p is adjusted, but for looks. The probability of "
        "improvement (Agarwal et al. 2021) is that the mean of a search seed on the first side lies above one on the "
        "second, with its bootstrap interval: it shows a difference where that leaves out one half. How often each "
        "errs is simulated in docs/reviewers.md."
    )
    return Table("analyses", "The same question, analysed in several ways", head, tuple(rows), note, paper=False)


def _texts(way: Way, fixed: Rules) -> tuple[str, ...]:
    if way.name == ABOVE:
        ends = f" [{way.low:.2f}, {way.high:.2f}]" if isfinite(way.low) else ""
        value = EMPTY if isnan(way.value) else f"probability {way.value:.2f}{ends}"
    else:
        value = estimated(way.value, way.low, way.high, 2)
    p = p_value(way.p)
    freedom = EMPTY if isnan(way.p) or isnan(way.freedom) else f"{way.freedom:.1f}"
    unable = way.least * fixed.times > fixed.alpha
    answer = {True: "shown", False: "not shown", None: EMPTY}[way.shown]
    return way.name, value, p, freedom, f"p cannot go below {p_value(way.least)}" if unable else answer


def equality(found: Compared, fixed: Rules) -> Table:
    """The primary comparison and those with twins; comparisons.csv holds all."""
    tested = fixed.margin is not None
    wanted = ([found.primary] if found.primary else []) + [c for c in found.twins.values() if c is not found.primary]
    tests = (f"Difference, points [{100 * (1 - 2 * fixed.alpha / fixed.times):.4g} %]", "p (TOST)", "p (Bonferroni)")
    head = ("First", "Second", *(tests if tested else ()), "P(worse)", "P(practically equal)", "P(better)",
            f"Difference, points [{100 * fixed.level:.4g} % credible]", "Answer")  # fmt: skip
    rows = [tuple(Cell(text, c.methods) for text in (c.method, c.against, *_equal(c, fixed))) for c in wanted]
    region = f"±{fixed.negligible:g} points, the study's {'equivalence margin' if tested else 'smallest effect'}"
    note = (
        f"Practically equal is what lies within {region}. Probabilities are those of a Bayesian t test (Benavoli et "
        "al. 2017) for the true difference, of each comparison by itself; an answer needs .95. "
        + ("Two one-sided tests (Schuirmann 1987) show equality where p (Bonferroni) is at most α. " if tested else
           "The study fixed no equivalence margin, so that equality is not tested. ")
        + "Exploratory."
    )  # fmt: skip
    return Table("equality", "Practically equal?", head, tuple(rows), note, paper=False)


def _equal(c: Comparison, fixed: Rules) -> tuple[str, ...]:
    found = practical(c, fixed)
    tests, posterior = found.tests, found.posterior
    cells = () if tests is None else (
        estimated(tests.value, tests.low, tests.high, 2), p_value(tests.p), p_value(c.equivalence),
    )  # fmt: skip
    chances = (posterior.worse, posterior.equal, posterior.better)
    return (*cells, *(EMPTY if isnan(p) else f"{p:.3f}" for p in chances),
            estimated(posterior.value, posterior.low, posterior.high, 2), found.answer)  # fmt: skip


def columns(c: Comparison, fixed: Rules) -> Iterator[tuple[str, object]]:
    """What comparisons.csv says of equality beside the adjusted p."""
    found = practical(c, fixed)
    tests, posterior = found.tests, found.posterior
    yield "p_tost", nan if tests is None else tests.p
    yield from (("tost_low", nan if tests is None else tests.low), ("tost_high", nan if tests is None else tests.high))
    yield from (("rope", found.region), ("p_worse", posterior.worse), ("p_equal", posterior.equal))
    yield from (("p_better", posterior.better), ("rope_answer", found.answer))


def records(found: Sequence[Asked]) -> list[dict[str, object]]:
    """Of analyses.csv: a line per question and analysis."""
    return [
        {"question": one.name, "primary": one.primary, "pairs": one.n, "analysis": way.name, "value": way.value,
         "low": way.low, "high": way.high, "p": way.p, "degrees_of_freedom": way.freedom, "least_p": way.least,
         "shown": "" if way.shown is None else way.shown}
        for one in found for way in one.ways
    ]  # fmt: skip
