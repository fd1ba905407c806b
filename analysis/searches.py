"""Searches under names that tell them apart: those that differ in their settings are no repetitions of each other."""

import pandas as pd

from analysis.rows import Results
from analysis.table import family


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
