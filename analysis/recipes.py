"""Which recipe each row of the table was trained by, and what finding it cost."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from analysis.rows import Results
from analysis.sheets import EMPTY, Cell, Sheet
from analysis.table import Line

HEAD = ("Methods", "Learning rate", "Schedule", "Momentum", "Weight decay", "Batch", "Epochs", "Found by", "Trials",
        "Device-hours")  # fmt: skip


def recipes(results: Results, table: Sequence[Line]) -> dict[str, list[str]]:
    """Recipe, as canonical text → the methods whose trainings followed it, in the table's order."""
    found: dict[str, list[str]] = {}
    for line in table:
        for recipe in sorted(set(results.trainings(line.method)["recipe"].dropna())):
            found.setdefault(recipe, []).append(line.method)
    return found


def sheet(results: Results, table: Sequence[Line]) -> Sheet:
    """A row per recipe; the tuning's cost counts once for all methods that use what it found."""
    rows = []
    for text, methods in recipes(results, table).items():
        cells = (", ".join(methods), *described(json.loads(text)), *_origin(results, text))
        rows.append(tuple(Cell(cell, tuple(methods)) for cell in cells))
    note = "From the rows. What a study fixed itself, or took from a file, has no cost here; say where it comes from."
    return Sheet("recipes", "Recipes", HEAD, tuple(rows), note)


def described(recipe: Mapping[str, Any]) -> tuple[str, ...]:
    """Learning rate, schedule, momentum, weight decay, batch size, epochs."""
    return (f"{recipe['lr']:.6g}" if "lr" in recipe else EMPTY, schedule(recipe.get("scheduler") or {}),
            *(f"{recipe[name]:g}" if name in recipe else EMPTY
              for name in ("momentum", "weight_decay", "batch_size", "epochs")))  # fmt: skip


def schedule(scheduler: Mapping[str, Any]) -> str:
    if scheduler.get("kind") != "step":
        return str(scheduler.get("kind") or EMPTY)
    step = scheduler.get("step")
    return f"step, γ = {scheduler['gamma']:.4g}" + (f" at {step:g}" if step is not None else "")


def _origin(results: Results, recipe: str) -> tuple[str, str, str]:
    """Its tuning, how many trials that took and how long; or the study itself."""
    trained = results.trials[(results.trials["kind"] == "train") & (results.trials["recipe"] == recipe)]
    keys = {key for tuned in trained["tuned"] for key in tuned or ()}
    trials = results.trials[results.trials["key"].isin(keys)]
    if trials.empty:
        return "the study", EMPTY, EMPTY
    names = sorted(set(trials["methods"].explode()))
    return ", ".join(names), str(len(trials)), f"{trials['device_seconds'].sum() / 3600:.2f}"
