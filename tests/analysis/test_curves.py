"""Curves of searches: means and ranges are those of the rows; many kinds of searches have a panel each."""

from math import inf, nan
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.figures.curves import searches
from analysis.figures.style import styled

PARTS = {"val_accuracy": "supernet", "discretised_accuracy.A": "as read by A"}


def drawn(kinds: int, parts: dict[str, str] = PARTS, **changed: Any):
    values = {f"kind {n}": [[10.0 + n, 20.0], [30.0 + n, 26.0]] for n in range(kinds)}
    rows = [{"kind": "search", "status": "done", "method": name, "curve": dict.fromkeys(PARTS, curve) | changed}
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


def test_the_legend_names_what_some_panel_alone_has():
    rows = [{"kind": "search", "status": "done", "method": f"kind {n}", "curve": {"a": [1.0], f"b{n % 2}": [2.0]}}
            for n in range(6)]  # fmt: skip
    with styled():
        figure = searches(pd.DataFrame(rows), {"a": "supernet", "b0": "by A", "b1": "by B"}, "Accuracy").figure
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["supernet", "by A", "by B"]


def test_equal_values_and_such_as_are_no_numbers_are_drawn_without_a_warning():
    low, high = drawn(9, {"flat": ""}, flat=[7.0, 7.0]).figure.axes[0].get_ylim()
    assert low < 7 < high
    points = drawn(9, {"broken": ""}, broken=np.array([inf, 4.0, nan])).data
    assert points[["epoch", "mean"]].drop_duplicates().to_numpy().tolist() == [[2, 4]]
    assert drawn(9, {"broken": ""}, broken=np.array([inf])) is None
