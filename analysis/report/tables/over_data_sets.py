"""Tables of tests over several data sets."""

from collections.abc import Iterator
from math import isnan

from analysis.findings.rules import Rules
from analysis.findings.tests_over_data_sets import Over, Pair, weakness
from analysis.numbers import EMPTY, p_value
from analysis.report.tables.table import Cell, Table, estimated, interval
from analysis.statistics.equivalence import Posterior


def omnibus(found: Over | None, fixed: Rules) -> Table:
    """Friedman's test of all rows."""
    head = ("Data sets", "Rows", "Friedman's χ²", "p", "Iman and Davenport's F", "p", "p (permutations)",
            f"At α = {fixed.alpha:g}")  # fmt: skip
    rows: tuple[tuple[Cell, ...], ...] = ()
    if found:
        test, (above, below) = found.test, found.test.freedom
        texts = (str(test.n), str(len(test.ranks)), f"{test.chi2:.2f} ({above} df)", p_value(test.p_chi2),
                 f"{test.f:.2f} ({above}, {below} df)", p_value(test.p_f), p_value(test.p),
                 _answer(test.p, test.least, fixed))  # fmt: skip
        rows = (tuple(Cell(EMPTY if isnan(test.p) and n > 1 else text) for n, text in enumerate(texts)),)
    note = (
        "Whether any row differs from another by its ranks on the data sets, twins among the rows (Demšar 2006). A "
        "data set counts as one observation. χ² and F are approximations for many data sets; the permutation of ranks "
        "within data sets decides. Data sets count as independent, which those of like images hardly are. Exploratory."
    )
    return Table("friedman", "Ranks over all data sets", head, rows, note, paper=False)


def _answer(p: float, least: float, fixed: Rules) -> str:
    if isnan(p):
        return EMPTY
    if least * fixed.times > fixed.alpha:
        return f"p cannot go below {p_value(least)}"
    return "shown" if p * fixed.times <= fixed.alpha else "not shown"


def pairs(found: Over | None, fixed: Rules) -> Table:
    """Each pair of rows, tested over all data sets."""
    head = ("First", "Second", f"Mean over data sets, points [{100 * fixed.level:.4g} %]", "p (Holm)", "Search seeds",
            "Same sign on each, p (Holm)", "Wilcoxon, p", "p (Holm)", "Mean of such data sets, points",
            "On a further one: P(worse)", "P(practically equal)", "P(better)")  # fmt: skip
    rows = tuple(tuple(Cell(text, one.methods) for text in _texts(one)) for one in found.pairs) if found else ()
    note = _note(found, fixed) if found else ""
    return Table("pairs-over-data-sets", "Pairs over all data sets", head, rows, note, paper=False)


def _texts(one: Pair) -> Iterator[str]:
    yield from (one.first, one.second, interval(one.mean), p_value(one.p_mean), str(one.mean.n))
    yield from (p_value(one.p_every), p_value(one.ranks.p), p_value(one.p_ranks))
    mean, further = one.model.mean, one.model.further
    yield estimated(mean.value, mean.low, mean.high, 2)
    yield from (EMPTY if isnan(p) else f"{p:.3f}" for p in _chances(further))


def _chances(found: Posterior) -> tuple[float, float, float]:
    return found.worse, found.equal, found.better


def _note(found: Over, fixed: Rules) -> str:
    weak = "".join(f"{sentence} " for sentence in weakness(found, fixed))
    return (
        "The mean over data sets is taken within each search seed, then tested over seeds by a t test: whether the "
        "first is better on these data sets, on average and in points. Same sign on each: whether it is so on every "
        "one (the largest p of the data sets, Berger 1982). Wilcoxon's signed ranks take a data set for one "
        f"observation, and ask whether it is so on data sets in general. {weak}The last columns are of a hierarchical "
        "normal model with partial pooling (after Corani et al. 2017), practically equal within "
        f"±{fixed.negligible:g} points; with few data sets they rest on its prior of how much data sets differ. "
        "Failures count as guessing. All exploratory: what is primary is tested on its own data set."
    )


def records(found: Over) -> Iterator[dict[str, object]]:
    """Of over-data-sets.csv: a line per pair."""
    for one in found.pairs:
        yield {
            "method": one.first, "against": one.second,
            **{f"difference_{data}": e.value for data, e in zip(found.sets, one.each, strict=True)},
            **{f"pooled_{data}": value for data, value in zip(found.sets, one.model.pooled, strict=True)},
            "mean": one.mean.value, "low": one.mean.low, "high": one.mean.high, "n": one.mean.n, "p": one.mean.p,
            "p_holm": one.p_mean, "p_every_holm": one.p_every, "p_wilcoxon": one.ranks.p,
            "p_wilcoxon_holm": one.p_ranks, "least_p_wilcoxon": one.ranks.least, "spread": one.model.spread,
            **{f"{place}_{name}": value for place, of in (("mean", one.model.mean), ("further", one.model.further))
               for name, value in zip(("p_worse", "p_equal", "p_better"), _chances(of), strict=True)},
        }  # fmt: skip
