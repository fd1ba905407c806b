"""The same questions analysed in several ways: whether an answer hangs on the choice of one test.

A primary question is decided by the paired t test over search seeds, others by that and the moderated one, both after
Holm's method in the table of their kind. All else stands beside and decides nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import Any

import numpy as np
import pandas as pd

from analysis.findings import primary
from analysis.findings.comparisons import Compared
from analysis.findings.rules import Rules, rules
from analysis.results.pairs import Pairs, Sides
from analysis.results.rows import Results
from analysis.results.table import Line
from analysis.statistics import improvement, many_to_one, mixed
from analysis.statistics.moderated import moderated
from analysis.statistics.paired import Estimate, mean_interval
from analysis.statistics.permutation import sign_flip

T, FLIPS, MODERATED, MIXED, MANY, ABOVE = (
    "paired t test", "sign flips", "moderated t test", "mixed model", "many-to-one", "probability of improvement",
)  # fmt: skip


@dataclass(frozen=True)
class Way:
    """One analysis: the difference in points (of ABOVE a probability), its interval, p and degrees of freedom.

    `shown`: whether it shows a difference at the study's α; None where so few pairs could not, or nothing was tested.
    """

    name: str
    value: float
    low: float
    high: float
    p: float
    freedom: float
    shown: bool | None
    least: float = 0.0  # the smallest p that so many pairs can give


@dataclass(frozen=True)
class Asked:
    """One question with all its analyses; `primary` where the study named it so."""

    name: str
    primary: bool
    n: int
    methods: tuple[str, ...]
    ways: tuple[Way, ...]

    @property
    def agree(self) -> bool:
        return len({way.shown for way in self.ways} - {None}) < 2


@dataclass(frozen=True)
class _Data:
    """`frame`: differences, a row a search seed, a column a snapshot; `weights` of the snapshots; the sides' runs."""

    asked: Mapping[str, Any]
    primary: bool
    frame: pd.DataFrame
    weights: np.ndarray
    own: np.ndarray
    other: np.ndarray
    methods: tuple[str, ...]
    seen: bool  # False: no planned look sees a pair of it

    @property
    def name(self) -> str:
        return primary.name(self.asked)

    @property
    def content(self) -> tuple[object, ...]:
        """Equal for questions that are one, whatever their names."""
        return self.methods, tuple(self.weights)

    @property
    def values(self) -> np.ndarray:
        """One difference a search seed, NaN where a snapshot that counts is missing."""
        return np.asarray(_weighted(self.frame, self.weights))


def several(results: Results, table: Sequence[Line], decided: Compared) -> list[Asked]:
    """The primary question, then each method over its snapshots against its twins and against the baseline.

    Of planned looks they see what the tests that decide have seen: nothing before the first.
    """
    sides, fixed = Sides(results, table), rules(results)
    made = [_data(results, sides, table, one, _seeds(one, decided)) for one in _questions(results, table)]
    distinct: dict[object, _Data] = {}
    for one in filter(None, made):
        distinct.setdefault(one.content, one)  # the primary one comes first, and stays
    data = [one for one in distinct.values() if one.seen]
    varied = [one for one in data if not isnan(mean_interval(one.values).p)]
    found = moderated([one.values for one in varied], fixed.level) if varied else []
    second = {one.name: own for one, own in zip(varied, found, strict=True)}
    many = {name: found for base in _baselines(table).values() for name, found in _many(data, base, fixed)}
    out = []
    for one in data:
        own = second.get(one.name)
        ways = [*_usual(one, fixed), *([_way(MODERATED, own, own.freedom, fixed)] if own else []), *_joint(one, fixed)]
        ways += [_way(MANY, many[one.name], many[one.name].n - 1, fixed)] if one.name in many else []
        n = int((~np.isnan(one.values)).sum())
        out.append(Asked(one.name, one.primary, n, one.methods, (*ways, _above(one, fixed))))
    return out


def disagreements(found: Sequence[Asked]) -> list[str]:
    """A sentence for each question on which the analyses disagree."""
    return [
        f"{one.name}: a difference is shown by {_listed(one, True)}, not by {_listed(one, False)}. "
        f"{_deciding(one)}; the answer hangs on the analysis. How often each errs: docs/reviewers.md."
        for one in found
        if not one.agree
    ]


def _deciding(one: Asked) -> str:
    return f"The {T} decides by protocol" if one.primary else f"The {T} and the {MODERATED} of its table decide"


def _listed(one: Asked, shown: bool) -> str:
    return ", ".join(way.name for way in one.ways if way.shown is shown)


def _baselines(table: Sequence[Line]) -> dict[str, str]:
    """Data set or study, as the methods' names have it in front, → its baseline."""
    return {line.method.rpartition("/")[0]: line.method for line in table if line.role == "baseline"}


def _many(data: Sequence[_Data], base: str, fixed: Rules) -> Iterator[tuple[str, Estimate]]:
    """All methods against one baseline, by the question's name."""
    against = [one for one in data if one.asked["against"] == base
               and (one.asked["at"] in ("mean", None) or one.frame.shape[1] == 1)]  # fmt: skip
    if len(against) > 1:
        found = many_to_one.many_to_one([_by_seed(one, against) for one in against], fixed.level)
        yield from zip((one.name for one in against), found, strict=True)


def _questions(results: Results, table: Sequence[Line]) -> Iterator[Mapping[str, Any]]:
    """Each once, as a study names its primary one."""
    first = results.study.get("primary")
    names = dict.fromkeys(line.label for line in table if line.role == "method" and not line.best_of)
    twins = {line.label for line in table if line.twin}
    asked = [{"method": name, "against": "twins", "at": "mean"} for name in names if name in twins]
    bases = {name: _baselines(table).get(name.rpartition("/")[0]) for name in names}
    asked += [{"method": name, "against": base, "at": "mean"} for name, base in bases.items() if base]
    if first:
        first = primary.placed(first)
        first = {**first, "against": first.get("against", "twins"), "at": first.get("at") or "mean", "primary": True}
        yield first
    yield from (one for one in asked if not first or primary.name(one) != primary.name(first))


def _seeds(asked: Mapping[str, Any], decided: Compared) -> int | None:
    """The first ones, which the look sees that decides; None where no looks are planned."""
    return decided.primary.seeds if asked.get("primary") and decided.primary else decided.seeds


def _data(results: Results, sides: Sides, table: Sequence[Line], asked: Mapping[str, Any],
          seeds: int | None) -> _Data | None:  # fmt: skip
    """Of the first `seeds`, or of all. None where nothing of it can be compared."""
    fixed = results.first_rows if asked.get("primary") else None
    parts = primary.primary_questions({**asked, "at": "mean"}, table, fixed)
    if not parts or not all(sides.same_data(part.first, part.second) for part in parts):
        return None
    whole = [sides.pairs(part) for part in parts]
    pairs = whole if seeds is None else [pair.below(seeds) for pair in whole]
    at = [next((line.search_epochs for line in table if line.method == part.first), None) for part in parts]
    weights = np.array([1.0 if asked["at"] in ("mean", epochs) else 0.0 for epochs in at])
    if not weights.any():
        return None
    weights = weights / weights.sum()
    own, other = (_weighted(_side(pairs, side), weights) for side in ("own", "other"))
    methods = tuple(dict.fromkeys(method for pair in pairs for method in pair.methods))
    frame = pd.DataFrame({n: pair.differences for n, pair in enumerate(pairs)})
    asked = {**asked, "at": asked["at"] if len(parts) > 1 or asked["at"] != "mean" else None}
    seen = seeds is None or bool(frame.notna().to_numpy().any())
    return _Data(asked, bool(asked.get("primary")), frame, weights, own, other, methods, seen)


def _side(pairs: Sequence[Pairs], side: str) -> pd.DataFrame:
    return pd.DataFrame({n: pair.frame[side] for n, pair in enumerate(pairs)})


def _weighted(frame: pd.DataFrame, weights: np.ndarray) -> np.ndarray:
    return np.asarray(frame.to_numpy()[:, weights > 0] @ weights[weights > 0])


def _by_seed(one: _Data, others: Sequence[_Data]) -> np.ndarray:
    """Its differences in the order of the seeds that any has."""
    seeds = sorted({seed for other in others for seed in other.frame.index})
    return np.asarray(pd.Series(one.values, one.frame.index).reindex(seeds))


def _usual(one: _Data, fixed: Rules) -> Iterator[Way]:
    t, flips = mean_interval(one.values, fixed.level), sign_flip(one.values)
    yield _way(T, t, t.n - 1, fixed)
    able = flips.n > 0 and flips.least * fixed.times <= fixed.alpha
    shown = flips.p * fixed.times <= fixed.alpha if able else None
    yield Way(FLIPS, flips.statistic, nan, nan, flips.p, nan, shown, flips.least)


def _joint(one: _Data, fixed: Rules) -> Iterator[Way]:
    """Where there are several snapshots."""
    if one.frame.shape[1] > 1:
        found = mixed.contrast(one.frame.to_numpy(), one.weights, fixed.level)
        yield _way(MIXED, found, found.freedom, fixed)


def _above(one: _Data, fixed: Rules) -> Way:
    found = improvement.improvement(one.own, one.other, fixed.level)
    shown = found.shown if found.low == found.low else None
    return Way(ABOVE, found.value, found.low, found.high, nan, nan, shown)


def _way(name: str, found: Any, freedom: float, fixed: Rules) -> Way:
    shown = bool(found.p * fixed.times <= fixed.alpha) if found.p == found.p else None
    return Way(name, found.value, found.low, found.high, found.p, freedom, shown)
