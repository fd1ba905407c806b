"""What a tracker shows of a row: settings, curve, final numbers, where the row lies. Standard library only."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from harness.vocabulary.rows import Row

FINALS = ("test_accuracy", "val_accuracy", "test_loss", "train_loss", "parameters", "macs", "shortcuts",
          "long_shortcuts", "epochs", "seconds", "device_seconds", "peak_memory_bytes", "latency", "score")  # fmt: skip
FACTS = ("status", "error", "kind", "role", "method", "seed", "train_seed", "twin", "twin_of", "pair", "architecture",
         "split", "device", "hardware", "threads", "path", "precision", "host", "commit", "protocol", "started",
         "finished")  # fmt: skip


@dataclass(frozen=True)
class Trial:
    """What is known of a trial before it has a row. `link`: its results folder and its key."""

    key: str
    kind: str
    method: str
    seed: int
    link: str
    began: float | None = None  # seconds since 1970

    @property
    def name(self) -> str:
        return f"{self.method} seed {self.seed} {self.key[:6]}"


@dataclass(frozen=True)
class Point:
    """Of a curve: numbers after so many epochs, or queries of a black-box search."""

    step: int
    numbers: Mapping[str, float]
    at: float = field(compare=False)  # seconds since 1970


def trial(described: Mapping[str, Any], folder: Path) -> Trial:
    """Of a row, or of an entry of a study's plan. Raises ValueError where its key could name another file."""
    key = str(described["key"])
    if not re.fullmatch(r"\w{1,64}", key):
        raise ValueError("a key is no word")
    return Trial(key, str(described["kind"]), str(described["method"]), int(described["seed"]), linked(folder, key),
                 _seconds(described.get("started")) or None)  # fmt: skip


def linked(folder: Path, key: str) -> str:
    return f"{folder}#{key}"


def numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """The finite numbers among them, and in objects of numbers, as in counts.A; none that is an epoch's own."""
    flat = {name: value for name, value in flattened(values, depth=2) if name != "epoch"}
    return {name: float(value) for name, value in flat.items() if _is_number(value)}


def flattened(values: Mapping[str, Any], depth: int = 100) -> Iterator[tuple[str, Any]]:
    """Nested objects as dotted names."""
    for name, value in values.items():
        if isinstance(value, Mapping) and depth > 1:
            yield from ((f"{name}.{inner}", one) for inner, one in flattened(value, depth - 1))
        else:
            yield str(name), value


def points(row: Row) -> list[Point]:
    """Its epochs; of a black-box search the best validation accuracy after each improvement."""
    at, out = began(row), []
    for epoch in row.get("curve") or []:
        at += epoch.get("seconds") or 0.0
        out.append(Point(int(epoch["epoch"]), numbers(epoch), at))
    for query, value, *_ in (row.get("history") or {}).get("best", []):
        out.append(Point(int(query), numbers({"best_val_accuracy": value}), at))
    return out


def finals(row: Row) -> dict[str, float]:
    return {f"final/{name}": value for name, value in numbers({name: row.get(name) for name in FINALS}).items()}


def facts(row: Row) -> dict[str, Any]:
    """What is said of a trial beside settings and numbers."""
    return {name: value for name in FACTS if (value := row.get(name)) is not None}


def began(row: Row) -> float:
    """Seconds since 1970; when it ended where the row does not say, else 0."""
    return _seconds(row.get("started")) or ended(row)


def ended(row: Row) -> float:
    return _seconds(row.get("finished"))


def _seconds(text: str | None) -> float:
    return datetime.fromisoformat(text).timestamp() if text else 0.0


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
