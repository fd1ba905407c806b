"""What is compared with what, and by which pairs: equal seeds, equal data, equal splits; failures count as guessing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import Any, Literal, NamedTuple

import pandas as pd

from analysis.results.outcomes import failing, outcomes
from analysis.results.rows import Results
from analysis.results.table import Line, family
from analysis.statistics.paired import differences

Kind = Literal["primary", "twins", "pair", "gain"]


@dataclass(frozen=True)
class Pairs:
    """Columns `own` and `other` per search seed, NaN where there is no complete pair of equal split."""

    kind: Kind
    sides: tuple[str, str]
    frame: pd.DataFrame  # failures count with the accuracy of guessing
    bare: pd.DataFrame  # failures are left out
    refused: tuple[float, ...]  # seeds whose sides saw different images
    failed: tuple[float, ...]  # the seed of each failed training of either side
    methods: tuple[str, ...]  # the table rows that it comes from
    data: str  # that both sides are of, as `data_sets.text`
    twins: bool = False  # the second side is the first one's twins

    @cached_property
    def differences(self) -> pd.Series:
        return _above(self.frame)

    @property
    def failures(self) -> int:
        return len(self.failed)

    def below(self, seeds: int) -> "Pairs":
        """Those of the first `seeds` search seeds: what a look at them sees."""
        frame, bare = (table[table.index < seeds] for table in (self.frame, self.bare))
        refused, failed = (tuple(seed for seed in each if seed < seeds) for each in (self.refused, self.failed))
        return replace(self, frame=frame, bare=bare, refused=refused, failed=failed)


class Question(NamedTuple):
    kind: Kind
    first: str
    second: str


def questions(rows: Sequence[Mapping[str, Any]]) -> list[Question]:
    """Every secondary comparison of a table's rows: with twins, with each other, and gains over twins."""
    twins = [Question("twins", row["method"], row["twin"]) for row in rows if row.get("twin")]
    pairs = [Question("pair", one["method"], other["method"]) for one, other in combinations(rows, 2)
             if _comparable(one, other)]  # fmt: skip
    matched = [row for row in rows if row.get("twin")]
    gains = [
        Question("gain", one["method"], other["method"])
        for one, other in combinations(matched, 2)
        if family(one["method"]) != family(other["method"])
        and _comparable(one, other)
        and len({one.get("search_epochs"), other.get("search_epochs")} - {None}) < 2
    ]
    return [*twins, *pairs, *gains]


def _comparable(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """The best of k searches stands beside the best of k others, and beside what needs no search: one search of equal
    seed number would not be its pair, nor have its budget."""
    return one.get("best_of") == other.get("best_of") or "baseline" in (one.get("role"), other.get("role"))


def row_of(line: Line) -> dict[str, Any]:
    """What `questions` reads of a table row."""
    return {"method": line.method, "twin": line.twin, "search_epochs": line.search_epochs, "role": line.role,
            "best_of": line.best_of}  # fmt: skip


class Sides:
    """The trainings of a report's table rows, each looked up once."""

    def __init__(self, results: Results, table: Sequence[Line]) -> None:
        self._results = results
        self._twins = {line.method: line.twin for line in table}
        self._lines = table
        self._found: dict[str, pd.DataFrame] = {}
        self._known: dict[str, tuple[pd.Series, pd.Series]] = {}

    @cached_property
    def _jobs(self) -> dict[str, set[str]]:
        """Method → the keys of its trainings, as planned."""
        found: dict[str, set[str]] = {}
        for job in self._results.study.get("plan") or ():
            for method in job.get("methods") or [job.get("method")]:
                if job.get("kind") == "train":
                    found.setdefault(method, set()).add(job["key"])
        return found

    def distinct(self) -> list[Line]:
        """The lines without those whose trainings another one holds as well: shared rows are compared once."""
        kept: list[Line] = []
        for line in sorted(self._lines, key=lambda line: -len(self._jobs.get(line.method, ()))):
            if not any(self._within(line.method, other.method) for other in kept):
                kept.append(line)
        return [line for line in self._lines if line in kept]

    def other_twins(self) -> list[Question]:
        """With twins, of lines that are not `distinct`, where no line before has both their trainings and twins."""
        kept, found = self.distinct(), []
        for line in self._lines:
            if line in kept or not line.twin:
                continue
            if not any(self._within(line.method, other.method) and other.twin
                       and self._within(line.twin, other.twin) for other in kept):  # fmt: skip
                kept.append(line)
                found.append(Question("twins", line.method, line.twin))
        return found

    def _within(self, method: str, other: str) -> bool:
        mine = self._jobs.get(method)
        return mine <= self._jobs.get(other, set()) if mine else False

    def same_data(self, first: str, second: str) -> bool:
        """Whether no row of one is of other data than those of the other."""
        return len({*self._trials(first)["data"].dropna(), *self._trials(second)["data"].dropna()}) < 2

    def pairs(self, question: Question) -> Pairs:
        make = {"twins": self._with_twins, "pair": self._with_method, "gain": self._gain}
        return make[question.kind](question.first, question.second)

    def primary(self, parts: Sequence[Pairs], sides: tuple[str, str]) -> Pairs:
        """One comparison of several: per search seed the mean over those parts, where the seed has all of them."""
        frame, bare = _mean([part.frame for part in parts]), _mean([part.bare for part in parts])
        refused = tuple(sorted({seed for part in parts for seed in part.refused}))
        methods = tuple(dict.fromkeys(method for part in parts for method in part.methods))
        return Pairs(
            "primary", sides, frame, bare, refused, self._failed(methods), methods, parts[0].data, parts[0].twins
        )

    def _failed(self, methods: Sequence[str]) -> tuple[float, ...]:
        trials = [self._trials(method) for method in methods]
        return tuple(float(seed) for own in trials for seed in own.loc[failing(own), "seed"])

    def _trials(self, method: str) -> pd.DataFrame:
        if method not in self._found:
            self._found[method] = self._results.trainings(method)
        return self._found[method]

    def _with_twins(self, method: str, twin: str) -> Pairs:
        own, twins = self._trials(method), self._trials(twin)
        frame, bare = (twin_pairs(own, twins, failures) for failures in (True, False))
        return self._checked("twins", (method, twin), frame, bare, (method, twin))

    def _with_method(self, first: str, second: str) -> Pairs:
        both = [self._means(first), self._means(second)]
        frame, bare = (pd.DataFrame({"own": own, "other": other}) for own, other in zip(*both, strict=True))
        return self._checked("pair", (first, second), frame, bare, (first, second))

    def _gain(self, first: str, second: str) -> Pairs:
        above = [self._with_twins(method, str(self._twins[method])) for method in (first, second)]
        frame, bare = (
            pd.DataFrame({"own": _above(one), "other": _above(two)})
            for one, two in ((above[0].frame, above[1].frame), (above[0].bare, above[1].bare))
        )
        methods = (first, second, *(str(self._twins[method]) for method in (first, second)))
        return self._checked("gain", (first, second), frame, bare, methods)

    def _checked(self, kind: Kind, sides: tuple[str, str], frame: pd.DataFrame, bare: pd.DataFrame,
                 methods: tuple[str, ...]) -> Pairs:  # fmt: skip
        """Without the seeds at which any two of `methods` have different splits."""
        splits = pd.concat([self._trials(method)[["seed", "split"]] for method in methods]).dropna()
        counts = splits.groupby("seed")["split"].nunique()
        refused = [float(seed) for seed in counts.index[counts > 1] if seed in frame.index]
        for table in (frame, bare):
            table.loc[table.index.isin(refused), :] = float("nan")
        data = str(next(iter(self._trials(methods[0])["data"].dropna()), ""))
        return Pairs(kind, sides, frame, bare, tuple(refused), self._failed(methods), methods, data, kind == "twins")

    def _means(self, method: str) -> tuple[pd.Series, pd.Series]:
        """Per search seed, every one that has a row: the mean with failures counted, and without them."""
        if method not in self._known:
            trials = self._trials(method)
            with_failures, without = (
                outcomes(trials, failures).groupby("seed")["outcome"].mean().reindex(_seeds(trials))
                for failures in (True, False)
            )
            self._known[method] = with_failures, without
        return self._known[method]


def twin_pairs(own: pd.DataFrame, twins: pd.DataFrame, failures: bool = True) -> pd.DataFrame:
    """Columns `own` and `other` per search seed: means over the complete pairs of a searched network and its twins.

    Every seed that either has a row for is listed, NaN where it has no complete pair. `failures`: they count.
    """
    label = "pair" if own["pair"].notna().all() and twins["pair"].notna().all() else "train_seed"
    sides = [outcomes(trials, failures).groupby(["seed", label])["outcome"].mean() for trials in (own, twins)]
    complete = pd.DataFrame(dict(zip(("own", "other"), sides, strict=True))).dropna()
    return complete.groupby(level="seed").mean().reindex(_seeds(own).union(_seeds(twins)))


def _above(sides: pd.DataFrame) -> pd.Series:
    """`own` minus `other`."""
    return pd.Series(differences(sides["own"].to_numpy(), sides["other"].to_numpy()), sides.index)


def _seeds(trials: pd.DataFrame) -> pd.Index:
    seeds: pd.Index = pd.Index(sorted(set(trials["seed"].dropna())), dtype=float)
    return seeds


def _mean(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    seeds = frames[0].index
    for frame in frames[1:]:
        seeds = seeds.union(frame.index)
    return sum((frame.reindex(seeds) for frame in frames[1:]), frames[0].reindex(seeds)) / len(frames)
