"""The cell rules: study 1's published θ, hand-made matrices, and what must hold for any α."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spaces.architecture import Edge
from spaces.cells import theta
from spaces.cells.graph import Grid
from spaces.cells.rules import choices, darts_top2, edge_wise, node_wise
from spaces.cells.space import CellSpace

TABLE = (Path(__file__).parents[1] / "data" / "cell_theta.csv").read_text()
STUDY1 = CellSpace.named("cell-study1")
GRID = Grid(2, 2, ("none", "conv_3x3", "skip_connect"))  # pairs: 0>2 0>3 1>2 1>3 2>3


def test_study1_read_node_wise():
    """Study 1: conv_5x5 and max_pool_3x3 only, 10 layers, preprocessing counted."""
    cells = STUDY1.discretise({"normal": theta.parse(TABLE, STUDY1.grid)}, "node-wise")
    assert {edge.operation for edge in cells.normal} == {"conv_5x5", "max_pool_3x3"}
    assert STUDY1.layers(cells) == 10
    assert STUDY1.broken(cells) == ""
    assert str(cells) == (
        "cells inputs=1 concat=3,4,5 "
        "normal=0>1:conv_5x5,1>2:max_pool_3x3,1>4:max_pool_3x3,1>5:max_pool_3x3,2>3:max_pool_3x3"
    )


def test_study1_read_edge_wise():
    cells = STUDY1.discretise({"normal": theta.parse(TABLE, STUDY1.grid)}, "edge-wise")
    assert {(0, 2), (3, 5)}.isdisjoint((edge.source, edge.target) for edge in cells.normal)
    assert len(cells.normal) == 13


def test_the_order_of_the_table_means_nothing():
    head, *rows = TABLE.splitlines()
    shuffled = "\n".join([head, *reversed(rows)])
    np.testing.assert_array_equal(theta.parse(shuffled, STUDY1.grid), theta.parse(TABLE, STUDY1.grid))


@pytest.mark.parametrize(
    "text",
    ["", "a,b\n1,2", TABLE.replace("none", "nothing"), TABLE.replace("0,1,", "0,9,"), TABLE.replace("0.0183", "x"),
     TABLE + "0,1,0,0,0,0,0,0\n", TABLE.replace("0,1,0.0183,", "0,1,")],
)  # fmt: skip
def test_tables_that_do_not_fit(text):
    with pytest.raises(ValueError, match="the table"):
        theta.parse(text, STUDY1.grid)


def test_rules_on_a_hand_made_matrix():
    alpha = np.array([[0, 2, 0], [9, 1, 0], [0, 0, 3], [0, 1, 4], [5, 0, 2.0]])
    assert edge_wise(alpha, GRID) == (
        Edge(0, 2, "conv_3x3"), Edge(1, 2, "skip_connect"), Edge(1, 3, "skip_connect"),
    )  # fmt: skip
    assert node_wise(alpha, GRID) == (Edge(1, 2, "skip_connect"), Edge(1, 3, "skip_connect"))
    assert darts_top2(alpha, GRID) == (
        Edge(0, 2, "conv_3x3"), Edge(1, 2, "skip_connect"), Edge(1, 3, "skip_connect"), Edge(2, 3, "skip_connect"),
    )  # fmt: skip


def test_strength_is_after_the_softmax_over_all_operations():
    """0>3 has the larger raw α, but `none` takes most of it; 2>3 is likelier."""
    alpha = np.array([[0, 1, 0], [8, 7, 0], [0, 0, 0], [0, 0, 0], [0, 3, 0.0]])
    assert node_wise(alpha, GRID)[-1] == Edge(2, 3, "conv_3x3")


def test_ties_go_to_what_comes_first():
    flat = np.zeros((5, 3))
    assert edge_wise(flat, GRID) == ()
    assert node_wise(flat, GRID) == (Edge(0, 2, "conv_3x3"), Edge(0, 3, "conv_3x3"))


@given(arrays(float, (5, 3), elements=st.floats(-5, 5)))
def test_every_rule_gives_one_of_its_choices(alpha):
    for name, rule in (("edge-wise", edge_wise), ("node-wise", node_wise), ("darts-top2", darts_top2)):
        edges = rule(alpha, GRID)
        assert edges == tuple(sorted(edges))
        for part in choices(name, GRID):
            places = {(edge.source, edge.target) for choice in part for edge in choice}
            assert tuple(edge for edge in edges if (edge.source, edge.target) in places) in part


def test_numbers_of_choices():
    assert [len(part) for part in choices("edge-wise", GRID)] == [3] * 5
    assert [len(part) for part in choices("node-wise", GRID)] == [2 * 2, 3 * 2]
    assert [len(part) for part in choices("darts-top2", GRID)] == [1 * 4, 3 * 4]
