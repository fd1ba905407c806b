"""A study's rows as tidy tables for notebooks and other programs: one line a trial, and one a trial and epoch."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from analysis.results.records import CURVE
from analysis.results.rows import Results


class Column(NamedTuple):
    """`type`: text, integer, number, boolean, time (UTC) or list (text, parts separated by ";")."""

    type: str
    unit: str
    meaning: str


RUNS: Mapping[str, Column] = {
    "key": Column("text", "", "content key of the trial: equal settings, equal key"),
    "study": Column("text", "", "the study's name"),
    "data": Column("text", "", "data set, as JSON"),
    "kind": Column("text", "", "search, perturbation (reading), train (final training), score, tune or black-box"),
    "method": Column("text", "", "row of the table, such as darts-A@20; of a search its label"),
    "methods": Column("list", "", "every row of the table that uses the trial"),
    "role": Column("text", "", "method, twin, baseline or pretraining; of other kinds the kind"),
    "rule": Column("text", "", "how the architecture was read or sampled"),
    "search_epochs": Column("integer", "epochs", "length of the search at the snapshot"),
    "twin_of": Column("text", "", "of a twin: the method whose architecture it matches"),
    "pair": Column("text", "", "equal for trials that are one paired comparison"),
    "match": Column("text", "", "what a twin shares with its network beside the count of shortcuts"),
    "seed": Column("integer", "", "index of the search seed: comparisons are paired by it"),
    "train_seed": Column("integer", "", "index of the training seed"),
    "twin": Column("integer", "", "index among the twins of an architecture"),
    "status": Column("text", "", "done, failed, diverged, disconnected, pruned, unmatched or invalid"),
    "error": Column("text", "", "the reason, unless done or pruned"),
    "architecture": Column("text", "", "text form of the network"),
    "test_accuracy": Column("number", "percent", "read once after the last epoch of a final training"),
    "val_accuracy": Column("number", "percent", "on the validation split: of searches, scores and tuning trials"),
    "scored_by": Column("text", "", "of a score: train, supernet or a zero-cost score"),
    "score": Column("number", "", "zero-cost score of an untrained network"),
    "train_loss": Column("number", "nats", "mean cross entropy of the last epoch"),
    "test_loss": Column("number", "nats", "mean cross entropy of the test set"),
    "chance": Column("number", "percent", "accuracy of guessing: what a failed training counts with"),
    "parameters": Column("integer", "", "of the network"),
    "macs": Column("integer", "", "multiply-accumulates of one image"),
    "latency": Column("number", "seconds", "of the network, where a table that was asked says it"),
    "shortcuts": Column("integer", "", "of the architecture"),
    "long_shortcuts": Column("integer", "", "shortcuts over 4 blocks or more"),
    "epochs": Column("integer", "epochs", "done"),
    "epochs_before": Column("integer", "epochs", "of the shorter training that it went on from (successive halving)"),
    "warmup_epochs": Column("integer", "epochs", "of these, those before the search that trained the weights alone"),
    "seconds": Column("number", "seconds", "wall time"),
    "device_seconds": Column("number", "seconds", "wall time, times the trial's share of the device"),
    "peak_memory_bytes": Column("integer", "bytes", "most memory that the trial took"),
    "device": Column("text", "", "cpu, cuda, …"),
    "hardware": Column("text", "", "processor or GPU"),
    "threads": Column("integer", "", "of the trial"),
    "path": Column("text", "", "how steps were run"),
    "precision": Column("text", "", "fp32 or bf16"),
    "host": Column("text", "", "name of the machine"),
    "started": Column("time", "", "when the trial began"),
    "finished": Column("time", "", "when the trial ended"),
    "commit": Column("text", "", "of the harness's source"),
    "dirty": Column("boolean", "", "whether that source had uncommitted changes"),
    "split": Column("text", "", "hash of the images used, split by split"),
    "warnings": Column("list", "", "such as that the search collapsed"),
}
PREFIXES: Mapping[str, Column] = {  # columns of a trial that differ from study to study
    "recipe.": Column("value", "", "field of the recipe that it was trained with (docs/study.md)"),
    "version.": Column("text", "", "version of a package"),
}
CURVES: Mapping[str, Column] = {
    **{name: RUNS[name] for name in ("key", "study", "kind", "method", "role", "seed", "train_seed", "twin")},
    "epoch": Column("integer", "", "from 1"),
    "train_loss": Column("number", "nats", "mean cross entropy of the epoch"),
    "val_accuracy": Column("number", "percent", "on the validation split; of a search that of the supernet"),
    "test_accuracy": Column("number", "percent", "only where the study has test_curve; nothing is chosen by it"),
    "entropy": Column("number", "bits", "of α"),
    "eigenvalue": Column("number", "", "largest Hessian eigenvalue, where an early stop watches it"),
}
CURVE_PREFIXES: Mapping[str, Column] = {
    "counts.": Column("number", "", "shortcuts of the architecture that this rule would read now"),
    "discretised_accuracy.": Column("number", "percent", "of that architecture inside the supernet"),
}
TYPES = {"text": "string", "list": "string", "integer": "Int64", "number": "float64", "boolean": "boolean"}


def runs(results: Results) -> pd.DataFrame:
    """A line for each trial, sorted by key: the row that counts. Columns: `RUNS`, then those of `PREFIXES`."""
    trials, rows = results.trials, _of_methods(results)
    found: dict[str, Any] = {name: trials[name] for name in RUNS if name in trials}
    for name in ("methods", "warnings"):
        found[name] = trials[name].map(lambda parts: ";".join(map(str, parts)))
    for name in ("rule", "search_epochs"):
        found[name] = trials["method"].map({method: row.get(name) for method, row in rows.items()})
    out = pd.DataFrame({name: _typed(found[name], column.type) for name, column in RUNS.items()}, index=trials.index)
    return pd.concat([out, _unpacked(trials["recipe"], "recipe."), _unpacked(trials["versions"], "version.")], axis=1)


def curves(results: Results) -> pd.DataFrame:
    """A line for each trial and epoch, of trials that have a curve. Columns: those of `CURVES` and `CURVE_PREFIXES`
    that any trial has."""
    trials = results.trials[results.trials["curve"].map(bool).astype(bool)]
    every = [{name: np.asarray(values, np.float64) for name, values in curve.items()} for curve in trials["curve"]]
    lengths = [len(next(iter(curve.values()))) for curve in every]
    found: dict[str, Any] = {name: np.repeat(trials[name].to_numpy(), lengths) for name in CURVES
                             if name in trials and name not in CURVE}  # fmt: skip
    first = trials["epochs_before"].to_numpy(dtype=int) + 1
    ranges = [np.arange(start, start + length) for start, length in zip(first, lengths, strict=True)]
    found["epoch"] = np.concatenate(ranges) if ranges else np.zeros(0)
    for name in sorted({name for curve in every for name in curve}):
        missing = (np.full(length, np.nan) for length in lengths)
        found[name] = np.concatenate([curve.get(name, none) for curve, none in zip(every, missing, strict=True)])
    kinds = {name: column.type for name, column in CURVES.items()}
    return pd.DataFrame({name: _typed(pd.Series(values), kinds.get(name, "number")) for name, values in found.items()})


def dictionary(trials: pd.DataFrame, epochs: pd.DataFrame) -> pd.DataFrame:
    """What each column of `runs` and of `curves` holds."""
    tables = (("runs", trials, RUNS, PREFIXES), ("curves", epochs, CURVES, CURVE_PREFIXES))
    lines = [(table, name, *described(str(name), known, prefixes)) for table, frame, known, prefixes in tables
             for name in frame]  # fmt: skip
    return pd.DataFrame(lines, columns=["table", "column", "type", "unit", "meaning"])


def described(name: str, known: Mapping[str, Column], prefixes: Mapping[str, Column]) -> Column:
    return known.get(name) or next(column for start, column in prefixes.items() if name.startswith(start))


def _of_methods(results: Results) -> dict[Any, Mapping[str, Any]]:
    """Row of the table, or its twins' row → what the study says of it."""
    return {name: row for row in results.study.get("rows") or () for name in (row["method"], row.get("twin")) if name}


def _unpacked(texts: pd.Series, prefix: str) -> pd.DataFrame:
    """Objects kept as JSON, a column for each field that has a value, by its dotted name."""
    values = [dict(_flat(json.loads(text), prefix)) if text else {} for text in texts]
    frame = pd.DataFrame(values, index=texts.index)
    return frame[sorted(map(str, frame))].dropna(axis=1, how="all").convert_dtypes()


def _flat(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _typed(values: "pd.Series[Any]", kind: str) -> "pd.Series[Any]":
    if kind == "time":
        return pd.to_datetime(values, utc=True, errors="coerce", format="ISO8601")
    return values.astype(pd.api.types.pandas_dtype(TYPES[kind]))
