"""Searches under names that tell them apart: those that differ in their settings are no repetitions of each other."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.results.aggregate import done
from analysis.results.history import History
from analysis.results.rows import Results
from analysis.results.table import Line, family
from spaces.architecture import parse


def named(results: Results) -> pd.DataFrame:
    """The searches; where several kinds share one name, each is called by the methods that read it."""
    trials = results.trials[results.trials["kind"] == "search"].copy()
    readers = _readers(results)
    groups = {key: tuple(sorted(readers.get(key, ()))) for key in trials["key"]}
    for method, own in trials.groupby("method"):
        if len({groups[key] for key in own["key"]}) > 1:
            trials.loc[own.index, "method"] = [", ".join(groups[key]) or str(method) for key in own["key"]]
    return trials


def _readers(results: Results) -> dict[str, set[str]]:
    """Search → the methods for whose networks it was needed; twins read what their methods do."""
    found: dict[str, set[str]] = {}
    others = results.trials[results.trials["role"].isin(("method", "score"))]
    for methods, needs in zip(others["methods"], others["needs"], strict=True):
        for key in needs:
            found.setdefault(key, set()).update(family(method) for method in methods)
    return found


def histories(results: Results, table: Sequence[Line]) -> dict[str, list[History]]:
    """Table row → those of the searches behind it, one a search; rows without any are left out."""
    trials, out = done(results.trials), {}
    known = {key: found for key, found in zip(trials["key"], trials["history"], strict=True) if found is not None}
    for line in table:
        own = results.trainings(line.method)
        needed = (key for needs, key in zip(own["needs"], own["key"], strict=True) for key in (*needs, key))
        if keys := dict.fromkeys(key for key in needed if key in known):
            out[line.method] = [known[key] for key in keys]
    return out


def mean_alpha(trials: pd.DataFrame) -> dict[str, dict[str, np.ndarray]]:
    """Epoch → array name → mean over the searches, in the array's shape; arrays of another shape are left out."""
    found: dict[str, dict[str, list[np.ndarray]]] = {}
    for snapshots in trials["snapshots"]:
        for epoch, arrays in (snapshots or {}).items():
            for name, values in arrays.items():
                found.setdefault(epoch, {}).setdefault(name, []).append(np.asarray(values, dtype=float))
    return {
        epoch: {name: np.mean([a for a in same if a.shape == same[0].shape], axis=0) for name, same in arrays.items()}
        for epoch, arrays in sorted(found.items(), key=lambda item: int(item[0]))
    }


def architectures(trials: pd.DataFrame) -> list[Any]:
    """One parsed architecture for each searched one, in the order of seeds; texts of unknown spaces are left out."""
    out = []
    found = done(trials).dropna(subset=["architecture"]).sort_values(["seed", "twin", "train_seed"])
    for text in found.drop_duplicates(["seed", "twin"])["architecture"]:
        try:
            out.append(parse(text))
        except ValueError:
            continue
    return out
