"""The tables of a report as plain sheets: titles, texts of cells, and which rows each cell comes from."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite, isnan

from analysis.findings.published import Beside
from analysis.findings.recipes import described, recipes
from analysis.findings.slopes import Model
from analysis.numbers import EMPTY, p_value, plus, signed
from analysis.results.aggregate import Spread, State
from analysis.results.rows import Results
from analysis.results.table import Line
from analysis.statistics.paired import Components, Estimate


@dataclass(frozen=True)
class Cell:
    """`methods`: the table rows whose trials the text comes from; `mark`: of significance, on paper."""

    text: str
    methods: tuple[str, ...] = ()
    mark: str = ""


@dataclass(frozen=True)
class Sheet:
    """`last_apart`: the last row stands under a rule of its own (the baseline); `paper`: it is made in LaTeX, too."""

    name: str
    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    last_apart: bool = False
    paper: bool = True
    caption: str = ""  # on paper in place of `note`


BEST_OF = (
    " Best of k: of every k searches the network that did best on the validation split, trained anew. n is the number "
    "of such groups, the cost that of all k searches, of the trainings that chose and of one training. It stands "
    "beside the mean over searches, never in its place. Its twins are the best of k random networks, chosen alike. It "
    "is compared with these, with other rows of as many searches and with the baseline alone."
)


def results(table: Sequence[Line], data: str = "") -> Sheet:
    """Study 2's Table 2: a row per rule and search epochs, the twins' accuracy beside it, the baseline last.

    `data`: the data set that the rows are of, where there are several.
    """
    head = ("Method", "Search epochs", "Test accuracy, %", "Parameters, M", "Shortcuts", "Random twins' accuracy, %")
    rows = []
    for line in table:
        own, twins = (line.method,), (line.twin,) if line.twin else ()
        beside = accuracy(line.twin_cells["accuracy"], line.twin_state) if line.twin else EMPTY
        texts = [accuracy(line.cells["accuracy"], line.state), millions(line.cells["parameters"]),
                 number(line.cells["shortcuts"], 1)]  # fmt: skip
        rows.append((*named(line), *(Cell(text, own) for text in texts), Cell(beside, twins)))
    note = "Mean ± standard deviation (ddof 1) over n search seeds; training seeds are averaged first."
    note += BEST_OF if any(line.best_of for line in table) else ""
    name, title = ("table", "Comparison") if not data else (f"table-{data}", f"Comparison on {data}")
    return Sheet(name, title, head, tuple(rows), note, bool(table) and table[-1].role == "baseline")


def resources(table: Sequence[Line]) -> Sheet:
    """What the networks are and cost, and where their spread comes from."""
    head = ("Method", "Search epochs", "Long shortcuts", "Multiply-accumulates, M", "Twins' parameters, M",
            "Cost, device-hours", "Spread between searches, points", "between trainings")  # fmt: skip
    rows = []
    for line in table:
        own, twins = (line.method,), (line.twin,) if line.twin else ()
        beside = millions(line.twin_cells["parameters"]) if line.twin else EMPTY
        among, within = parts(line.parts)
        rows.append((
            *named(line), Cell(number(line.cells["long_shortcuts"], 1), own), Cell(millions(line.cells["macs"]), own),
            Cell(beside, twins), Cell(hours(line.cells["cost"]), own), Cell(among, own), Cell(within, own),
        ))  # fmt: skip
    note = (
        "Long: 4 blocks or further. Of cells, every edge with skip_connect counts as a shortcut, and none as long. "
        "Cost: to find and train one network, searches up to the snapshot, scoring, tuning and one training. Spread of "
        "accuracy as standard deviations of a one-way model (REML) with 95 % intervals; separable only with two "
        "trainings or more of some network."
    )
    return Sheet(
        "resources", "Size, cost and spread", head, tuple(rows), note, table[-1].role == "baseline" if table else False
    )


def slopes(models: Sequence[Model], methods: dict[str, tuple[str, ...]]) -> Sheet:
    """Slopes of accuracy on scale. `methods`: the table rows of each group."""
    head = ("Against", "Method", "Slope [95 %]", "p", "Spearman's ρ [95 %]", "Networks", "Slopes equal?")
    rows = []
    for model in models:
        unit = {"parameters": "parameters, points a million", "shortcuts": "shortcuts, points each"}[model.quantity]
        for group, slope in model.slopes.slopes.items():
            rank, test = model.correlations[group], model.slopes.equality
            equal = (
                f"F = {test.statistic:.2f}, p = {p_value(test.p)}"
                if group in test.groups and not isnan(test.p)
                else EMPTY
            )
            texts = (unit, group, estimated(slope.value, slope.low, slope.high, 3), p_value(slope.p),
                     estimated(rank.rho, rank.low, rank.high, 2), str(slope.n), equal)  # fmt: skip
            rows.append(tuple(Cell(text, methods.get(group, ())) for text in texts))
    note = (
        "Least squares with a line per method; intervals (CR2, Satterthwaite's degrees of freedom) hold where networks "
        "of one search depend on each other; the last column tests that all slopes are equal. – where fewer than three "
        "different sizes, or one search alone, would decide the line. Exploratory: p is not adjusted."
    )
    return Sheet("slopes", "Accuracy against scale", head, tuple(rows), note)


def beside(cells: Sequence[Beside]) -> Sheet:
    """The published numbers and ours."""
    head = ("Published", "Ours", "Quantity", "Published value", "Our value", "Difference", "Standard errors")
    names = {"test_accuracy": "test accuracy, %", "params_millions": "parameters, M", "shortcuts": "shortcuts",
             "random_accuracy": "random networks' accuracy, %"}  # fmt: skip
    rows = []
    for cell in cells:
        difference = signed(cell.ours.mean - cell.theirs.mean) if cell.ours.n else EMPTY
        std = f" ± {cell.theirs.std:.2f}" if isfinite(cell.theirs.std) else ""
        texts = (cell.published, cell.method, names[cell.column], f"{cell.theirs.mean:.2f}{std}", number(cell.ours, 2),
                 difference, EMPTY if isnan(cell.errors) else plus(cell.errors, 1))  # fmt: skip
        rows.append(tuple(Cell(text, (cell.method,)) for text in texts))
    note = "Ours minus published. Where the source does not say how many runs it has, our n is taken for it."
    return Sheet("published", "Beside the published numbers", head, tuple(rows), note)


def named(line: Line) -> tuple[Cell, Cell]:
    epochs = EMPTY if line.search_epochs is None else str(line.search_epochs)
    return Cell(line.label, (line.method,)), Cell(epochs, (line.method,))


def number(spread: Spread, digits: int, scale: float = 1.0) -> str:
    """`93.70 ± 0.22 (n=5)`; without ± where all values are equal or there is one, `–` where there is none."""
    if not spread.n:
        return EMPTY
    mean = f"{spread.mean * scale:.{digits}f}"
    return f"{mean} ± {spread.std * scale:.{digits}f} (n={spread.n})" if spread.std > 0 else f"{mean} (n={spread.n})"


def accuracy(spread: Spread, state: State | None) -> str:
    """The accuracy with what is unfinished or in trouble said beside it."""
    notes = str(state) if state else ""
    if state and (rate := state.failures).failed:
        notes += f", {100 * rate.value:.0f} % [{100 * rate.low:.0f}, {100 * rate.high:.0f}] failed"
    if not spread.n:
        return notes or EMPTY
    return f"{number(spread, 2)}, {notes}" if notes else number(spread, 2)


def millions(spread: Spread) -> str:
    """Two digits after the point, three below a million."""
    return number(spread, 2 if spread.mean >= 1e6 else 3, 1e-6)


def hours(spread: Spread) -> str:
    return number(spread, 2 if spread.mean >= 360 else 4, 1 / 3600)


def interval(found: Estimate) -> str:
    """`+0.41 [+0.12, +0.70]`; the mean alone where no interval can be given."""
    return estimated(found.value, found.low, found.high, 2)


def estimated(value: float, low: float, high: float, digits: int) -> str:
    if isnan(value):
        return EMPTY
    ends = f" [{plus(low, digits)}, {plus(high, digits)}]" if isfinite(low) else ""
    return plus(value, digits) + ends


def parts(found: Components | None) -> tuple[str, ...]:
    """Between searches, between trainings."""
    if not found:
        return "not separable", "not separable"
    size = f" ({found.groups} × {found.repeats})"
    return tuple(
        f"{std:.2f}" + (f" [{ends[0]:.2f}, {ends[1]:.2f}]" if isfinite(ends[1]) else "") + size
        for std, ends in ((found.between, found.between_interval), (found.within, found.within_interval))
    )


def shown(sheets: Iterable[Sheet]) -> list[Sheet]:
    """Those that have rows."""
    return [sheet for sheet in sheets if sheet.rows]


HEAD = ("Methods", "Learning rate", "Schedule", "Momentum", "Weight decay", "Batch", "Epochs", "Found by", "Trials",
        "Device-hours")  # fmt: skip


def recipe_sheet(results: Results, table: Sequence[Line]) -> Sheet:
    """A row per recipe; the tuning's cost counts once for all methods that use what it found."""
    rows = []
    for text, methods in recipes(results, table).items():
        cells = (", ".join(methods), *described(json.loads(text)), *_origin(results, text))
        rows.append(tuple(Cell(cell, tuple(methods)) for cell in cells))
    note = "From the rows. What a study fixed itself, or took from a file, has no cost here; say where it comes from."
    return Sheet("recipes", "Recipes", HEAD, tuple(rows), note)


def _origin(results: Results, recipe: str) -> tuple[str, str, str]:
    """Its tuning, how many trials that took and how long; or the study itself."""
    trained = results.trials[(results.trials["kind"] == "train") & (results.trials["recipe"] == recipe)]
    keys = {key for tuned in trained["tuned"] for key in tuned or ()}
    trials = results.trials[results.trials["key"].isin(keys)]
    if trials.empty:
        return "the study", EMPTY, EMPTY
    names = sorted(set(trials["methods"].explode()))
    return ", ".join(names), str(len(trials)), f"{trials['device_seconds'].sum() / 3600:.2f}"
