"""From a number back to its rows: keys, seeds, commit, versions, device, and the command that runs them again."""

import json
import shlex
from collections.abc import Hashable, Iterable, Mapping
from math import isnan
from typing import Any, NamedTuple

import pandas as pd

_SHOWN = ("key", "seed", "train_seed", "twin", "status", "error", "test_accuracy", "val_accuracy", "parameters",
          "shortcuts", "seconds", "architecture", "finished", "needs")  # fmt: skip
_SETTING = ("device", "threads", "path", "precision", "versions", "commit", "dirty")


class Environment(NamedTuple):
    number: int
    text: str
    rows: int


def command(study: Mapping[str, Any], keys: Iterable[str]) -> str:
    """The shell command that runs exactly these jobs (and what they need) again, into a folder of their own."""
    start = study.get("command") or f"nas-harness run {shlex.quote(str(study.get('name', 'STUDY')))}"
    return f"{start} --results again --only {','.join(keys)}"


def environments(trials: pd.DataFrame) -> tuple[list[Environment], pd.Series]:
    """The machines and sources that rows come from, most rows first, and each row's own as a number (from 1)."""
    texts = pd.Series([_text(setting) for setting in _settings(trials)], index=trials.index, dtype=object)
    counted = texts.value_counts()
    ordered = sorted(((str(text), int(rows)) for text, rows in counted.items()), key=lambda item: (-item[1], item[0]))
    places = [Environment(number, *item) for number, item in enumerate(ordered, 1)]
    return places, texts.map({place.text: place.number for place in places})


def provenance(trials: pd.DataFrame, places: pd.Series) -> list[dict[str, Any]]:
    """One record a row, in the order of seeds, ready to show. `places` numbers each row's environment."""
    ordered = trials.sort_values(["seed", "train_seed", "twin", "key"])
    shown = ordered[[*_SHOWN]].to_dict("records")
    return [_shown(row, place) for row, place in zip(shown, places[ordered.index], strict=True)]


def _shown(row: Mapping[Hashable, Any], place: int) -> dict[str, Any]:
    return {
        "key": row["key"], "seed": _whole(row["seed"]), "train_seed": _whole(row["train_seed"]),
        "twin": _whole(row["twin"]), "status": f"{row['status']}: {row['error']}" if row["error"] else row["status"],
        "accuracy": _decimal(row["test_accuracy"]), "validation": _decimal(row["val_accuracy"]),
        "parameters": _whole(row["parameters"]), "shortcuts": _whole(row["shortcuts"]),
        "seconds": _decimal(row["seconds"]), "place": place, "architecture": row["architecture"] or "",
        "finished": row["finished"] or "", "needs": row["needs"],
    }  # fmt: skip


def _settings(trials: pd.DataFrame) -> list[dict[Hashable, Any]]:
    return trials[[*_SETTING]].to_dict("records")


def _text(setting: Mapping[Hashable, Any]) -> str:
    versions = json.loads(setting["versions"]) if setting["versions"] else {}
    commit = setting["commit"] or "unknown commit"
    threads = f"{_whole(setting['threads']) or '?'} threads"
    named = [f"{name} {value}" for name, value in versions.items()]
    source = f"commit {commit}" + (" with uncommitted changes" if setting["dirty"] else "")
    parts = [setting["device"] or "unknown device", threads, setting["path"], setting["precision"], *named, source]
    return ", ".join(str(part) for part in parts if part)


def _whole(value: float) -> str:
    return "" if isnan(value) else f"{value:.0f}"


def _decimal(value: float) -> str:
    return "" if isnan(value) else f"{value:.2f}"
