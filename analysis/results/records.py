"""One line of trials.jsonl as a record: what an older version or somebody else wrote is brought to one shape."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from pydantic_core import from_json

from analysis.numbers import visible
from analysis.results.history import history
from analysis.results.kept import lines
from analysis.results.settings_read import read

TEXTS = ("key", "kind", "method", "role", "twin_of", "pair", "architecture", "split", "status", "error", "device",
         "hardware", "path", "precision", "host", "started", "finished", "commit", "data",
         "predictions", "test_labels")  # fmt: skip
SHOWN = (*TEXTS, "methods", "warnings", "versions", "recipe")
PACKED = ("recipe", "versions")  # objects kept as canonical text, so that equal ones are one
CURVE = ("train_loss", "test_accuracy", "val_accuracy", "entropy", "counts", "discretised_accuracy", "eigenvalue")


def each(folder: Path) -> Iterator[dict[str, Any] | None]:
    """Each line's object, compressed ones first; None for a line that is torn or no row."""
    for line in lines(folder):
        if line.isspace():
            continue
        record = _parsed(line)
        yield record if isinstance(record, dict) and "key" in record else None


def _parsed(line: bytes) -> Any:
    """None where it is no JSON. `from_json` is twice as fast as json, which alone reads all that a run takes for a row:
    behind a byte order mark, with half of a surrogate pair, nested deeply."""
    try:
        return from_json(line)
    except ValueError:
        with suppress(ValueError, RecursionError):
            return json.loads(line)
    return None


def as_texts(record: dict[str, Any]) -> dict[str, Any]:
    """The row with names and messages that can be shown: somebody else may have written it."""
    return {**record, **{name: visible(record[name]) for name in SHOWN if name in record}}


def flat(record: dict[str, Any]) -> dict[str, Any]:
    """The row without its settings, its curve as arrays: 150 epochs of objects would fill the memory."""
    record |= read(record.pop("settings", None) or {}, record.get("kind"))
    record.setdefault("status", "failed" if record.get("error") else "done")
    record["curve"] = _curve(record.get("curve") or [])
    for name in PACKED:
        record[name] = json.dumps(record[name], sort_keys=True) if record.get(name) else None
    record["methods"] = tuple(record.get("methods") or [record.get("method")])
    for name in ("needs", "warnings"):
        record[name] = tuple(record.get(name) or ())
    record["role"] = record.get("role") or _role(record)
    record["history"] = history(record)
    return record


def _role(record: Mapping[str, Any]) -> str:
    if record.get("kind") != "train":
        return str(record.get("kind"))
    if record.get("twin_of"):
        return "twin"
    return "baseline" if record.get("method") == "baseline" else "method"


def _curve(points: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
    if not points:
        return {}
    out = {}
    for name in CURVE:
        if name not in points[0] and name not in points[-1]:
            continue
        values = [point.get(name) for point in points]
        if not isinstance(sample := next((v for v in values if v is not None), None), dict):
            if sample is not None:
                out[name] = np.array(values, dtype=np.float32)  # None becomes NaN
            continue
        for part in sorted({key for value in values if value for key in value}):
            out[f"{name}.{part}"] = np.array([value.get(part) if value else None for value in values], dtype=np.float32)
    return {name: values for name, values in out.items() if not np.isnan(values).all()}


def with_study(record: Mapping[str, Any], study: str) -> dict[str, Any]:
    """The record with the study's name before its methods' names."""
    out = dict(record)
    for field in ("method", "twin_of", "twin"):
        if isinstance(out.get(field), str):
            out[field] = f"{study}/{out[field]}"
    if out.get("methods"):
        out["methods"] = [f"{study}/{method}" for method in out["methods"]]
    return out
