"""Tuned recipes: Optuna's samplers, asked again from the rows at every trial.

Trial i is asked after exactly the results up to i - lag, by a sampler that starts from (seed, i), and is pruned
against those results alone. So the rows are the whole state, and the same seed gives the same history however many
trials run at once, after any fault.
"""

import json
import math
import warnings
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from harness.errors import ODD, BadInput, first_line
from harness.plan.settings import Settings
from harness.seeding import stream
from harness.study.ranges import PLACES, Range, Ranges, exists, grid, in_order
from harness.vocabulary.kinds import Kind
from harness.vocabulary.rows import Status

Row = Mapping[str, Any]


def ask(spec: Settings, index: int, seen: Sequence[Row], seed: int) -> Settings:
    """The values that trial `index` tries, dotted field → value; `seen` are the rows of trials 0 to index - lag."""
    ranges = spec["ranges"]
    if spec["sampler"] == "grid":
        return grid(ranges, seed)[index]
    start = stream(seed, index, "tuning") % 2**32  # what numpy takes
    trial = history(spec, seen, sampler=_sampler(spec, start)).ask()
    found: Settings = {}
    for name in in_order(ranges):
        if exists(ranges[name], found):
            found[name] = _suggest(trial, name, ranges[name])
    return found


def history(spec: Settings, rows: Sequence[Row], **more: Any) -> Any:
    """The `optuna.Study` with `rows` as its trials, in their order; `more` goes to `optuna.create_study`.

    Raises BadInput where a row's values are not of these ranges.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", **more)
    for settings in [row["settings"] for row in rows][:1]:
        study.set_user_attr("trains", _trained(spec["ranges"], settings))
    for row in sorted(rows, key=lambda row: row["settings"]["index"]):
        try:
            study.add_trial(_as_trial(spec["ranges"], row))
        except ODD as error:
            raise BadInput(f"row {row['key']} is none of a tuning's trial ({first_line(error)}); "
                           "mend or remove its line in trials.jsonl") from None  # fmt: skip
    return study


def _trained(ranged: Collection[str], settings: Settings) -> str:
    """What the trials of a tuning train, but for the fields that it ranges over, as text: only where this is equal can
    tunings be compared."""
    recipe = {f"{name}.{part}": value for name, whole in settings.get("recipe", {}).items()
              for part, value in (whole.items() if isinstance(whole, dict) else [("", whole)])
              if not {name, f"{name}.{part}"} & {*ranged}}  # fmt: skip
    rest = {name: settings.get(name) for name in ("space", "space_options", "data", "source", "architecture")}
    return json.dumps({**rest, "recipe": recipe}, sort_keys=True, default=str)


def thresholds(settings: Settings, seen: Sequence[Row]) -> dict[str, float]:
    """Epoch (as text) → validation accuracy below which a trial is pruned after that epoch; at other epochs it is not.

    Never before `pruner_warmup_epochs`, never after the last epoch, and not while fewer than `startup_trials` are done.
    `median`: the median of the done trials at that epoch (Golovin et al. 2017; Optuna's MedianPruner,
    where a trial's newest accuracy is its best). `halving`: at epochs w·η^k, w the warm-up, the accuracy that puts a
    trial among the best 1/η of those that came so far (asynchronous successive halving: Li et al. 2020, algorithm 2;
    Optuna's SuccessiveHalvingPruner exactly).
    """
    spec = settings["tuning"]
    done = [row for row in seen if row["status"] == Status.DONE]
    if spec["pruner"] == "none" or len(done) < max(1, spec["startup_trials"]):
        return {}
    epochs, first = settings["recipe"]["epochs"], max(1, spec["pruner_warmup_epochs"])
    if spec["pruner"] == "median":
        found = {epoch: _median(_accuracies(done, epoch)) for epoch in range(first, epochs)}
    else:
        judged = [row for row in seen if row["status"] in (Status.DONE, Status.PRUNED)]
        eta = spec["pruner_reduction"]
        found = {epoch: _promoted(_accuracies(judged, epoch), eta) for epoch in _rungs(first, eta, epochs)}
    return {str(epoch): limit for epoch, limit in found.items() if limit is not None}


def prunes(settings: Settings, epoch: int, accuracy: float) -> bool:
    """Whether a trial of these settings, which hold its `thresholds`, ends after `epoch` with that accuracy."""
    limit = (settings.get("thresholds") or {}).get(str(epoch))
    return limit is not None and accuracy < limit


def _distribution(span: Range) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if span["choices"]:
        return CategoricalDistribution(list(span["choices"]))
    if span["integer"]:
        return IntDistribution(int(span["low"]), int(_last(span)), span["log"], int(span["step"] or 1))
    return FloatDistribution(span["low"], _last(span), span["log"], span["step"])


def _last(span: Range) -> float:
    """The last value that whole steps reach, and `high` where that is it."""
    low, high, step = float(span["low"]), float(span["high"]), span["step"]
    if not step:
        return high
    last = round(low + math.floor((high - low) / step + 1e-9) * step, PLACES)
    return high if abs(last - high) < 10.0**-PLACES else last


def _suggest(trial: Any, name: str, span: Range) -> Any:
    over = _distribution(span)
    if span["choices"]:
        return trial.suggest_categorical(name, over.choices)
    suggest = trial.suggest_int if span["integer"] else trial.suggest_float
    more = {"step": over.step} if over.step else {}
    found = suggest(name, over.low, over.high, log=over.log, **more)
    return round(found, PLACES) if span["step"] else found  # 0.3 and not 0.30000000000000004


def _as_trial(ranges: Ranges, row: Row) -> Any:
    """A row as Optuna's trial: pruned ones with what they had reached, failed and diverged ones without a value."""
    from optuna.trial import TrialState, create_trial

    asked = row["settings"].get("asked", {})
    curve = {p["epoch"]: p["val_accuracy"] for p in row["curve"] if p.get("val_accuracy") is not None}
    states = {Status.DONE.value: TrialState.COMPLETE, Status.PRUNED.value: TrialState.PRUNED}
    state = states.get(row["status"], TrialState.FAIL) if row["val_accuracy"] is not None else TrialState.FAIL
    trial = create_trial(
        state=state, value=None if state == TrialState.FAIL else row["val_accuracy"], params=asked,
        distributions={name: _distribution(ranges[name]) for name in asked}, intermediate_values=curve,
        user_attrs={"key": row["key"], "status": row["status"], "device_seconds": row["device_seconds"]},
    )  # fmt: skip
    if row["started"] and row["finished"]:
        trial.datetime_start, trial.datetime_complete = _time(row["started"]), _time(row["finished"])
    return trial


def _time(text: str) -> datetime:
    """UTC without its zone, as Optuna's storages keep it."""
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def _sampler(spec: Settings, seed: int) -> Any:
    """Every argument of TPE is stated, as Optuna changes defaults; for the ones that it will drop it warns."""
    from optuna.samplers import RandomSampler, TPESampler

    if spec["sampler"] == "random":
        return RandomSampler(seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return TPESampler(
            seed=seed, n_startup_trials=spec["startup_trials"], n_ei_candidates=spec["candidates"], multivariate=True,
            group=True, constant_liar=False, constraints_func=None, gamma=lambda n: _good(spec["good_part"], n),
            weights=_weights, consider_prior=True, prior_weight=1.0, consider_magic_clip=True,
            consider_endpoints=False, warn_independent_sampling=False,
        )  # fmt: skip


def _good(part: float, trials: int) -> int:
    """How many of the ended trials TPE takes for good ones (Watanabe 2023: the linear split)."""
    return min(math.ceil(part * trials), 25)


def _weights(trials: int) -> np.ndarray:
    """Of the ended trials, oldest first: the newest 25 count in full (Bergstra et al. 2013)."""
    return np.concatenate([np.linspace(1 / max(trials, 1), 1, max(trials - 25, 0)), np.ones(min(trials, 25))])


def _accuracies(rows: Sequence[Row], epoch: int) -> list[float]:
    """Validation accuracies after `epoch`, of the trials that came so far."""
    reached = [row["curve"][epoch - 1]["val_accuracy"] for row in rows if len(row["curve"]) >= epoch]
    return [value for value in reached if value is not None]


def _median(reached: list[float]) -> float | None:
    return float(np.median(reached)) if reached else None


def _promoted(reached: list[float], eta: int) -> float | None:
    """The least accuracy that is among the best 1/eta of `reached` and itself; at least the best one goes on."""
    best = max(1, (len(reached) + 1) // eta)
    return sorted(reached, reverse=True)[best - 1] if len(reached) >= best else None


def _rungs(first: int, eta: int, epochs: int) -> list[int]:
    rungs = [first]
    while rungs[-1] * eta < epochs:
        rungs.append(rungs[-1] * eta)
    return [rung for rung in rungs if rung < epochs]


Studies = dict[str, dict[int, Any]]  # tuning → seed → optuna.Study


def studies(rows: Iterable[Row], storage: Any = None) -> Studies:
    """Every tuning and repetition as an Optuna study, named `tuning-seed`, in memory or in `storage`.

    `rows` are those of a study's plan; only tuning trials among them matter. Random search, the reference, comes last.
    """
    grouped: dict[tuple[str, int], list[Row]] = {}
    for row in rows:
        if row["kind"] == Kind.TUNE:
            for name in row["methods"]:
                grouped.setdefault((name, row["seed"]), []).append(row)
    out: Studies = {}
    specs = {place: own[0]["settings"]["tuning"] for place, own in grouped.items()}
    for name, seed in sorted(grouped, key=lambda place: (specs[place]["sampler"] == "random", place)):
        spec, own = specs[name, seed], grouped[name, seed]
        out.setdefault(name, {})[seed] = history(spec, own, study_name=f"{name}-{seed}", storage=storage)
    return out
