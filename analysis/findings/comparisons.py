"""The study's comparisons: the primary one by itself; with twins, with each other and of gains as one family.

All pair by pair of equal seeds, data and splits; failed trainings count with the accuracy of guessing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import nan

from analysis.findings.asked import asked_of
from analysis.findings.family_tests import Judged, judge, looked
from analysis.findings.rules import Rules, rules
from analysis.findings.spreads import Spread, own_spread, spreads
from analysis.findings.verdicts import ALONE, UNUSUAL, WORDS, inconclusive, verdict
from analysis.results.aggregate import done
from analysis.results.pairs import Pairs
from analysis.results.rows import Results
from analysis.results.table import Line
from analysis.statistics import effects
from analysis.statistics.effects import Effect
from analysis.statistics.equivalence import tost
from analysis.statistics.fieller import relative_improvement
from analysis.statistics.paired import Estimate, mean_interval, paired
from analysis.statistics.power import Needed, needed, smallest_effect

NAMES = {"primary": "{}", "twins": "its twins", "pair": "{}", "gain": "that of {}"}  # of the second side


@dataclass(frozen=True)
class Comparison:
    """`method` minus `against` over search seeds, in points of accuracy."""

    kind: str  # primary, twins, pair or gain
    status: str  # primary, confirmatory or exploratory
    method: str
    against: str
    difference: Estimate
    adjusted: float  # p over family and looks: that of the primary one over looks alone
    moderated: float  # the same of the moderated p; NaN for the primary one
    moderated_raw: float
    low: float  # interval that holds for all of the family at once (Bonferroni)
    high: float
    effect: Effect  # Hedges's g
    improvement: Estimate  # relative, percent; NaN of a gain, whose difference has no ratio
    missing: int  # seeds that have no complete pair
    refused: tuple[float, ...]  # seeds whose sides saw different images
    failures: int  # trainings that count with the accuracy of guessing
    without: Estimate | None  # with them left out, where there are any
    needed: Needed  # seeds that would show the study's smallest effect
    equivalence: float  # p of two one-sided tests, times the family and looks; NaN where no margin was fixed
    finds: float  # points that so many pairs find four times in five
    significant: bool
    inconclusive: bool
    verdict: str
    methods: tuple[str, ...]  # the table rows that it comes from
    keys: tuple[str, ...]
    seeds: int | None  # first ones that p comes from; None where no looks are planned
    pairs: Pairs = field(repr=False)


@dataclass(frozen=True)
class Compared:
    primary: Comparison | None
    twins: dict[str, Comparison]
    pairs: list[Comparison]
    gains: list[Comparison]  # that one of two methods is shown to beat its twins does not make its gain the larger
    size: int  # comparisons of the family, those that were planned and are gone among them
    lost: int  # of these
    seeds: int | None = None  # first ones that the look taken last sees; None where no looks are planned
    unanswered: str = ""  # why the primary question that was named has no comparison

    @property
    def secondary(self) -> list[Comparison]:
        return [c for c in (*self.twins.values(), *self.pairs, *self.gains) if c is not self.primary]

    @property
    def every(self) -> list[Comparison]:
        return ([self.primary] if self.primary else []) + self.secondary


def compared(results: Results, table: Sequence[Line]) -> Compared:
    """All of them, judged: the primary one at α, then the others as one family at α."""
    asked = asked_of(results, table)
    fixed, family_ = rules(results), [asked.sides.pairs(question) for question in asked.secondary]
    first = None
    if asked.primary:
        study = Study(results, fixed, 1, True)
        (one,) = judge([asked.primary], fixed, alone=True)
        seen = one.pairs or asked.primary
        first = _comparison(study, seen, one, own_spread(seen))
    confirms = first is not None and first.status == "primary" and first.significant
    study = Study(results, fixed, len(family_) + asked.lost, confirms)
    judged = judge(family_, fixed, asked.lost)
    shown = [one.pairs or pairs for pairs, one in zip(family_, judged, strict=True)]
    found = [_comparison(study, *each) for each in zip(shown, judged, spreads(shown), strict=True)]
    of_kind = {kind: [c for c in found if c.kind == kind] for kind in ("twins", "pair", "gain")}
    if first and asked.single:
        of_kind[asked.single].insert(0, first)
    twins = {c.method: c for c in of_kind["twins"]}
    ordered = {line.method: twins[line.method] for line in table if line.method in twins}
    seeds = max((one.seeds for one in judged if one.seeds is not None), default=first.seeds if first else None)
    return Compared(first, ordered, of_kind["pair"], of_kind["gain"], study.size, asked.lost, seeds, asked.unanswered)


def still_open(results: Results, table: Sequence[Line]) -> tuple[int, list[str]]:
    """How many of the study's looks its rows allow, and the methods whose comparison with twins, or the primary one,
    is open after them."""
    fixed = rules(results)
    planned = replace(fixed, looks=tuple(results.study.get("looks") or ()))
    asked = asked_of(results, table)
    family_ = [asked.sides.pairs(question) for question in asked.secondary]
    look, decisions = looked(family_, planned, asked.lost) if family_ else (0, [])
    still = [p.sides[0] for p, d in zip(family_, decisions, strict=True) if p.kind == "twins" and not d.rejected]
    if asked.primary:
        own, (decision,) = looked([asked.primary], planned, 0, alone=True)
        look = min(look, own) if any(p.kind == "twins" for p in family_) else own
        still += [] if decision.rejected else asked.primary.methods[: 1 if asked.primary.twins else 2]
    return look, list(dict.fromkeys(still))


@dataclass(frozen=True)
class Study:
    """What a family's comparisons share."""

    results: Results
    fixed: Rules
    size: int
    confirms: bool  # as far as planned: whether rows of a comparison were new is its own


def _comparison(study: Study, pairs: Pairs, judged: Judged, spread: Spread) -> Comparison:
    fixed, frame, estimate = study.fixed, pairs.frame, judged.estimate
    strictest = fixed.alpha / fixed.times / max(1, study.size)
    finds = smallest_effect(spread.std, estimate.n, strictest) if estimate.n > 1 else nan
    simultaneous = mean_interval(pairs.differences, 1 - strictest)
    equivalence = _equivalence(study, pairs)
    equal = equivalence <= fixed.alpha
    open_ = judged.seen and not equal and inconclusive(estimate, judged.significant, fixed.negligible)
    confirms = study.confirms and study.results.may_confirm(pairs.methods)
    status = "exploratory" if not confirms else "primary" if pairs.kind == "primary" else "confirmatory"
    return Comparison(
        pairs.kind, status, *pairs.sides, estimate, judged.adjusted, judged.moderated, judged.moderated_raw,
        simultaneous.low, simultaneous.high,
        effect=effects.hedges_g(frame["own"], frame["other"], fixed.level),
        improvement=_improvement(pairs, fixed.level),
        missing=int(frame.isna().any(axis=1).sum()) - len(pairs.refused),
        refused=pairs.refused,
        failures=pairs.failures,
        without=paired(pairs.bare["own"], pairs.bare["other"], fixed.level) if pairs.failures else None,
        needed=needed(fixed.smallest, *spread, strictest),
        equivalence=equivalence,
        finds=finds,
        significant=judged.significant,
        inconclusive=open_,
        verdict=_verdict(study, pairs, judged, finds, equal, exploratory=not confirms),
        methods=pairs.methods,
        keys=_keys(study.results, pairs.methods),
        seeds=judged.seeds,
        pairs=pairs,
    )  # fmt: skip


def _improvement(pairs: Pairs, level: float) -> Estimate:
    if pairs.kind == "gain":
        return mean_interval([])
    return relative_improvement(pairs.frame["own"], pairs.frame["other"], level)


def _verdict(study: Study, pairs: Pairs, judged: Judged, finds: float, equal: bool, exploratory: bool) -> str:
    if not judged.seen:
        return f"not tested: {'the look sees none of its pairs' if judged.seeds else 'the first look is not reached'}"
    second = NAMES["twins"] if pairs.twins else NAMES[pairs.kind].format(pairs.sides[1])
    return verdict(
        judged.estimate, judged.significant, finds, second,
        words=("larger", "smaller") if pairs.kind == "gain" else WORDS,
        margin=study.fixed.negligible,
        unmoderated=unmoderated_why(judged) if pairs.kind != "primary" and judged.adjusted <= study.fixed.alpha else "",
        exploratory=exploratory,
        decided=judged.decided,
        equal=equal,
    )  # fmt: skip


def unmoderated_why(judged: Judged) -> str:
    """Why a difference that the t test calls significant is not: the moderated one took its spread for too small, or
    found other p smaller, so that Holm's method asks more of this one."""
    return UNUSUAL if judged.moderated_raw > judged.estimate.p else ALONE


def _equivalence(study: Study, pairs: Pairs) -> float:
    if not study.fixed.margin:
        return nan
    found = tost(pairs.frame["own"], pairs.frame["other"], study.fixed.margin, study.fixed.alpha)
    return min(1.0, found.p * study.fixed.times * max(1, study.size)) if found.p == found.p else nan


def _keys(results: Results, methods: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(key for method in methods for key in done(results.trainings(method))["key"]))
