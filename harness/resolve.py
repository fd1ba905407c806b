"""A planned job and the rows of what it needed → settings that can be run. Pure: the same rows, the same settings."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import numpy as np

from harness import evolve, tuning
from harness.plan import Job, Settings
from harness.streams import stream
from spaces import rules
from spaces.space import Space, imported

Rows = Mapping[str, Mapping[str, Any]]


class Unbuildable(Exception):
    """There is nothing to train: the row's status, its reason and the `facts` of an architecture that is broken."""

    def __init__(self, status: str, reason: str, facts: Settings | None = None) -> None:
        super().__init__(reason)
        self.status, self.reason, self.facts = status, reason, facts or {}


def resolve(job: Job, rows: Rows, space: Space) -> Settings:
    """The job's settings with its `architecture` and its `recipe` as they came out.

    Raises Unbuildable where there is nothing to train.
    """
    settings = dict(job.settings)
    for key in job.reads:
        _finished(rows[key])
    if trials := settings.get("recipe_from"):
        settings["recipe"] = _keep(settings["recipe"], rows[best(trials, rows)]["recipe"], rows[trials[0]])
    if "tuning" in settings:
        seen = [rows[key] for key in settings["seen"]]
        start = stream(settings["study_seed"], job.seed, "tuning")
        asked = tuning.ask(settings["tuning"], settings["index"], seen, start)
        settings |= {"recipe": tuning.apply(settings["recipe"], asked), "asked": asked}
        settings["thresholds"] = tuning.thresholds(settings, seen)
    if "source" in settings:
        settings["architecture"] = _found(settings["source"], job, rows, space)
    return settings


def best(keys: Sequence[str], rows: Rows) -> str:
    """The key of the finished trial with the highest validation accuracy; the earliest among equals.

    Raises Unbuildable where there is none: all have ended, so that another try would find no other.
    """
    scored = [key for key in keys if rows[key]["status"] == "done" and rows[key]["val_accuracy"] is not None]
    if not scored:
        broken = all(rows[key]["status"] == "disconnected" for key in keys)
        raise Unbuildable("disconnected" if broken else "diverged", "none of the candidates was scored")
    return max(scored, key=lambda key: rows[key]["val_accuracy"])


def facts(architecture: Any) -> Settings:
    """What a row says of an architecture."""
    return {"architecture": str(architecture), "shortcuts": architecture.shortcuts,
            "long_shortcuts": architecture.long_shortcuts}  # fmt: skip


def alphas(row: Mapping[str, Any], epoch: int) -> dict[str, np.ndarray]:
    """α of a search's row as it stood after `epoch`; after an early stop, the last one before it."""
    snapshots = {int(at): value for at, value in row["snapshots"].items()}
    at = max((at for at in snapshots if at <= epoch), default=min(snapshots))
    return {name: np.array(value) for name, value in snapshots[at].items()}


def _found(source: Settings, job: Job, rows: Rows, space: Space) -> str:
    """A space, a rule or a strategy from outside may fail here: that is the trial's failure, not the study's."""
    try:
        architecture = _architecture(source, job, rows, space)
        if reason := space.broken(architecture):
            raise Unbuildable("disconnected", reason, facts(architecture))
        return str(architecture)
    except Unbuildable:
        raise
    except Exception as error:
        raise Unbuildable("failed", f"{type(error).__name__}: {error}") from error


def _architecture(source: Settings, job: Job, rows: Rows, space: Space) -> Any:
    if "twin" in source:
        return _twin(source, job, rows, space)
    if "read" in source:
        _finished(rows[source["read"]])
        return rules.read(space, alphas(rows[source["read"]], source["epoch"]), source["rule"])
    if "best" in source:
        return space.parse(rows[best(source["best"], rows)]["architecture"])
    if "evolve" in source:
        return evolve.candidate(source, [rows[key] for key in source["seen"]], space, _random(job, "evolve"))
    if "propose" in source:
        propose = imported(source["propose"], f"'{source['propose']}' proposes no architectures")
        return propose(source, [rows[key] for key in source["seen"]], space, _random(job, "propose", source["index"]))
    if "draw" in source:
        return space.draw(rules.drawn_by(space, source["draw"]), _random(job, "draw", source.get("index", 0)))
    return space.parse(source["text"]) if "text" in source else space.baseline()


def _finished(row: Mapping[str, Any]) -> None:
    if row["status"] != "done":
        raise Unbuildable(row["status"], f"its {row['role']} ended as {row['status']}: {row['error']}")


def _twin(source: Settings, job: Job, rows: Rows, space: Space) -> Any:
    """Sampled uniformly among architectures with exactly as many shortcuts, alike for every recipe and machine."""
    original = _architecture(source["of"], job, rows, space)
    if space.broken(original):
        raise Unbuildable("disconnected", f"no twin: {original} is disconnected itself")
    own = _random(job, "twin", source["row"], source["twin"]) if "row" in source else Random(job.key)  # schema 1
    return space.draw(rules.drawn_by(space, source["rule"]), own, original.shortcuts)


def _random(job: Job, purpose: str, *more: int | str) -> Random:
    return Random(stream(job.settings["study_seed"], job.seed, purpose, *more))


def _keep(recipe: Settings, found: Settings, trial: Mapping[str, Any]) -> Settings:
    """`recipe` with the fields that the tuning ranged over taken from `found`."""
    return tuning.apply(recipe, tuning.values(found, trial["settings"]["tuning"]["ranges"]))
