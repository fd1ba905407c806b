"""Curves of searches: means and ranges are those of the rows; many kinds of searches have a panel each."""

import pandas as pd
import pytest

from analysis.figures.curves import searches
from analysis.figures.style import styled

PARTS = {"val_accuracy": "supernet", "discretised_accuracy.A": "as read by A"}


def drawn(kinds: int, parts: dict[str, str] = PARTS):
    values = {f"kind {n}": [[10.0 + n, 20.0], [30.0 + n, 26.0]] for n in range(kinds)}
    rows = [{"kind": "search", "status": "done", "method": name, "curve": dict.fromkeys(PARTS, curve)}
            for name, curves in values.items() for curve in curves]  # fmt: skip
    with styled():
        return searches(pd.DataFrame(rows), parts, "Accuracy")


@pytest.mark.parametrize(("kinds", "panels"), [(1, 1), (4, 1), (5, 5)])
def test_kinds_share_axes_as_long_as_every_line_has_a_look_of_its_own(kinds, panels):
    found = drawn(kinds)
    assert len(found.figure.axes) == panels
    assert sum(len(axes.lines) for axes in found.figure.axes) == 2 * kinds


def test_a_line_is_the_mean_within_its_range():
    points = drawn(9).data.query("search == 'kind 8' and field == 'val_accuracy'")
    assert points[["searches", "epoch", "mean", "low", "high"]].to_numpy().tolist() == [
        [2, 1, 28, 18, 38], [2, 2, 23, 20, 26]]  # fmt: skip


def test_panels_have_equal_heights_and_name_their_lines_once():
    figure = drawn(9).figure
    assert len({axes.get_ylim() for axes in figure.axes}) == 1
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [*PARTS.values()]
    assert not drawn(9, {"val_accuracy": ""}).figure.legends


def test_nothing_to_draw_is_no_drawing():
    assert drawn(1, {"eigenvalue": ""}) is None
