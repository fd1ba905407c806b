"""The 14 practices of Lindauer and Hutter (2020, JMLR 21:243), each with what was done, from the rows."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.findings import how_searched
from analysis.findings.caveats import ORIGINS
from analysis.findings.comparisons import Comparison
from analysis.findings.matched import short
from analysis.results import data_sets
from analysis.results.aggregate import done
from analysis.results.rows import Results
from analysis.results.table import Line

SAME = {**ORIGINS, "commit": "commits", "versions": "sets of versions"}  # column → its values, in words


@dataclass(frozen=True)
class Practice:
    """`met`: yes, partly, no, or yours (what the authors of a study alone can answer)."""

    number: int
    title: str
    met: str
    done: str


def practices(results: Results, table: Sequence[Line], twins: Mapping[str, Comparison]) -> list[Practice]:
    """The checklist in the paper's order."""
    answers = [
        ("Release code for the training pipeline", *_code(results)),
        ("Release code for the search method", *_code(results)),
        ("Do not wait until the code is clean", *_dirty(results)),
        ("Use the same benchmark, not only the same data set", *_benchmark(results)),
        ("Run ablation studies", *_ablations(results, table)),
        ("Use the same evaluation protocol for all methods", *_protocol(results, table)),
        ("Evaluate performance as a function of compute", *_compute(table)),
        ("Compare against random sampling and random search", *_random(results, table)),
        ("Perform multiple runs with different seeds", *_seeds(table)),
        ("Use tabular or surrogate benchmarks if possible", *_tabular(results)),
        ("Control confounding factors", *_confounding(results, twins)),
        ("Report the use of hyperparameter optimisation", *_tuning(results)),
        ("Report the time of the whole method, end to end", *_time(table)),
        ("Report all details of the experimental setup", *_setup(results)),
    ]
    return [Practice(number, *answer) for number, answer in enumerate(answers, 1)]


Answer = tuple[str, str]


def _code(results: Results) -> Answer:
    commits = sorted(set(results.trials["commit"].dropna()))
    if not commits:
        return "yours", "The rows name no commit: say where the code is."
    return "yes", f"nas-harness, commit {', '.join(commit[:12] for commit in commits)}."


def _dirty(results: Results) -> Answer:
    changed = int(sum(value is True for value in results.trials["dirty"]))
    if changed:
        return "partly", f"{changed} of {len(results.trials)} rows were made with changes that no commit holds."
    if nameless := int(results.trials["commit"].isna().sum()):
        return "yours", f"{nameless} of {len(results.trials)} rows name no commit."
    return "yes", "Each row names the version and commit that made it, without uncommitted changes."


def _benchmark(results: Results) -> Answer:
    study = results.study
    splits = results.trials["split"].dropna().nunique()
    differ = [field for field in results.differ if field in ("space", "space_options", "data", "table")]
    if differ:
        return "no", f"The studies put together here differ in {', '.join(differ)}."
    if table := _table(results):
        return "yes", f"All methods search the space {study.get('space')} and are judged by {table}."
    return "yes", (
        f"All methods search the space {study.get('space')} on {data_sets.names(study)} with the same splits, which "
        f"the rows name by a hash of their image indices ({splits} in all), and the same trainings."
    )


def _table(results: Results) -> str:
    """The table of trainings that were done before; empty where networks were trained, be it some of them."""
    return "" if "table" in results.differ else str((results.study.get("table") or {}).get("name") or "")


def _tabular(results: Results) -> Answer:
    if table := _table(results):
        return "yes", f"The accuracies of networks are looked up in {table}."
    if "table" in results.differ:
        return "partly", "Some of the studies put together here look accuracies up in a table."
    return "no", "Every number comes from a training that was run."


def _lengths(table: Sequence[Line]) -> dict[str, list[int]]:
    """Method → the lengths of search, in epochs, after which it was read."""
    found: dict[str, set[int]] = {}
    for line in table:
        if line.search_epochs:
            found.setdefault(line.label, set()).add(line.search_epochs)
    return {method: sorted(lengths) for method, lengths in found.items()}


def _ablations(results: Results, table: Sequence[Line]) -> Answer:
    """Rules that read one and the same search, of methods that differ in nothing else, and lengths of one."""
    if results.together:
        return "yours", "The report of each study says what it varies."
    read: dict[str, set[str]] = {}
    for method in results.study.get("methods") or ():
        if method.get("rule"):
            others = {name: value for name, value in method.items() if name not in ("name", "rule", "twins")}
            read.setdefault(json.dumps(others, sort_keys=True), set()).add(str(method["rule"]))
    rules_: list[str] = max(map(sorted, read.values()), key=len, default=[])
    epochs = max(_lengths(table).values(), key=len, default=[])
    parts = [f"{len(rules_)} rules ({', '.join(rules_)})"] if len(rules_) > 1 else []
    parts += [f"{len(epochs)} lengths of search ({', '.join(map(str, epochs))} epochs)"] if len(epochs) > 1 else []
    if not parts:
        return "no", "The study varies nothing but the method."
    return "partly", f"Varied, with all else equal: {' and '.join(parts)}."


def _protocol(results: Results, table: Sequence[Line]) -> Answer:
    recipes = {recipe for line in table for recipe in results.trainings(line.method)["recipe"].dropna()}
    watched = any("test_accuracy" in (curve or {}) for curve in results.trials["curve"])
    read = "recorded after every epoch, for a figure, and reported from the last" if watched else \
        "read once, after the last epoch"  # fmt: skip
    if (table_ := _table(results)) and not recipes:
        return "yes", f"All networks are judged by {table_}, each by the same trainings whichever method found it."
    protocol = f"Test accuracy is {read}; searches learn from training images only."
    if len(recipes) > 1:
        return "partly", f"Methods were trained with {len(recipes)} recipes. {protocol}"
    return "yes", f"All networks were trained anew with one recipe. {protocol}"


def _compute(table: Sequence[Line]) -> Answer:
    epochs = max(_lengths(table).values(), key=len, default=[])
    if len(epochs) > 1:
        return "yes", f"Accuracy at {', '.join(map(str, epochs))} epochs of search, and against device-hours."
    return "partly", "Accuracy against device-hours; each search has one length."


def _random(results: Results, table: Sequence[Line]) -> Answer:
    searched = [line for line in table if line.role == "method"]
    matched = [line for line in searched if line.twin]
    strategies = _strategies(results)
    search = "random search is among the methods; its cost stands beside theirs" if "random-search" in strategies \
        else "random search is not among the methods"  # fmt: skip
    if not matched:
        return (
            ("partly", f"No random twins; {search}.") if "random-search" in strategies else ("no", "No random twins.")
        )
    met = "yes" if len(matched) == len(searched) and "random-search" in strategies else "partly"
    kind = short(results, table)
    return met, f"{len(matched)} of {len(searched)} methods stand beside random twins {kind}; {search}."


def _strategies(results: Results) -> set[str]:
    return {
        how_searched.strategy(study, method)
        for study in results.study.get("studies") or [results.study]
        for method in study.get("methods") or ()
    }


def _seeds(table: Sequence[Line]) -> Answer:
    counts = [line.cells["accuracy"].n for line in table if not line.best_of]
    if not any(counts):
        return "no", "No run has finished."
    low, high = min(counts), max(counts)
    seeds = str(low) if low == high else f"{low} to {high}"
    return (
        "yes" if low >= 5 else "partly" if low > 1 else "no"
    ), f"{seeds} search seeds a method; n stands beside every ±."


def _confounding(results: Results, twins: Mapping[str, Comparison]) -> Answer:
    trained = results.trials[results.trials["kind"] == "train"]
    kinds = {column: (trained if column == "path" else results.trials)[column].dropna().nunique() for column in SAME}
    mixed = [f"{n} {SAME[column]}" for column, n in kinds.items() if n > 1]
    if (table := _table(results)) and (trained["path"] == "table").all():
        return "yes", f"Accuracies are those of {table}: which method found a network changes nothing in them."
    pairs = "A searched network, its twins and the baseline of one seed see the same images in the same order."
    trained = trained.dropna(subset=["split"])
    if (trained.groupby(["data", "seed"])["split"].nunique() > 1).any():
        return "partly", "Not all trainings of one seed saw the same images; those that did not are not paired."
    if mixed:
        return "partly", f"{pairs} But rows come from {', '.join(mixed)}."
    unknown = [column for column, n in kinds.items() if not n]
    if unknown:
        return "partly", f"{pairs} Rows do not say their {', '.join(unknown)}."
    return "yes", f"{pairs} No rows differ in device, processor, precision, engine path, commit or versions."


def _tuning(results: Results) -> Answer:
    tuned = results.trials[results.trials["kind"] == "tune"]
    if tuned.empty:
        return "yours", "Nothing was tuned in this study: say where its recipe comes from."
    spent = tuned["device_seconds"].sum() / 3600
    return (
        "yes",
        f"{len(tuned)} tuning trials, {spent:.2f} device-hours, on a part of the training images; see the cost.",
    )


def _time(table: Sequence[Line]) -> Answer:
    costs = [(line.method, line.cells["cost"]) for line in table if line.cells["cost"].n]
    if not costs:
        return "no", "No run has finished."
    spent = ", ".join(f"{method} {spread.mean / 3600:.2f}" for method, spread in costs)
    return (
        "yes",
        f"Device-hours to find and train one network, searches, scoring, tuning and training counted: {spent}.",
    )


def _setup(results: Results) -> Answer:
    trials = done(results.trials)
    trials = trials[trials["path"] != "table"]  # what is looked up runs on nothing
    full = trials.dropna(subset=["device", "versions"])
    lacking = len(trials) - len(full)
    if lacking:
        return "partly", f"{lacking} rows do not say what they ran on."
    return (
        "yes",
        "study.json holds every setting; each row its seeds, recipe, split, device, threads, versions and commit.",
    )
