"""From a number back to its rows: keys, seeds, commit, versions, device, and the command that runs them again."""

import json
import shlex
from collections.abc import Hashable, Mapping, Sequence
from itertools import pairwise
from math import isnan
from typing import Any, NamedTuple

import pandas as pd

from analysis.results.rows import Results

SHOWN = ("key", "seed", "train_seed", "twin", "status", "test_accuracy", "val_accuracy", "parameters", "shortcuts",
         "seconds", "place", "finished", "needs", "architecture")  # fmt: skip
_WHOLE = ("seed", "train_seed", "twin", "parameters", "shortcuts")
_DECIMAL = ("test_accuracy", "val_accuracy", "seconds")
_SETTING = ("device", "threads", "path", "precision", "versions", "commit", "dirty")


class Environment(NamedTuple):
    number: int
    text: str
    rows: int


def command(results: Results, trials: pd.DataFrame) -> str:
    """The shell command that trains these rows again and compares; '' where none of them can be.

    Left out is what has no number to compare, and what starts from another trial's weights.
    """
    keys = list(trials.loc[trials["status"].isin(("done", "pruned")) & ~trials["starts"].astype(bool), "key"])
    if not keys:
        return ""
    started = shlex.split(results.study.get("command") or "")
    root = _option(started, "--results") or "results"
    data = _option(started, "--data-root")
    more = ["--data-root", data] if data else []
    homes = {folder: [key for key in keys if results.home.get(key) == folder] for folder in results.study["names"]}
    return "\n".join(shlex.join(["nas-harness", "verify", f"{root}/{folder}", "--keys", ",".join(mine), *more])
                     for folder, mine in homes.items() if mine)  # fmt: skip


def _option(words: Sequence[str], name: str) -> str | None:
    """What follows `name` on a command line."""
    return next((value for word, value in pairwise(words) if word == name), None)


def environments(trials: pd.DataFrame) -> tuple[list[Environment], pd.Series]:
    """The machines and sources that rows come from, most rows first, and each row's own as a number (from 1)."""
    texts = pd.Series([_text(setting) for setting in _settings(trials)], index=trials.index, dtype=object)
    counted = texts.value_counts()
    ordered = sorted(((str(text), int(rows)) for text, rows in counted.items()), key=lambda item: (-item[1], item[0]))
    places = [Environment(number, *item) for number, item in enumerate(ordered, 1)]
    return places, texts.map({place.text: place.number for place in places})


def provenance(trials: pd.DataFrame, places: pd.Series) -> list[tuple[Any, ...]]:
    """One record a row, in the order of seeds and of SHOWN, ready to show. `places` numbers each row's environment."""
    ordered = trials.sort_values(["seed", "train_seed", "twin", "key"])
    troubles = [f"{status}: {error}" if error else status for status, error in zip(ordered["status"], ordered["error"],
                                                                                   strict=True)]  # fmt: skip
    columns = {name: ordered[name].tolist() for name in SHOWN if name in ordered}
    columns |= {name: [_whole(value) for value in columns[name]] for name in _WHOLE}
    columns |= {name: [_decimal(value) for value in columns[name]] for name in _DECIMAL}
    columns |= {"status": troubles, "place": places[ordered.index].tolist()}
    columns |= {name: [value or "" for value in columns[name]] for name in ("architecture", "finished")}
    return list(zip(*(columns[name] for name in SHOWN), strict=True))


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
