"""From trials to cells: a mean over training seeds within each search seed, then mean and spread over search seeds."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np
import pandas as pd

from analysis.results.outcomes import FAILURES, FINAL, outcomes
from analysis.results.rows import Results, Spent
from analysis.statistics.components import Components, components
from analysis.statistics.rates import Rate, failure_rate


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation (ddof 1) over `n` search seeds, and the keys of the rows behind them."""

    mean: float
    std: float
    n: int
    keys: tuple[str, ...]


NOTHING = Spread(nan, nan, 0, ())


@dataclass(frozen=True)
class State:
    """How far the trainings of one table row are; `planned` is 0 where the study has no plan."""

    planned: int
    done: int
    troubles: Mapping[str, int]

    @property
    def unfinished(self) -> bool:
        return self.planned - self.done > sum(self.troubles.get(status, 0) for status in FINAL)

    @property
    def failures(self) -> Rate:
        """How many of the runs that ended failed."""
        failed = sum(self.troubles.get(status, 0) for status in FAILURES)
        return failure_rate(failed, self.done + failed)

    def __str__(self) -> str:
        parts = [f"{self.done}/{self.planned} runs"] if self.unfinished else []
        return ", ".join([*parts, *(f"{n} {status}" for status, n in sorted(self.troubles.items()))])


def done(trials: pd.DataFrame) -> pd.DataFrame:
    return trials[trials["status"] == "done"]


def by_seed(trials: pd.DataFrame, column: str) -> pd.Series:
    """Mean of `column` over training seeds and twins, one value a search seed; rows without a number are left out."""
    return done(trials).dropna(subset=[column]).groupby("seed")[column].mean()


def spread(trials: pd.DataFrame, column: str) -> Spread:
    """Mean and spread of `column` over search seeds; n = 0 where no row is done."""
    finished = done(trials).dropna(subset=[column])
    return summary(by_seed(trials, column), sorted(finished["key"]))


def counted(trials: pd.DataFrame) -> Spread:
    """Of accuracy over search seeds, where failed trainings count with that of guessing."""
    found = outcomes(trials)
    return summary(found.groupby("seed")["outcome"].mean(), sorted(found["key"]))


def summary(values: Iterable[float], keys: Iterable[str]) -> Spread:
    numbers = np.array([*values], dtype=float)
    mean = float(numbers.mean()) if len(numbers) else nan
    equal = len(numbers) > 1 and bool((numbers == numbers[0]).all())  # exactly: rounding would leave a trace
    std = 0.0 if equal else float(numbers.std(ddof=1)) if len(numbers) > 1 else nan
    return Spread(mean, std, len(numbers), tuple(keys))


def state(trials: pd.DataFrame, planned: int) -> State:
    """What is done and in trouble among `planned` trainings."""
    counts = Counter(trials["status"])
    return State(planned, counts.pop("done", 0), dict(counts))


def planned(plan: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """How many final trainings the plan holds for each table row."""
    trained = (job for job in plan if job.get("kind") == "train")
    return Counter(method for job in trained for method in job.get("methods") or [job.get("method")])


def parts(trials: pd.DataFrame) -> Components | None:
    """Spread of accuracy between searches and between trainings of one; None where they are not separable."""
    finished = done(trials).dropna(subset=["test_accuracy"])
    each = finished.groupby(["seed", "train_seed"])["test_accuracy"].mean()
    return components([values.to_numpy() for _, values in each.groupby(level="seed")])


def costs(results: Results, own: pd.DataFrame, search_epochs: int | None) -> dict[str, Spread]:
    """Device-seconds to find and train one network, over search seeds, by kind of trial and as `cost` in all.

    A mean training and all that it needed, each once; a search that went on after the snapshot counts for the part of
    its epochs, warm-up among them, up to the snapshot.
    """
    finished = done(own).dropna(subset=["device_seconds"])
    trained: dict[float, list[tuple[float, tuple[str, ...]]]] = {}
    for seed, seconds, needs in zip(finished["seed"], finished["device_seconds"], finished["needs"], strict=True):
        trained.setdefault(seed, []).append((seconds, needs))
    seeds, keys = [], [*finished["key"]]
    for _, runs in sorted(trained.items()):
        needed = ancestors(results.spent, (needs for _, needs in runs))
        spent = _by_kind((results.spent[key] for key in needed), search_epochs)
        spent["train"] = spent.get("train", 0.0) + sum(seconds for seconds, _ in runs) / len(runs)
        seeds.append(spent)
        keys += needed
    kinds = sorted({kind for spent in seeds for kind in spent})
    out = {kind: summary([spent.get(kind, 0.0) for spent in seeds], sorted(keys)) for kind in kinds}
    return {**out, "cost": summary([sum(spent.values()) for spent in seeds], sorted(keys))}


def _by_kind(trials: Iterable[Spent], search_epochs: int | None) -> dict[str, float]:
    """Device-seconds of the trials, searches up to the snapshot."""
    spent: dict[str, float] = {}
    for trial in trials:
        used = (search_epochs or 0) + trial.warmup_epochs
        shorter = search_epochs and trial.kind == "search" and used < trial.epochs
        part = used / trial.epochs if shorter else 1.0
        spent[trial.kind] = spent.get(trial.kind, 0.0) + trial.device_seconds * part
    return spent


def ancestors(spent: Mapping[str, Spent], needs: Iterable[Iterable[str]]) -> list[str]:
    """Keys of all rows that these depend on, directly or not."""
    waiting, seen = [key for keys in needs for key in keys], set()
    while waiting:
        key = waiting.pop()
        if key not in seen and key in spent:
            seen.add(key)
            waiting += spent[key].needs
    return sorted(seen)
