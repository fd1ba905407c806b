"""The comparison table, and what its networks are and cost."""

from collections.abc import Sequence

from analysis.numbers import EMPTY
from analysis.report.tables.table import Cell, Table, accuracy, hours, millions, named, number, parts
from analysis.results.table import Line

BEST_OF = (
    " Best of k: of every k searches the network that did best on the validation split, trained anew. n is the number "
    "of such groups, the cost that of all k searches, of the trainings that chose and of one training. It stands "
    "beside the mean over searches, never in its place. Its twins are the best of k random networks, chosen alike. It "
    "is compared with these, with other rows of as many searches and with the baseline alone."
)


def results(table: Sequence[Line], data: str = "") -> Table:
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
    return Table(name, title, head, tuple(rows), note, bool(table) and table[-1].role == "baseline")


def resources(table: Sequence[Line]) -> Table:
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
    return Table(
        "resources", "Size, cost and spread", head, tuple(rows), note, table[-1].role == "baseline" if table else False
    )
