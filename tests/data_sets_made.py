"""Made-up studies over several data sets."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rows_factory as factory

METHODS = ("darts-A@5", "random-A@5", "darts-B@5", "random-B@5", "baseline")


def several_sets(folder: Path, effects: Sequence[float], seeds: int = 5, rules: Sequence[str] = ("A", "B"),
                 **changes: Any) -> Path:  # fmt: skip
    """A data set for each of `effects`, the points by which A's method lies above its twins there."""
    studies, trials = [], []
    for number, effect in enumerate(effects):
        study = factory.study(f"set{number}", seeds=seeds, snapshots=[5], rules=rules)
        rng = np.random.default_rng(number)
        more = {"darts-A@5": effect}
        for row in factory.rows(study):
            if row["kind"] == "train":
                level = 60 + 5 * number + more.get(row["method"], 0.0)
                row["test_accuracy"] = round(float(level + rng.normal(0, 0.3)), 4)
            trials.append({**_placed(row, study["name"]), "settings": {"data": {"name": study["name"]}}})
        studies.append(study)
    whole = {**studies[0], "name": "made-up", "data": [{"name": study["name"]} for study in studies]}
    for part in ("rows", "plan"):
        whole[part] = [_placed(item, study["name"]) for study in studies for item in study[part]]
    return factory.write(folder / "made-up", {**whole, "chance": 10.0, **changes}, trials)


def _placed(item: dict[str, Any], data: str) -> dict[str, Any]:
    """With the data set in front of the methods' names."""
    named = {name: f"{data}/{item[name]}" for name in ("method", "twin_of") if item.get(name)}
    if isinstance(item.get("twin"), str):
        named["twin"] = f"{data}/{item['twin']}"
    if item.get("methods"):
        named["methods"] = [f"{data}/{method}" for method in item["methods"]]
    return {**item, **named}
