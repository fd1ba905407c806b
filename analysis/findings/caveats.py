"""What weakens a report, in plain words."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import inf, isnan, nan

import pandas as pd

from analysis.findings.comparisons import Compared, Comparison
from analysis.findings.matched import matches
from analysis.findings.recipes import recipes
from analysis.findings.rules import rules
from analysis.findings.verdict_caveats import doubts
from analysis.numbers import minus
from analysis.results.aggregate import done
from analysis.results.rows import Results
from analysis.results.searches import named
from analysis.results.table import Line, family
from analysis.statistics.power import FARTHEST, MOST, detectable

GAP = 10  # points between a supernet and what is read from it, above which a report says so
ORIGINS = {"device": "devices", "hardware": "kinds of processor or GPU", "precision": "precisions",
           "path": "engine paths"}  # fmt: skip
MOVED = "a part of its epochs ran on"  # begins such a warning (harness/vocabulary/rows.py)
FEW = 5  # search seeds below which a report says that they are few


def caveats(results: Results, table: Sequence[Line], found: Compared) -> list[str]:
    """One sentence or two for each weakness that the rows show; empty where there is none."""
    used = _used(results, table)
    return [
        *_looked_up(results),
        *results.study.get("notes", []),
        *doubts(results, table, found),
        *_seeds(results, table, found),
        *_unfinished(table),
        *_pairs(found.twins),
        *_parameters(results, table),
        *_origins(used),
        *_recipes(results, table),
        *_start_values(results),
        *_undecided(results),
        *_rows(results),
    ]


def _used(results: Results, table: Sequence[Line]) -> pd.DataFrame:
    names = [name for line in table for name in (line.method, line.twin) if name]
    return pd.concat([done(results.trainings(name)) for name in names] or [results.trials.iloc[:0]])


CHOSEN = {  # by what a search sees of the table
    "run": "; a search sees one run, and the network that it chose is judged by the mean of the other runs",
    "mean": "; a search sees the mean of all runs and its network is judged by the same mean, which flatters what was "
            "chosen",
}  # fmt: skip


def _looked_up(results: Results) -> Iterator[str]:
    """What a table's accuracies are, and what chose the networks that are judged by it."""
    table: Mapping[str, str] = results.study.get("table") or {}
    if "table" in results.differ:
        yield "Not all accuracies are of trainings on the same footing: some networks were looked up in a table."
        return
    if not table:
        return
    scored = bool((results.trials["kind"].isin(("score", "black-box")) & (results.trials["path"] == "table")).any())
    chosen = CHOSEN["mean" if table.get("signal") == "mean" else "run"] if scored else ""
    yield (
        f"No network was trained: accuracies are the validation accuracies of {table.get('name')}, which has no test "
        f"accuracies{chosen}."
    )


def _seeds(results: Results, table: Sequence[Line], found: Compared) -> Iterator[str]:
    counts = [line.cells["accuracy"].n for line in table if line.cells["accuracy"].n and not line.best_of]
    fixed = rules(results)
    if counts and min(counts) < FEW:
        n = min(counts)
        visible = " One seed shows no spread at all."
        if (trained := (results.study.get("seeds") or {}).get("train", 1)) > 1:
            visible += (
                f" The {trained} trainings of an architecture are averaged into one value: seeds.search = {trained} in "
                f"place of seeds.train gives {trained} values, their spread and tests."
            )
        if n > 1:
            unit = detectable(n, fixed.alpha / fixed.times / max(1, found.size))
            least = f"{FARTHEST:,.0f}" if isnan(unit) else f"{unit:,.1f}"
            visible = (
                f" With {n} pairs only differences above {least} standard deviations of the differences would usually "
                "be found (four times in five, at the level of the smallest p by Holm's method)."
            )
        yield f"Few seeds: {n} search seed{'s' * (n > 1)} in the smallest cell.{visible}"
    groups = {line.method: line.cells["accuracy"].n for line in table if line.best_of}
    if few := [f"{method} (n={n})" for method, n in groups.items() if 0 < n < FEW]:
        yield f"Few groups of searches, of each of which the best one counts: {', '.join(few)}."
    if unclear := [c for c in found.twins.values() if c.inconclusive]:
        verb = "is" if len(unclear) == 1 else "are"
        yield (
            f"{len(unclear)} of {len(found.twins)} comparisons with twins {verb} inconclusive, which is no evidence of "
            f"equality: to find {fixed.smallest:g} points would take {_seeds_needed(unclear)} seeds."
        )


def _seeds_needed(unclear: Sequence[Comparison]) -> str:
    """By the comparison that needs fewest and the one that needs most."""
    ordered = sorted((c.needed for c in unclear), key=lambda needed: inf if needed.value is None else needed.value)
    least, most = (
        f"more than {MOST:,}" if one.value is None else f"{one.value:,}" for one in (ordered[0], ordered[-1])
    )
    if least != most:
        return f"{least} to {most}"
    return least if ordered[0].value is None else str(ordered[0])


def _unfinished(table: Sequence[Line]) -> Iterator[str]:
    states = [(name, state) for line in table
              for name, state in ((line.method, line.state), (line.twin, line.twin_state)) if state]  # fmt: skip
    if open_cells := [f"{name} ({state})" for name, state in states if state.unfinished]:
        yield f"Unfinished: {', '.join(open_cells)}."


def _pairs(twins: Mapping[str, Comparison]) -> Iterator[str]:
    for comparison in twins.values():
        if comparison.missing and comparison.difference.n:
            yield (
                f"{comparison.method}: {comparison.missing} seed{'s' * (comparison.missing > 1)} without a complete "
                "pair, left out of the paired difference."
            )


def _parameters(results: Results, table: Sequence[Line]) -> Iterator[str]:
    closely = matches(results, table).get("parameters", ())
    apart: dict[bool, list[str]] = {}
    for line in table:
        own, twins = line.cells["parameters"], line.twin_cells.get("parameters")
        if own.n and own.mean and twins is not None and twins.n and abs(twins.mean / own.mean - 1) > 0.01:
            said = f"{line.twin} {minus(f'{100 * (twins.mean / own.mean - 1):+.1f}')} %"
            apart.setdefault(family(str(line.twin)) in closely, []).append(said)
    if False in apart:
        yield f"Twins match in the number of shortcuts, not in parameters: {', '.join(apart[False])}."
    if True in apart:
        yield f"Twins of nearly equal parameters still differ in them: {', '.join(apart[True])}."


def _origins(used: pd.DataFrame) -> Iterator[str]:
    commits = set(used["commit"].dropna())
    if len(commits) > 1:
        yield f"Rows come from {len(commits)} commits: {', '.join(sorted(commit[:8] for commit in commits))}."
    if dirty := int((used["dirty"] == True).sum()):  # noqa: E712
        yield f"{dirty} rows were made with uncommitted changes: their commit does not tell what ran."
    for column, what in ORIGINS.items():
        if len(kinds := sorted(set(used[column].dropna().map(str)))) > 1:
            yield f"Rows come from {len(kinds)} {what} ({', '.join(kinds)}): {_mixed(used, column)}."
    versions = [json.loads(text) for text in set(used["versions"].dropna())]
    for name in sorted({name for version in versions for name in version}):
        if len(kinds := sorted({str(version.get(name)) for version in versions})) > 1:
            yield f"Rows come from {len(kinds)} versions of {name} ({', '.join(kinds)})."


def _mixed(used: pd.DataFrame, column: str) -> str:
    """Whether the trainings of one search seed, which are compared as pairs, differ in `column`."""
    seeds = used.dropna(subset=[column]).groupby(["data", "seed"])
    several = seeds[column].nunique() > 1
    if column == "hardware":
        several |= seeds["warnings"].agg(lambda said: any(one.startswith(MOVED) for row in said for one in row))
    if not several.any():
        return "the trainings of each search seed from one, so that no pair mixes them"
    return (
        f"those of {several.sum()} of {len(several)} search seeds from more than one, so that pairs mix them; "
        "accuracies may differ by more than the method"
    )


def _recipes(results: Results, table: Sequence[Line]) -> Iterator[str]:
    kinds = recipes(results, table)
    if len(kinds) > 1:
        yield (
            f"Methods were trained with {len(kinds)} recipes: "
            f"{'; '.join(', '.join(names) for names in kinds.values())}."
        )


def _undecided(results: Results) -> Iterator[str]:
    """Searches whose networks fall far behind the supernet that they are read from, with the same weights."""
    for name, trials in named(results).groupby("method"):
        ends = pd.DataFrame(
            [{field: values[-1] for field, values in (curve or {}).items()} for curve in done(trials)["curve"]]
        ).mean()
        supernet, before = ends.get("val_accuracy", nan), "discretised_accuracy."
        read = {
            str(field).removeprefix(before): value for field, value in ends.items() if str(field).startswith(before)
        }
        behind = [f"{value:.1f} % ({rule})" for rule, value in sorted(read.items()) if supernet - value > GAP]
        if behind:
            yield (
                f"{name}: after the last epoch the supernet reaches {supernet:.1f} % on the validation split, what is "
                f"read from it {', '.join(behind)} with the same weights: what was optimised is not what is compared."
            )


def _start_values(results: Results) -> Iterator[str]:
    """Of folders begun before schema 5. Networks that a table judges were trained from other weights."""
    trials = done(results.trials)
    searches = {*trials["key"][(trials["kind"] == "search") & (trials["schema"] < 5)]}
    trained = (trials["role"] == "method") & (trials["path"] != "table")
    if trained.any() and any(searches.intersection(needs) for needs in trials["needs"]):
        yield (
            "Supernets started from the weights from which the networks that were read from them were then trained "
            "(schema 4 or before): a search could find what suits these weights, and random twins could not."
        )


def _rows(results: Results) -> Iterator[str]:
    said = Counter(warning for warnings in results.trials["warnings"] for warning in warnings)
    for warning, n in sorted(said.items(), key=lambda item: (-item[1], item[0])):
        yield f"{warning} ({n} row{'s' * (n > 1)})"
    if results.differ:
        yield f"The studies put together here differ in {', '.join(results.differ)}: their rows compare only so far."
    if n := results.unplanned:
        yield f"{n} row{'s are' if n > 1 else ' is'} of no job of the study as it stands in study.json: left out."
    if results.torn:
        yield f"{results.torn} line{'s' * (results.torn > 1)} of trials.jsonl could not be read."
    if any("test_accuracy" in (curve or {}) for curve in results.trials["curve"]):
        yield "Test accuracy was recorded after every epoch, for a figure; nothing here was chosen by it."
