"""Tests of a family of comparisons: Holm's, by one look or by planned ones, and moderated beside."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import nan

import numpy as np
import pandas as pd

from analysis.findings.rules import Rules
from analysis.results.pairs import Pairs
from analysis.statistics.moderated import moderated
from analysis.statistics.multiple_testing import adjusted_p
from analysis.statistics.paired import TIED, Estimate, mean_interval, pooled_std
from analysis.statistics.sequential import Decision, decided, next_look


@dataclass(frozen=True)
class Judged:
    """`estimate` and its interval come from all rows; both p are adjusted over family and looks."""

    estimate: Estimate
    adjusted: float
    moderated: float  # NaN where it was not asked for
    moderated_raw: float
    significant: bool  # by both
    decided: tuple[int, float] | None = None  # an early look: its pairs and their mean
    seen: bool = True  # False: the first planned look is not reached


def judge(family: Sequence[Pairs], rules: Rules, missing: int = 0, alone: bool = False) -> list[Judged]:
    """`missing`: planned comparisons that are gone, which count with p = 1; `alone`: one test, nothing to moderate by.

    A secondary difference is significant where both tests say so: by its own spread and by the moderated one.
    """
    if rules.looks:
        return _by_looks(family, rules, missing, alone)
    samples = [pairs.differences.to_numpy() for pairs in family]
    estimates = [mean_interval(sample, rules.level) for sample in samples]
    adjusted = adjusted_p([estimate.p for estimate in estimates], missing, rules.times)
    raw = _moderated(samples, estimates, alone)
    second = adjusted_p(raw, missing, rules.times)
    return [
        Judged(estimate, p, m, r, _significant(p, m, rules.alpha, alone))
        for estimate, p, m, r in zip(estimates, adjusted, second, raw, strict=True)
    ]


def _significant(p: float, moderated_: float, alpha: float, alone: bool) -> bool:
    return p <= alpha and (alone or moderated_ <= alpha)


def _moderated(samples: Sequence[np.ndarray], estimates: Sequence[Estimate], alone: bool) -> list[float]:
    """Raw p; NaN for differences that are all equal, which say nothing about how differences spread."""
    used = [n for n, estimate in enumerate(estimates) if estimate.p == estimate.p and not alone]
    found = {n: test.p for n, test in zip(used, moderated([samples[n] for n in used]), strict=True)} if used else {}
    return [found.get(n, nan) for n in range(len(samples))]


def _by_looks(family: Sequence[Pairs], rules: Rules, missing: int, alone: bool) -> list[Judged]:
    look, decisions = looked(family, rules, missing)
    if not look:
        whole = [mean_interval(pairs.differences, rules.level) for pairs in family]
        return [Judged(replace(e, p=nan), nan, nan, nan, False, seen=False) for e in whole]
    out, extra = [], 1 + rules.unplanned
    ends = [rules.looks[(decision.at_look or look) - 1] for decision in decisions]
    samples = [pairs.differences[pairs.frame.index < end].to_numpy() for pairs, end in zip(family, ends, strict=True)]
    raw = _moderated(samples, [decision.estimate for decision in decisions], alone)
    second = adjusted_p(raw, missing, rules.times)
    for pairs, decision, r, m, end in zip(family, decisions, raw, second, ends, strict=True):
        estimate = replace(mean_interval(pairs.differences, rules.level), p=decision.estimate.p)
        p = min(decision.adjusted * extra, 1.0)  # in this order: NaN stays, of what was not tested
        early = decision.rejected and end < rules.looks[-1]
        at = (decision.estimate.n, decision.estimate.value) if early else None
        out.append(Judged(estimate, p, m, r, _significant(p, m, rules.alpha, alone), at))
    return out


def looked(family: Sequence[Pairs], rules: Rules, missing: int) -> tuple[int, list[Decision]]:
    """How many planned looks the rows allow, and each comparison's state after them.

    Only comparisons with twins, or the primary one, are given more seeds: they say when a look is taken. Without any,
    all do that are there.
    """
    values = {str(n): in_order(pairs.differences, rules.looks[-1]) for n, pairs in enumerate(family)}
    led = {str(n) for n, pairs in enumerate(family) if pairs.kind in ("twins", "primary")} or {*values}
    values |= {f"missing {n}": [] for n in range(missing)}
    look, _ = next_look(values, rules.looks, rules.alpha, led)
    found = decided(values, look, rules.looks, rules.alpha)
    return look, [found[str(n)] for n in range(len(family))]


def in_order(differences: pd.Series, most: int) -> list[float]:
    """Differences at seeds 0, 1, … below `most`, NaN where a pair is missing."""
    if differences.empty:
        return []
    seeds = range(min(int(differences.index.max()) + 1, most))
    return [float(value) for value in differences.reindex(seeds)]


def spread_of(samples: Sequence[pd.Series]) -> tuple[float, int]:
    """Pooled standard deviation and its degrees of freedom, without samples of equal differences."""
    known = [x for x in (sample.dropna().to_numpy() for sample in samples) if len(x) > 1]
    known = [x for x in known if x.std(ddof=1) > TIED * np.abs(x).max()]
    return pooled_std(known), sum(len(x) - 1 for x in known)
