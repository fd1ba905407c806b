"""What predictions of single images add to a report: two tables, and the numbers of both as CSV."""

from collections.abc import Sequence
from itertools import groupby
from math import isfinite

import numpy as np

from analysis.findings.by_image import ByImage, TwoNetworks
from analysis.numbers import EMPTY, p_value
from analysis.report.tables.table import Cell, Table, estimated


def intervals(found: Sequence[ByImage], level: float) -> Table:
    """A row per comparison."""
    head = ("First", "Second", "Seeds", "Seeds left out", "Images", f"Difference, points [{100 * level:.4g} %]",
            "Standard error over seeds", "of the images")  # fmt: skip
    rows = []
    for one in found:
        d = one.difference
        texts = (one.method, one.against, str(d.seeds), str(one.without), str(d.images),
                 estimated(d.value, d.low, d.high, 2), _number(d.seeds_error), _number(d.images_error))  # fmt: skip
        rows.append(tuple(Cell(text, one.methods) for text in texts))
    note = (
        "Intervals for other seeds and other test images of the same kind: seeds and images are two crossed random "
        "factors (Dorfman, Berbaum and Metz 1992; degrees of freedom of Hillis 2007). The other tables' intervals hold "
        "for this test set alone. A seed counts where every training that the comparison uses has its predictions; "
        "failed ones have none. Exploratory."
    )
    return Table("images", "Differences that count the test images as a sample", head, tuple(rows), note, paper=False)


def agreements(found: Sequence[TwoNetworks]) -> Table:
    """A row per two methods; agreement.csv holds each two networks."""
    head = ("First", "Second", "Networks compared", "Equal predictions, %", "Cohen's κ", "First alone right",
            "Second alone right", "McNemar's p, least", "p ≤ .05")  # fmt: skip
    rows = []
    for (first, second), group in groupby(found, lambda one: (one.method, one.against)):
        each = [one.found for one in group]
        p = [one.p for one in each]
        texts = (first, second, str(len(each)), _mean([100 * one.equal for one in each], 1),
                 _mean([one.kappa for one in each], 3), _mean([one.first_only for one in each], 1),
                 _mean([one.second_only for one in each], 1), p_value(min(p)),
                 f"{sum(one <= 0.05 for one in p)} of {len(p)}")  # fmt: skip
        rows.append(tuple(Cell(text, (first, second)) for text in texts))
    note = (
        "Two networks of one search seed on the same test images; means over them, with the lowest and highest. "
        "McNemar's exact test asks whether these two networks differ, not whether their methods do: two trainings of "
        "one architecture may differ as well. Exploratory; p is not adjusted."
    )
    return Table("agreement", "Networks of one seed, image by image", head, tuple(rows), note, paper=False)


def _mean(values: Sequence[float], digits: int) -> str:
    known = [value for value in values if isfinite(value)]
    if not known:
        return EMPTY
    mean, low, high = (f"{value:.{digits}f}" for value in (np.mean(known), min(known), max(known)))
    return mean if low == high else f"{mean} ({low} to {high})"


def _number(value: float) -> str:
    return f"{value:.3f}" if isfinite(value) else EMPTY


def files(compared: Sequence[ByImage], networks: Sequence[TwoNetworks]) -> dict[str, list[dict[str, object]]]:
    """File name → its records; none where no predictions are there."""
    out: dict[str, list[dict[str, object]]] = {}
    if compared:
        out["images.csv"] = [
            {"method": one.method, "against": one.against, "difference": one.difference.value,
             "low": one.difference.low, "high": one.difference.high, "error_seeds": one.difference.seeds_error,
             "error_images": one.difference.images_error, "degrees_of_freedom": one.difference.freedom,
             "seeds": one.difference.seeds, "seeds_left_out": one.without, "images": one.difference.images}
            for one in compared
        ]  # fmt: skip
    if networks:
        out["agreement.csv"] = [
            {"method": one.method, "against": one.against, "seed": one.seed, "key": one.keys[0],
             "key_against": one.keys[1], "images": one.found.images, "first_only": one.found.first_only,
             "second_only": one.found.second_only, "p_mcnemar": one.found.p, "equal": one.found.equal,
             "kappa": one.found.kappa}
            for one in networks
        ]  # fmt: skip
    return out
