"""A planned job and the rows of what it needed → settings that can be run. Pure: the same rows, the same settings."""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

import numpy as np

from harness.errors import FROM_OUTSIDE, BadInput
from harness.plan import tuning
from harness.plan.facts import facts
from harness.plan.fitness import fitness
from harness.plan.jobs import Job
from harness.plan.next_query import asked_next
from harness.plan.range_ends import typed
from harness.plan.settings import Settings, by_table, epochs_before, in_full
from harness.plan.sources import (
    Asked,
    Baseline,
    Best,
    BestTwin,
    Evolved,
    OfTraining,
    Proposed,
    Ranked,
    Read,
    Sampled,
    Source,
    Twin,
    Winner,
    Written,
    from_json,
)
from harness.plan.twins import sample_twin
from harness.seeding import stream
from harness.study import ranges
from harness.study.schema import Recipe
from harness.study.validation import validated
from harness.vocabulary.rows import Outcome, Row, Status
from spaces import custom_rules
from spaces.plugins import function_fault, imported
from spaces.space import Architecture, Space

Rows = Mapping[str, Row]
SUGGESTED = "the suggested recipe"
PROPOSES = function_fault("source", "seen", "space", "rng")
Propose = Callable[[Mapping[str, Any], Sequence[Row], Space, Random], Architecture]


class Unbuildable(Exception):
    """There is nothing to train: the row's status, its reason and the `facts` of an architecture that is broken."""

    def __init__(self, status: str, reason: str, facts: Outcome | None = None) -> None:
        super().__init__(reason)
        self.status, self.reason, self.facts = status, reason, facts or Outcome()

    @property
    def outcome(self) -> Outcome:
        """What the row says."""
        return {**self.facts, "status": self.status, "error": self.reason}


def resolve(job: Job, rows: Rows, space: Space) -> Settings:
    """The job's settings with its `architecture` and its `recipe` as they came out.

    Raises Unbuildable where there is nothing to train.
    """
    settings = dict(job.settings)
    for key in () if epochs_before(settings) else job.reads:
        _finished(rows[key])
    if trials := settings.get("recipe_from"):
        settings["recipe"] = _keep(settings["recipe"], rows[best(trials, rows)])
    if "tuning" in settings:
        seen = [rows[key] for key in settings["seen"]]
        asked = _asked(settings, seen, stream(settings["study_seed"], job.seed, "tuning"))
        settings |= {"recipe": _recipe(settings["recipe"], asked), "asked": asked}
        settings["thresholds"] = tuning.thresholds(settings, seen)
    if "source" in settings:
        settings["architecture"] = _found(from_json(settings["source"]), job, rows, space)
        if by_table(settings):
            settings["seen_at"] = seen_at(from_json(settings["source"]), job, rows)
    if epochs_before(settings):
        (settings["continues"],) = starts(job, rows)
    return settings


def starts(job: Job, rows: Rows) -> tuple[str, ...]:
    """Keys of the jobs whose weights it starts from; of a rung that has not ended all, as any may be the one."""
    if not epochs_before(job.settings) or not all(key in rows for key in job.reads):
        return job.reads
    source = job.settings["source"]
    order = _in_order(source["among"], rows)
    return tuple(order[source["rank"] :][:1])


def seen_at(source: Source, job: Job, rows: Rows) -> tuple[int, ...]:
    """The seeds at which a table was asked about the job's architecture in order to choose it."""
    match source:
        case Best(by="") | BestTwin():
            chosen = rows[best(source.keys, rows)]["architecture"]
            asked = [rows[key] for key in source.keys if job.settings["schema"] < 5 or by_table(rows[key]["settings"])]
            return tuple(row["seed"] for row in asked if row["architecture"] == chosen)
        case Asked() | Proposed() | Winner():
            return (job.seed,)
    return ()


def _asked(settings: Settings, seen: Sequence[Row], start: int) -> Settings:
    """A sampler that fails is the trial's failure, not the study's."""
    try:
        return tuning.ask(settings["tuning"], settings["index"], seen, start)
    except Exception as error:  # Optuna's, over rows that it would not have given
        raise Unbuildable(Status.FAILED, f"no values can be suggested: {type(error).__name__}: {error}") from error


def _recipe(recipe: Settings, asked: Settings) -> Settings:
    """`recipe` with what was asked, as a recipe has it.

    Raises Unbuildable: a value that no recipe has is a sampler's mistake, which the next one may not make; values that
    do not fit together lie in the ranges, so that another try would ask for them again.
    """
    try:
        for name, value in asked.items():
            typed(name, value, SUGGESTED)
    except BadInput as error:
        raise Unbuildable(Status.FAILED, str(error)) from None
    values = ranges.apply(recipe, asked)
    found = _fitting(values, SUGGESTED).model_dump()
    return {name: found[name] for name in values if name in found}


def _fitting(values: Settings, where: str) -> Recipe:
    """Raises Unbuildable where two fields do not fit together: at every try, as the same rows give the same values."""
    try:
        return validated(Recipe, values, where)
    except BadInput as error:
        raise Unbuildable(Status.DIVERGED, str(error)) from None


def best(keys: Sequence[str], rows: Rows) -> str:
    """The key of the finished trial with the highest fitness; the earliest among equals.

    Raises Unbuildable where there is none: all have ended, so that another try would find no other.
    """
    return ranked(keys, rows, 0)


def ranked(keys: Sequence[str], rows: Rows, place: int) -> str:
    """As `best`, with `place` others before it."""
    scored = _in_order(keys, rows)
    if len(scored) <= place:
        ends = {rows[key]["status"] for key in keys}
        alike = next((end for end in (Status.DISCONNECTED, Status.UNMATCHED) if ends == {end}), Status.DIVERGED)
        why = f"only {len(scored)} of the candidates were scored" if scored else "none of the candidates was scored"
        raise Unbuildable(alike, why)
    return scored[place]


def _in_order(keys: Sequence[str], rows: Rows) -> list[str]:
    """Those that were scored, the best first."""
    found = {key: fitness(rows[key]) for key in keys if rows[key]["status"] == Status.DONE}
    scored = {key: value for key, value in found.items() if value is not None}
    return sorted(scored, key=scored.__getitem__, reverse=True)


def alphas(row: Row, epoch: int) -> dict[str, np.ndarray]:
    """α of a search's row as it stood after `epoch`; after an early stop, the last one before it."""
    snapshots = {int(at): value for at, value in (row["snapshots"] or {}).items()}
    at = max((at for at in snapshots if at <= epoch), default=min(snapshots))
    return {name: np.array(value) for name, value in snapshots[at].items()}


def _found(source: Source, job: Job, rows: Rows, space: Space) -> str:
    """A space, a rule or a strategy from outside may fail here: that is the trial's failure, not the study's."""
    try:
        architecture = _architecture(source, job, rows, space)
        known = facts(architecture)
        if not isinstance(reason := space.broken(architecture), str):
            raise TypeError(f"broken() gives {reason!r}, and no text")
        if reason:
            raise Unbuildable(Status.DISCONNECTED, reason, known)
        return str(known["architecture"])
    except Unbuildable:
        raise
    except FROM_OUTSIDE as error:
        raise Unbuildable(Status.FAILED, f"{type(error).__name__}: {error}") from error


def _architecture(source: Source, job: Job, rows: Rows, space: Space) -> Architecture:
    match source:
        case Twin():
            return _twin(source, job, _architecture(source.of, job, rows, space), space)
        case Read(search, rule, epoch):
            _finished(rows[search])
            return custom_rules.read(space, alphas(rows[search], epoch), rule)
        case Best(keys) | BestTwin(keys):
            return space.parse(rows[best(keys, rows)]["architecture"] or "")
        case OfTraining(training):
            _finished(rows[training])
            return space.parse(rows[training]["architecture"] or "")
        case Ranked(place, keys):
            return space.parse(rows[ranked(keys, rows, place)]["architecture"] or "")
        case Winner(search):
            _finished(rows[search])
            return space.parse(rows[search]["architecture"] or "")
        case Evolved(settings):
            return asked_next(source, {**settings, "strategy": "evolution"}, job, rows, space)
        case Asked(settings):
            return asked_next(source, settings, job, rows, space)
        case Proposed(function, index, seen, values):
            propose: Propose = imported(function, f"'{function}' proposes no architectures", PROPOSES)
            return propose(values, [rows[key] for key in seen], space, _random(job, "propose", index))
        case Sampled(rule, index):
            alone = index is None and job.settings["schema"] > 4  # before, it was the first candidate of every search
            rng = _random(job, "random") if alone else _random(job, "draw", index or 0)
            return space.draw(custom_rules.drawn_by(space, rule), rng)
        case Written(text):
            return space.parse(text)
        case Baseline():
            if (found := space.baseline()) is None:
                raise ValueError("the space has no baseline")
            return found


def _finished(row: Row) -> None:
    if row["status"] != Status.DONE:
        raise Unbuildable(row["status"], f"its {row['role']} ended as {row['status']}: {row['error']}")


def _twin(source: Twin, job: Job, original: Architecture, space: Space) -> Architecture:
    if space.broken(original):
        raise Unbuildable(Status.DISCONNECTED, f"no twin: {original} is disconnected itself")
    if (found := sample_twin(source, original, job, space)) is None:
        raise Unbuildable(Status.UNMATCHED, f"no twin: nothing but {original} itself matches it in {source.match}")
    return found


def _random(job: Job, purpose: str, *more: int | str) -> Random:
    return Random(stream(job.settings["study_seed"], job.seed, purpose, *more))


def _keep(recipe: Settings, winner: Row) -> Settings:
    """`recipe` with what the best trial of a tuning asked for, as its own recipe has it. Raises Unbuildable."""
    found, trial = in_full(winner["recipe"] or {}), winner["settings"]
    asked = trial.get("asked") or ranges.values(found, trial["tuning"]["ranges"])
    kept = ranges.apply(recipe, {name: ranges.value(found, name) for name in asked})
    _fitting(kept, "the tuned recipe")
    return kept
