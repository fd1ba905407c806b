"""From a number back to its rows: keys, seeds, commit, versions, device, and the command that runs them again."""

import json
import shlex
from collections.abc import Hashable, Iterable, Mapping
from math import isnan
from typing import Any

import pandas as pd

_SETTING = ("device", "threads", "path", "precision", "versions", "commit", "dirty")


def command(study: Mapping[str, Any], keys: Iterable[str]) -> str:
    """The shell command that runs exactly these jobs (and what they need) again, into a folder of their own."""
    start = study.get("command") or f"nas-harness run {shlex.quote(str(study.get('name', 'STUDY')))}"
    return f"{start} --results again --only {','.join(keys)}"


def environments(trials: pd.DataFrame) -> list[dict[str, str]]:
    """The different machines and sources that rows come from, most rows first; rows refer to them by `number`."""
    counted = _environment(trials).value_counts()
    ordered = sorted(counted.items(), key=lambda item: (-item[1], str(item[0])))
    return [{"number": str(n + 1), "text": str(text), "rows": str(rows)} for n, (text, rows) in enumerate(ordered)]


def provenance(trials: pd.DataFrame, everything: pd.DataFrame) -> list[dict[str, Any]]:
    """One record a row, in the order of seeds, ready to show."""
    numbers = {place["text"]: place["number"] for place in environments(everything)}
    ordered = trials.sort_values(["seed", "train_seed", "twin", "key"])
    places = _environment(ordered)
    return [_shown(row, numbers[place]) for row, place in zip(ordered.to_dict("records"), places, strict=True)]


def _shown(row: Mapping[Hashable, Any], place: str) -> dict[str, Any]:
    return {
        "key": row["key"], "seed": _whole(row["seed"]), "train_seed": _whole(row["train_seed"]),
        "twin": _whole(row["twin"]), "status": f"{row['status']}: {row['error']}" if row["error"] else row["status"],
        "accuracy": _decimal(row["test_accuracy"]), "validation": _decimal(row["val_accuracy"]),
        "parameters": _whole(row["parameters"]), "shortcuts": _whole(row["shortcuts"]),
        "seconds": _decimal(row["seconds"]), "place": place, "architecture": row["architecture"] or "",
        "finished": row["finished"] or "", "needs": row["needs"],
    }  # fmt: skip


def _environment(trials: pd.DataFrame) -> pd.Series:
    """What a row ran on and with, as one text."""
    texts = [_text(setting) for setting in trials[[*_SETTING]].to_dict("records")]
    return pd.Series(texts, index=trials.index, dtype=object)


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
