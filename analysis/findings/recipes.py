"""Which recipe each row of the table was trained by, and what finding it cost."""

from collections.abc import Mapping, Sequence
from typing import Any

from analysis.numbers import EMPTY
from analysis.results.rows import Results
from analysis.results.table import Line


def recipes(results: Results, table: Sequence[Line]) -> dict[str, list[str]]:
    """Recipe, as canonical text → the methods whose trainings followed it, in the table's order."""
    found: dict[str, list[str]] = {}
    for line in table:
        for recipe in sorted(set(results.trainings(line.method)["recipe"].dropna())):
            found.setdefault(recipe, []).append(line.method)
    return found


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
