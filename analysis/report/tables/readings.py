"""The table of what supernets reach and what is read from them."""

from collections.abc import Sequence

from analysis.findings.readings import Reading
from analysis.report.tables.table import Cell, Table, interval, named, number


def readings(found: Sequence[Reading], level: float) -> Table:
    """A row for each row of the table that was read from a supernet."""
    head = ("Method", "Search epochs", "Supernet, %", "What is read from it, %", f"Gap, points [{100 * level:.4g} %]")
    rows = [
        (*named(one.line), *(Cell(text, (one.line.method,)) for text in
                             (number(one.supernet, 2), number(one.read, 2), interval(one.gap))))
        for one in found
    ]  # fmt: skip
    note = (
        "Accuracy on the validation split with the supernet's own weights, before the network is trained anew; mean "
        "± standard deviation over search seeds. The supernet: with the mean weights of its α and the running "
        "statistics of batch norm, on 1,000 images at most; where single paths are trained, of the likeliest path, "
        "or the mean over sampled ones. These have each batch's statistics, as have weights that are sampled or moved "
        "at random (since schema 5), and all that is read. What is read: by α, the subnet of the same epoch on the "
        "same images; by perturbation, what is left after the last decision and the training in between, on all "
        "images; by scores in the supernet, the candidate that was chosen by this very accuracy, on all images. "
        "Exploratory: intervals are not adjusted."
    )
    return Table("readings", "Inside the supernet", head, tuple(rows), note, paper=False)
