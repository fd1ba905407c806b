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
from analysis.statistics.paired import Estimate, mean_interval
from analysis.statistics.sequential import Decision, decided, next_look


@dataclass(frozen=True)
class Judged:
    """`estimate` and its interval come from the rows that p comes from; of what an early look decided from all. Both p
    are adjusted over family and looks."""

    estimate: Estimate
    adjusted: float
    moderated: float  # NaN where it was not asked for
    moderated_raw: float
    significant: bool  # by both
    decided: tuple[int, float] | None = None  # an early look: its pairs and their mean
    seen: bool = True  # False: no planned look sees a pair of it
    pairs: Pairs | None = None  # of the rows that its estimate comes from, where those are not all
    seeds: int | None = None  # first ones that p comes from, where looks are planned


def judge(family: Sequence[Pairs], rules: Rules, missing: int = 0, alone: bool = False) -> list[Judged]:
    """`missing`: planned comparisons that are gone, which count with p = 1; `alone`: one test, nothing to moderate by.

    A secondary difference is significant where both tests say so: by its own spread and by the moderated one.
    """
    if rules.looks:
        return _by_looks(family, rules, missing, alone)
    samples = [pairs.differences.to_numpy() for pairs in family]
    estimates = [mean_interval(sample, rules.level) for sample in samples]
    adjusted = adjusted_p([estimate.p for estimate in estimates], missing, rules.times)
    raw = [nan] * len(samples) if alone else moderated_p(samples, estimates)
    second = adjusted_p(raw, missing, rules.times)
    return [
        Judged(estimate, p, m, r, _significant(p, m, rules.alpha, alone))
        for estimate, p, m, r in zip(estimates, adjusted, second, raw, strict=True)
    ]


def _significant(p: float, moderated_: float, alpha: float, alone: bool) -> bool:
    return p <= alpha and (alone or moderated_ <= alpha)


def moderated_p(samples: Sequence[np.ndarray], estimates: Sequence[Estimate]) -> list[float]:
    """Raw; NaN for differences that are all equal, which say nothing about how differences spread."""
    used = [n for n, estimate in enumerate(estimates) if estimate.p == estimate.p]
    found = {n: test.p for n, test in zip(used, moderated([samples[n] for n in used]), strict=True)} if used else {}
    return [found.get(n, nan) for n in range(len(samples))]


def _by_looks(family: Sequence[Pairs], rules: Rules, missing: int, alone: bool) -> list[Judged]:
    look, decisions = looked(family, rules, missing, alone)
    if not look:
        return [_unseen(pairs, rules, 0) for pairs in family]
    out, extra = [], 1 + rules.unplanned
    for pairs, decision in zip(family, decisions, strict=True):
        seeds = rules.looks[(decision.at_look or look) - 1]
        if not decision.estimate.n:
            out.append(_unseen(pairs, rules, seeds))
            continue
        used = pairs if decision.rejected else pairs.below(seeds)
        estimate = replace(mean_interval(used.differences, rules.level), p=decision.estimate.p)
        p, m = (min(value * extra, 1.0) for value in (decision.adjusted, decision.second))  # in this order: NaN stays
        early = decision.rejected and seeds < rules.looks[-1]
        at = (decision.estimate.n, decision.estimate.value) if early else None
        significant = _significant(p, m, rules.alpha, alone)
        out.append(Judged(estimate, p, m, decision.second_raw, significant, at, pairs=used, seeds=seeds))
    return out


def _unseen(pairs: Pairs, rules: Rules, seeds: int) -> Judged:
    """Not tested, for no look sees a pair of it."""
    whole = mean_interval(pairs.differences, rules.level)
    return Judged(replace(whole, p=nan), nan, nan, nan, False, seen=False, seeds=seeds)


def looked(family: Sequence[Pairs], rules: Rules, missing: int, alone: bool = False) -> tuple[int, list[Decision]]:
    """How many planned looks the rows allow, and each comparison's state after them, by the rules of the report.

    Only comparisons with twins, or the primary one, are given more seeds: they say when a look is taken. Without any
    that is open, all do that are there.
    """
    values = {str(n): in_order(pairs.differences, rules.looks[-1]) for n, pairs in enumerate(family)}
    led = {str(n) for n, pairs in enumerate(family) if pairs.kind in ("twins", "primary")} or {*values}
    values |= {f"missing {n}": [] for n in range(missing)}
    alpha, second = rules.alpha / (1 + rules.unplanned), None if alone else moderated_p
    look, _ = next_look(values, rules.looks, alpha, led, second)
    found = decided(values, look, rules.looks, alpha, second)
    return look, [found[str(n)] for n in range(len(family))]


def in_order(differences: pd.Series, most: int) -> list[float]:
    """Differences at seeds 0, 1, … below `most`, NaN where a pair is missing."""
    if differences.empty:
        return []
    seeds = range(min(int(differences.index.max()) + 1, most))
    return [float(value) for value in differences.reindex(seeds)]
