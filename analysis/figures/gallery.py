"""Which figures a report has, in order, each with its caption."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, count
from typing import Any

import pandas as pd

from analysis.figures.style import Drawing, rendered, styled
from analysis.findings.collect import Findings
from analysis.findings.over_data_sets import Summary, by_seed, common, summaries
from analysis.findings.rules import rules
from analysis.numbers import as_csv
from analysis.results import data_sets
from analysis.results.table import Line
from spaces.architecture import Cells, Shortcuts

MEANS = "mean over search seeds, bars one standard deviation; hollow points are the random twins"
LINES = "with regression lines and their 95 % bands (CR2 by search)"
ALONE = "recorded for this figure alone; nothing was chosen by it"
FRONTS = {"parameters": "parameters", "macs": "multiply-accumulates", "latency": "latency"}
SO_FAR = "The best validation accuracy that a search has seen so far, mean over searches with its interval,"
SEEN = ". A search that sees single runs can see more than the best mean. Each panel leaves out what lies far below."
CAPTIONS = {
    "accuracy-parameters": f"Test accuracy against parameters: {MEANS}.",
    "accuracy-shortcuts": f"Test accuracy against shortcuts: {MEANS}.",
    "slope-parameters": f"Test accuracy of every searched network against parameters, {LINES}.",
    "slope-shortcuts": f"Test accuracy of every searched network against shortcuts, {LINES}.",
    "slope-twins-parameters": f"Test accuracy of every random twin against parameters, {LINES}.",
    "slope-twins-shortcuts": f"Test accuracy of every random twin against shortcuts, {LINES}.",
    **{
        f"front-{name}": f"Test accuracy of every network that was found against {words}, and the Pareto front: what "
        "no other network of these searches beats in both. What lies far below is left out."
        for name, words in FRONTS.items()
    },
    **{
        f"front-searched-{name}": f"The Pareto fronts of validation accuracy and {words} that searches for both saw, "
        "a line a search; the lowest quarter of their points is left out."
        for name, words in FRONTS.items()
    },
    **{
        f"accuracy-latency-{batch}": f"Test accuracy against measured latency at batch {batch}: {MEANS}; the front is "
        "what no other row beats in both means."
        for batch in (1, 64)
    },
    "accuracy-cost": "Test accuracy against what it costs to find and train one network. Failed trainings count with "
    "the accuracy of guessing.",
    "cost": "Device-hours to find and train one network, by kind of trial.",
    "distributions": "Test accuracy of every run, hollow for random twins; below each row, mean and 95 % interval.",
    "pairwise": "Row minus column, points of accuracy. Framed with ✱: a difference is shown after Holm's method.",
    "ranks": "Rank of each row by accuracy: mean over search seeds on each data set, and over all of them with the "
    "interval over seeds. It says nothing of other data sets.",
    "critical-difference": "Mean ranks over the data sets. Bars below join rows that Nemenyi's test cannot tell apart, "
    "which does not show that they are equal. Whether two are joined depends on which other rows take part (Benavoli "
    "et al. 2016); ranks do not say by how much a row is better.",
    "scores": "Rank correlation of each zero-cost score with test accuracy, over all networks that were trained, and "
    "its 95 % interval. Dotted: that of parameters, which a score is to beat.",
    "cell-structure": "The search cell: every edge takes one of the candidate operations.",
    "cells": "The cells that were found, of the first seed; faint edges do not reach the output.",
    "networks": "Networks that were found, of the first seed: an arc is the thicker the more of the seeds hold it.",
    "shortcut-lengths": "How far shortcuts reach: mean number per network by length, beside the random twins.",
    "shortcut-targets": "Where shortcuts end: mean number per network by block, beside the random twins.",
    "alpha": "α, mean over seeds. A dot marks α above 0.",
    "progress-queries": f"{SO_FAR} after so many queries{SEEN}",
    "progress-cost": f"{SO_FAR} against what the table says that its trainings took{SEEN}",
    "search-accuracy": "Accuracy on the validation split of the training images: of the supernet, and of what each "
    "rule reads, with the supernet's weights; mean over searches, range shaded.",
    "search-counts": "Shortcuts that each rule would keep after each epoch of the search; mean over searches, "
    "range shaded.",
    "search-entropy": "Entropy of α during the search; mean over searches, range shaded.",
    "search-eigenvalue": "Largest eigenvalue of the Hessian of the loss on the validation split, in α; mean over "
    "searches, range shaded.",
    "search-test": f"Test accuracy during the search, mean and range, {ALONE}.",
    "learning-curves": "Training loss of the final trainings: mean over runs, range shaded.",
    "test-curves": f"Test accuracy after each epoch, {ALONE}.",
}


@dataclass(frozen=True)
class Picture:
    """A drawing with its file name; `group` is the heading under which the page shows it."""

    name: str
    group: str
    caption: str
    drawing: Drawing

    @property
    def broad(self) -> bool:
        """Wider than half a page."""
        return bool(self.drawing.figure.get_figwidth() > 8)

    @cached_property
    def images(self) -> dict[str, bytes]:
        """The picture in each format, by the format's name."""
        return rendered(self.drawing.figure)


Drawn = Iterator[tuple[str, Drawing | None]]


def pictures(found: Findings) -> list[Picture]:
    """Every figure for which there are rows."""
    groups = {"Accuracy": _accuracy, "Comparisons": _comparisons, "Architectures": _architectures, "Search": _search,
              "Training": _training}  # fmt: skip
    with styled():
        return [
            Picture(name, group, _caption(name), drawing)
            for group, drawn in groups.items()
            for name, drawing in drawn(found)
            if drawing is not None
        ]


def numbers(folder: str, drawn: Sequence[Picture]) -> dict[str, str]:
    """File name → what each figure was drawn from, as CSV."""
    return {f"{folder}/{one.name}.csv": as_csv(one.drawing.data) for one in drawn}


def images(folder: str, drawn: Sequence[Picture]) -> dict[str, bytes]:
    """File name → content."""
    return {f"{folder}/{one.name}.{kind}": content for one in drawn for kind, content in one.images.items()}


def _caption(name: str) -> str:
    """Of a figure, or of one of the figures of this kind: one for each data set, or for each search's α."""
    if name in CAPTIONS:
        return CAPTIONS[name]
    if name.startswith("alpha-"):
        return f"{name.removeprefix('alpha-')}: {CAPTIONS['alpha']}"
    kind = max((kind for kind in CAPTIONS if name.startswith(f"{kind}-")), key=len)
    return f"{name.removeprefix(f'{kind}-')}: {CAPTIONS[kind]}"


def file_names(names: Iterable[str]) -> dict[str, str]:
    """Name → a part of a file's name and of HTML, whatever the name holds; no two names get one."""
    found: dict[str, str] = {}
    for name in names:
        plain, taken = re.sub(r"[^\w.-]+", "-", name), found.values()
        found[name] = next(one for one in chain([plain], (f"{plain}-{n}" for n in count(2))) if one not in taken)
    return found


def named_by_data_set(found: Findings, methods: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """The end of a figure's name, and those of `methods` that are of one data set: no axis has accuracies of two."""
    groups = data_sets.groups(found.results.study, methods)
    ends = file_names(groups)
    for data, own in groups.items():
        yield f"-{ends[data]}" if data else "", own


def by_data_set(found: Findings) -> Iterator[tuple[str, list[Line]]]:
    for end, own in named_by_data_set(found, [line.method for line in found.table]):
        yield end, [line for line in found.table if line.method in own]


def _accuracy(found: Findings) -> Drawn:
    from analysis.figures import accuracy, fronts, latencies, scale

    for quantity in ("parameters", "shortcuts"):
        for end, lines in by_data_set(found):
            yield f"accuracy-{quantity}{end}", accuracy.accuracy_against(lines, quantity)
    for name, models in (("slope", found.models), ("slope-twins", found.twin_models)):
        for model in models:
            for end, groups in named_by_data_set(found, list(model.slopes.slopes)):
                yield f"{name}-{model.quantity}{end}", scale.regression(model, groups)
    yield from ((f"front-{quantity}", fronts.front(found.results, found.table, quantity)) for quantity in FRONTS)
    yield from (
        (f"front-searched-{quantity}", fronts.searched(found.results, found.table, quantity)) for quantity in FRONTS
    )
    for end, lines in by_data_set(found):
        for batch in (1, 64):
            yield f"accuracy-latency-{batch}{end}", latencies.against_latency(found.results, lines, batch)
    for end, lines in by_data_set(found):
        yield f"accuracy-cost{end}", scale.cost_front(found.results, lines)
    yield "cost", scale.cost_bars(found.table)


def _comparisons(found: Findings) -> Drawn:
    from analysis.figures import critical_difference, distributions, ranks, scores

    for end, lines in by_data_set(found):
        yield f"distributions{end}", distributions.distributions(found.results, lines)
    yield "pairwise", distributions.pairwise(found.pairs)
    yield "ranks", ranks.over_data_sets(*_over_data_sets(found))
    yield "critical-difference", critical_difference.ranks(found.over, rules(found.results).alpha)
    yield "scores", scores.correlations(found.scores)


def _over_data_sets(found: Findings) -> tuple[list[Summary], dict[str, pd.DataFrame], float]:
    level = rules(found.results).level
    sets, names = common(found.results, found.table)
    each = {data: by_seed(found.results, data, names) for data in sets}
    return summaries(found.results, found.table, level), each, level


def _architectures(found: Findings) -> Drawn:
    from analysis.figures import alphas, drawings
    from analysis.results import searches

    known = {line.method: searches.architectures(found.results.trainings(line.method)) for line in found.table}
    known = {method: all_ for method, all_ in known.items() if all_ and not _bare(all_[0])}
    if not known:
        return
    first = next(iter(known.values()))[0]
    if isinstance(first, Cells):
        yield "cell-structure", drawings.structure(first)
    yield "cells" if isinstance(first, Cells) else "networks", drawings.networks(known)
    yield "shortcut-lengths", alphas.lengths(found.results, found.table)
    yield "shortcut-targets", alphas.targets(found.results, found.table)


def _bare(architecture: Any) -> bool:
    """A VGG without shortcuts needs no drawing."""
    return isinstance(architecture, Shortcuts) and not architecture.pairs


def _search(found: Findings) -> Drawn:
    from analysis.figures import alphas, curves, progress
    from analysis.results import searches

    level = rules(found.results).level
    yield "progress-queries", progress.against_queries(found.results, found.table, level)
    yield "progress-cost", progress.against_cost(found.results, found.table, level)

    trials = searches.named(found.results)
    named = file_names(trials["method"].map(str).unique())
    for name, own in trials.groupby("method"):
        yield f"alpha-{named[str(name)]}", alphas.heat_maps(found.results, own)
    fields = sorted({field for curve in trials["curve"] for field in curve or ()})
    counts = {field: f"rule {field.split('.')[1]}" for field in fields if field.startswith("counts.")}
    read = {field: f"as read by {field.split('.')[1]}" for field in fields if field.startswith("discretised_accuracy.")}
    accuracy = "Accuracy on the validation split, %"
    yield "search-accuracy", curves.searches(trials, {"val_accuracy": "supernet", **read}, accuracy)
    yield "search-counts", curves.searches(trials, counts, "Shortcuts")
    yield "search-entropy", curves.searches(trials, {"entropy": ""}, "Mean entropy of α, bits")
    yield "search-eigenvalue", curves.searches(trials, {"eigenvalue": ""}, "Largest eigenvalue")
    yield "search-test", curves.searches(trials, {"test_accuracy": ""}, "Test accuracy, %")


def _training(found: Findings) -> Drawn:
    from analysis.figures import curves

    for field, name, label in (("train_loss", "learning-curves", "Training loss"),
                               ("test_accuracy", "test-curves", "Test accuracy, %")):  # fmt: skip
        for end, lines in by_data_set(found):
            yield f"{name}{end}", curves.trainings(found.results, [line.method for line in lines], field, label)
