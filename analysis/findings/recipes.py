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
            _number(recipe, "momentum") + (" (Nesterov)" if recipe.get("nesterov") else ""),
            *(_number(recipe, name) for name in ("weight_decay", "batch_size", "epochs")))  # fmt: skip


def _number(recipe: Mapping[str, Any], name: str) -> str:
    return f"{recipe[name]:g}" if name in recipe else EMPTY


def schedule(scheduler: Mapping[str, Any]) -> str:
    """`cosine to 0.001, 5 warm-up epochs`."""
    said = str(scheduler.get("kind") or EMPTY)
    if said == "step":
        step = scheduler.get("step")
        said = f"step, γ = {scheduler['gamma']:.4g}" + (f" at {step:g}" if step is not None else "")
    if said == "cosine" and scheduler.get("min_lr"):
        said += f" to {scheduler['min_lr']:g}"
    return said + (f", {scheduler['warmup_epochs']} warm-up epochs" if scheduler.get("warmup_epochs") else "")
