"""Tunings as one frame of trials, and what they found. Takes Optuna studies; knows no file formats."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from math import log
from typing import Any

import numpy as np
import pandas as pd

from analysis.statistics.optimum import optimum
from analysis.statistics.paired import Estimate, paired

Studies = Mapping[str, Mapping[int, Any]]  # tuning → seed → optuna.Study
STATES = {"COMPLETE": "done", "PRUNED": "pruned", "FAIL": "failed"}


@dataclass(frozen=True)
class Best:
    """A field's best value by the fitted surface, with its interval; the ends of the range cut it off."""

    tuning: str
    field: str
    value: float
    low: float
    high: float
    cut_low: bool
    cut_high: bool
    n: int


@dataclass(frozen=True)
class Race:
    """One tuning against another after equally many trials: difference of the best accuracies so far, over seeds."""

    first: str
    second: str
    trials: int
    difference: Estimate
    cost_ratio: float  # device-seconds of the first over the second's


def trials(studies: Studies) -> pd.DataFrame:
    """One row a trial, by tuning, seed and number; `accuracy` on the validation split in percent, NaN unless done.

    `values` holds field → value, `curve` the accuracies after each epoch; `so_far` is the best accuracy of the
    repetition up to the trial, `spent` its device-seconds up to there; `trains` what is trained, but for these fields.
    """
    rows = [
        {"tuning": name, "seed": seed, "number": trial.number, "key": trial.user_attrs["key"],
         "status": STATES[trial.state.name], "accuracy": trial.value if trial.state.name == "COMPLETE" else np.nan,
         "device_seconds": float(trial.user_attrs["device_seconds"]), "values": trial.params,
         "curve": [trial.intermediate_values[epoch] for epoch in sorted(trial.intermediate_values)],
         "trains": study.user_attrs.get("trains", "")}
        for name, seeds in studies.items() for seed, study in seeds.items() for trial in study.trials
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["tuning", "seed", "number", "key", "status", "accuracy", "device_seconds",
                                        "values", "curve", "trains"])  # fmt: skip
    frame = frame.astype({"accuracy": float, "device_seconds": float})
    grouped = frame.groupby(["tuning", "seed"])
    frame["so_far"] = grouped["accuracy"].transform(lambda accuracy: np.fmax.accumulate(accuracy))
    frame["spent"] = grouped["device_seconds"].cumsum()
    return frame


def chosen(frame: pd.DataFrame) -> pd.DataFrame:
    """The best done trial of every repetition, the earliest among equals."""
    done = frame[frame["status"] == "done"].sort_values(["accuracy", "number"], ascending=[False, True])
    return done.groupby(["tuning", "seed"], sort=False).head(1).sort_values(["tuning", "seed"])


def distributions(studies: Studies) -> dict[str, Any]:
    """Field → Optuna's distribution, over all trials."""
    return {field: found for seeds in studies.values() for study in seeds.values() for trial in study.trials
            for field, found in sorted(trial.distributions.items())}  # fmt: skip


def numeric(spans: Mapping[str, Any]) -> list[str]:
    """Fields with an order and more than one value."""
    return [field for field, span in spans.items() if hasattr(span, "low") and span.low < span.high]


def unit(span: Any, value: float) -> float:
    """Where `value` lies in its range, from 0 to 1, on the range's own scale."""
    if span.log:
        return log(value / span.low) / log(span.high / span.low)
    return float((value - span.low) / (span.high - span.low))


def from_unit(span: Any, place: float) -> float:
    low, high = float(span.low), float(span.high)
    return float(low * (high / low) ** place if span.log else low + place * (high - low))


def best(frame: pd.DataFrame, spans: Mapping[str, Any], label: str) -> list[Best]:
    """Where the fitted surface over all numeric fields is highest, over the done trials in `frame`.

    Only trials that share the best trial's other fields count, and fields that all of these have. Empty where there
    are too few.
    """
    done = frame[frame["status"] == "done"]
    if done.empty:
        return []
    top = done.sort_values("accuracy")["values"].iloc[-1]
    fields = [field for field in numeric(spans) if field in top]
    fixed = {field: value for field, value in top.items() if field not in fields}
    alike = done[[fixed.items() <= values.items() and set(fields) <= set(values) for values in done["values"]]]
    points = np.array([[unit(spans[field], values[field]) for field in fields] for values in alike["values"]])
    found = optimum(points, alike["accuracy"].to_numpy(), alike["seed"].to_numpy()) if fields else None
    if found is None:
        return []
    return [
        Best(label, field, from_unit(spans[field], found.best[j]), from_unit(spans[field], found.low[j]),
             from_unit(spans[field], found.high[j]), bool(found.low[j] <= 0), bool(found.high[j] >= 1), found.n)
        for j, field in enumerate(fields)
    ]  # fmt: skip


def races(frame: pd.DataFrame, parts: int = 4) -> list[Race]:
    """Every pair of tunings that train the same, over the seeds that they share, at each of `parts` equal parts of
    their common trials."""
    out = []
    for first, second in combinations(dict.fromkeys(frame["tuning"]), 2):
        if frame[frame["tuning"].isin([first, second])]["trains"].nunique() > 1:
            continue
        a, b = ({seed: own for seed, own in frame[frame["tuning"] == name].groupby("seed")} for name in (first, second))
        shared = sorted(a.keys() & b.keys())
        both = min((min(len(a[seed]), len(b[seed])) for seed in shared), default=0)
        for count in sorted({round(both * part / parts) for part in range(1, parts + 1)} - {0}):
            ends = [pd.DataFrame([own[seed].iloc[count - 1] for seed in shared]) for own in (a, b)]
            cost = [float(end["spent"].sum()) for end in ends]
            difference = paired(ends[0]["so_far"], ends[1]["so_far"])
            out.append(Race(first, second, count, difference, cost[0] / cost[1] if cost[1] else np.nan))
    return out
