"""Methods against count-matched twins, against each other, and their gains over twins against each other's.

All pair by pair of equal seeds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType
from typing import Any

import pandas as pd

from analysis.results.aggregate import by_seed, done
from analysis.results.rows import Results
from analysis.results.table import Line
from analysis.statistics.paired import (
    Estimate,
    hedges_g,
    holm,
    paired,
    pooled_std,
    power,
    relative_improvement,
    seeds_needed,
)
from analysis.statistics.sequential import decided, next_look

ITS_TWINS = "its twins"
WORDS = ("better", "worse")  # what a side is that lies above, below


@dataclass(frozen=True)
class Comparison:
    """`method` minus `against` over search seeds, in points of accuracy."""

    method: str
    against: str
    difference: Estimate
    adjusted: float  # p after Holm over the family (times the looks where the study looks several times)
    effect: float  # Hedges's g
    improvement: Estimate  # relative, percent
    missing: int  # seeds that have no complete pair
    needed: int | None  # seeds that would show the study's smallest effect
    significant: bool
    verdict: str
    methods: tuple[str, ...]  # the table rows that it comes from
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Rules:
    """What the study fixed before it began."""

    alpha: float
    smallest: float
    looks: tuple[int, ...]  # empty: one look at the end

    @property
    def level(self) -> float:
        """Of the intervals."""
        return 1 - self.alpha / max(1, len(self.looks))


def rules(study: Mapping[str, Any]) -> Rules:
    """Looks count where the study was once run with `--until`: else it is looked at once, at the end."""
    looks = tuple(study.get("looks") or ()) if study.get("sequential") else ()
    return Rules(float(study.get("alpha") or 0.05), float(study.get("smallest_effect") or 0.2), looks)


def with_twins(results: Results, table: Sequence[Line]) -> dict[str, Comparison]:
    """One family: each line that has twins against them."""
    found = _family(results, _beside_twins(results, table), rules(results.study), ITS_TWINS)
    return {comparison.method: comparison for comparison in found}


def still_open(results: Results, table: Sequence[Line]) -> tuple[int, list[str]]:
    """How many of the study's looks its rows allow, and the methods whose comparison with twins is open after them."""
    fixed = rules(results.study)
    found = {method: _in_order(frame) for (method, _), frame in _beside_twins(results, table).items()}
    return next_look(found, tuple(results.study.get("looks") or ()), fixed.alpha)


def with_each_other(results: Results, table: Sequence[Line]) -> list[Comparison]:
    """One family: each line against each later one, the baseline among them; seeds make the pairs."""
    means = {line.method: by_seed(results.trainings(line.method), "test_accuracy") for line in table}
    seen = {line.method: _seeds(results.trainings(line.method)) for line in table}
    pairs = {}
    for first, second in combinations(means, 2):
        joined = pd.DataFrame({"own": means[first], "other": means[second]}, index=seen[first].union(seen[second]))
        pairs[first, second] = joined
    return _family(results, pairs, rules(results.study))


def gains(results: Results, table: Sequence[Line]) -> list[Comparison]:
    """One family: a method's gain over its twins against that of each later method with equal search epochs or none.

    That two methods differ, or that one of two lies above its twins, does not say that its search finds more.
    """
    beside = _beside_twins(results, table)
    above = {method: frame["own"] - frame["other"] for (method, _), frame in beside.items()}
    pairs = {
        (first.method, second.method): pd.DataFrame({"own": above[first.method], "other": above[second.method]})
        for first, second in combinations([line for line in table if line.twin], 2)
        if first.label != second.label and len({first.search_epochs, second.search_epochs} - {None}) < 2
    }
    return _family(results, pairs, rules(results.study), "that of {}", ("larger", "smaller"), dict(beside.keys()))


def _beside_twins(results: Results, table: Sequence[Line]) -> dict[tuple[str, str], pd.DataFrame]:
    """(method, twin) → their pairs, for each line that has twins."""
    return {
        (line.method, line.twin): twin_pairs(results.trainings(line.method), results.trainings(line.twin))
        for line in table
        if line.twin
    }


def twin_pairs(own: pd.DataFrame, twins: pd.DataFrame) -> pd.DataFrame:
    """Columns `own` and `other` per search seed: means over the complete pairs of a searched network and its twins.

    Every seed that either has a row for is listed, NaN where it has no complete pair.
    """
    label = "pair" if own["pair"].notna().all() and twins["pair"].notna().all() else "train_seed"
    sides = [
        done(trials).dropna(subset=["test_accuracy"]).groupby(["seed", label])["test_accuracy"].mean()
        for trials in (own, twins)
    ]
    complete = pd.DataFrame(dict(zip(("own", "other"), sides, strict=True))).dropna()
    return complete.groupby(level="seed").mean().reindex(_seeds(own).union(_seeds(twins)))


def _seeds(trials: pd.DataFrame) -> pd.Index:
    seeds: pd.Index = pd.Index(sorted(set(trials["seed"].dropna())), dtype=float)
    return seeds


Pairs = Mapping[tuple[str, str], pd.DataFrame]


def _family(
    results: Results, pairs: Pairs, fixed: Rules, name: str = "{}", words: tuple[str, str] = WORDS,
    twins: Mapping[str, str] = MappingProxyType({}),
) -> list[Comparison]:  # fmt: skip
    """Comparisons that are judged together.

    `name`: what the verdict calls the second side, its method in braces; `words`: what the first side is above and
    below it; `twins`: side → its twins, where the sides are gains over them.
    """
    differences = {sides: _in_order(frame) for sides, frame in pairs.items()}
    estimates, adjusted, pairs = _judged(pairs, differences, fixed)
    std = pooled_std([*differences.values()])
    alpha = fixed.alpha / max(1, len(fixed.looks)) / max(1, len(pairs))
    needed = seeds_needed(fixed.smallest, std, alpha)
    out = []
    for sides, frame in pairs.items():
        estimate, p = estimates[sides], adjusted[sides]
        chance = power(fixed.smallest, std, estimate.n, alpha)
        unseen = bool(fixed.looks) and frame.empty
        significant = p <= fixed.alpha and not unseen
        found = verdict(estimate, significant, fixed.smallest, needed, chance, name.format(sides[1]), words)
        methods = (*sides, *(twins[side] for side in sides if side in twins))
        out.append(
            Comparison(
                *sides,
                difference=estimate,
                adjusted=p,
                effect=hedges_g(frame["own"], frame["other"]),
                improvement=relative_improvement(frame["own"], frame["other"], fixed.level),
                missing=int(frame.isna().any(axis=1).sum()),
                needed=needed,
                significant=significant,
                verdict="not tested: the first look is not reached" if unseen else found,
                methods=methods,
                keys=_keys(results, methods),
            )
        )
    return out


def _judged(pairs: Pairs, differences: Mapping, fixed: Rules) -> tuple[dict, dict, Pairs]:
    """Estimates, adjusted p and the pairs that they come from, by one look or by those that were reached."""
    if fixed.looks:
        names = {str(number): sides for number, sides in enumerate(pairs)}
        numbered = {number: differences[sides] for number, sides in names.items()}
        look, _ = next_look(numbered, fixed.looks, fixed.alpha)
        found = decided(numbered, look, fixed.looks, fixed.alpha)
        seen = {n: fixed.looks[(d.at_look or look) - 1] if look else 0 for n, d in found.items()}
        used = {names[n]: pairs[names[n]][pairs[names[n]].index < seen[n]] for n in found}
        return ({names[n]: d.estimate for n, d in found.items()}, {names[n]: d.adjusted for n, d in found.items()},
                {sides: used[sides] for sides in pairs})  # fmt: skip
    estimates = {sides: paired(frame["own"], frame["other"], fixed.level) for sides, frame in pairs.items()}
    return estimates, dict(zip(estimates, holm([e.p for e in estimates.values()]).tolist(), strict=True)), pairs


def _in_order(frame: pd.DataFrame) -> list[float]:
    """Differences at seeds 0, 1, …, NaN where a pair is missing."""
    if frame.empty:
        return []
    seeds = range(int(frame.index.max()) + 1)
    return [float(value) for value in (frame["own"] - frame["other"]).reindex(seeds)]


def verdict(
    found: Estimate, rejected: bool, smallest: float, needed: int | None, chance: float, against: str,
    words: tuple[str, str] = WORDS,
) -> str:  # fmt: skip
    """The finding in words. `chance`: the power that this n had for the smallest effect of interest."""
    if found.n < 2:
        return "not tested: one pair" if found.n else "not tested: no complete pair"
    if found.p != found.p:
        return f"not tested: all {found.n} differences are equal"
    if rejected:
        small = max(abs(found.low), abs(found.high)) < smallest
        return f"{words[found.value < 0]} than {against}" + (f", by less than {smallest:g} points" if small else "")
    if -smallest < found.low and found.high < smallest:
        return f"no difference shown; the interval lies within ±{smallest:g} points"
    if needed is None:
        return "no difference shown"
    if needed <= found.n:
        return f"no difference shown; {smallest:g} points would have been seen with a chance of {chance:.0%}"
    return f"no difference shown; to see {smallest:g} points would take {needed} seeds"


def _keys(results: Results, methods: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(key for method in methods for key in done(results.trainings(method))["key"]))
