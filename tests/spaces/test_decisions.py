"""Decisions by perturbation with known answers: by a worth that is a sum over weights they are those of the largest."""

from random import Random
from unittest.mock import Mock

import numpy as np
import pytest

from spaces.cells.space import CellSpace
from spaces.contract_decisions import additively_decided
from spaces.decisions import Choice, as_alpha, decided, open_weights, rounds, stages
from spaces.nasbench201.space import GRID, BenchSpace
from spaces.shortcuts.space import ShortcutSpace

SPACES = {
    "shortcuts": (ShortcutSpace("vgg11"), {"pairs": (8, 8)}, ("A", "B")),
    "cells": (CellSpace(reduction=True), {"normal": (15, 6), "reduction": (15, 6)}, ("edge-wise", "node-wise")),
    "darts": (CellSpace.named("cell-darts"), {"normal": (14, 8), "reduction": (14, 8)}, ("darts-top2",)),
    "bench": (BenchSpace(), {"normal": (6, 5)}, ("edge-wise",)),
}
CASES = [(name, rule) for name, (_, _, rules) in SPACES.items() for rule in rules]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("name", "rule"), CASES)
def test_an_additive_worth_gives_the_largest(name, rule, seed):
    """Which a rule reads from the values themselves as α. Shortcuts are kept where their value is above 0. Of cells the
    values of a node's edges are compared by their best operation, whatever else there is on each edge."""
    space, shapes, _ = SPACES[name]
    fixed = additively_decided(stages(space, rule), open_weights(shapes), seed)
    rng = np.random.default_rng(seed)
    values = {part: rng.normal(size=shape) for part, shape in shapes.items()}
    if name == "shortcuts":
        assert space.discretise(as_alpha(fixed), rule) == space.discretise(values, rule)
        return
    operations, found = largest(space, values, rule), space.discretise(as_alpha(fixed), rule)
    assert [edges(found.normal), edges(found.reduction)] == [
        operations.get(part, []) for part in ("normal", "reduction")
    ]


def largest(space, values, rule):
    """By hand: each edge's operation of the largest value, then each node's edges of the largest."""
    grid = space.grid if isinstance(space, CellSpace) else GRID
    keep = {"edge-wise": 99, "node-wise": 1, "darts-top2": 2}[rule]
    names = grid.operations if rule == "edge-wise" else grid.candidates
    out = {}
    for part, array in values.items():
        best = {pair: max((array[row, grid.operations.index(name)], name) for name in names)
                for row, pair in enumerate(grid.pairs)}  # fmt: skip
        into = {target: sorted((pair for pair in best if pair[1] == target), key=lambda pair: best[pair], reverse=True)
                for target in grid.targets}  # fmt: skip
        kept = [pair for pairs in into.values() for pair in pairs[:keep]]
        out[part] = sorted((*pair, best[pair][1]) for pair in kept if best[pair][1] != "none")
    return out


def edges(found):
    return sorted((edge.source, edge.target, edge.operation) for edge in found or ())


def test_removal_leaves_all_other_weights_as_they_are():
    seen = []

    def worth(fixed):
        seen.append(fixed["a"].copy())
        return (0.0,)

    found = decided(Choice(((("a", 0, 0),), (("a", 0, 1),))), open_weights({"a": (2, 2)}), worth)
    nan = np.nan
    np.testing.assert_array_equal(seen, [[[0, nan], [nan, nan]], [[nan, 0], [nan, nan]]])
    np.testing.assert_array_equal(found["a"], [[1, 0], [nan, nan]])  # of equals the first


@pytest.mark.parametrize(("with_it", "without", "kept"), [(2.0, 1.0, 1), (1.0, 1.0, 0), (1.0, 2.0, 0)])
def test_a_shortcut_is_kept_where_dropping_it_costs_more_than_keeping_it(with_it, without, kept):
    choice = Choice(((("pairs", 0, 1),),), or_none=True)
    found = decided(
        choice, open_weights({"pairs": (2, 2)}), lambda fixed: ((without, with_it)[int(fixed["pairs"][0, 1])],)
    )
    assert found["pairs"][0, 1] == kept


@pytest.mark.parametrize(("name", "rule"), CASES)
def test_a_choice_takes_as_many_evaluations_as_it_says_and_a_pair_by_rule_a_takes_two(name, rule):
    space, shapes, _ = SPACES[name]
    for choice in sum(stages(space, rule), ()):
        worth = Mock(return_value=(0.0,))
        decided(choice, open_weights(shapes), worth)
        assert worth.call_count == choice.evaluations
        assert choice.evaluations == 2 or (name, rule) != ("shortcuts", "A")


def test_rounds_hold_each_choice_once_and_stages_in_turn():
    first, second = (tuple(Choice(((("a", row, column),),)) for row in range(5)) for column in (0, 1))
    found = rounds((first, second), 2, Random(1))
    assert [len(one) for one in found] == [2, 2, 1, 2, 2, 1]
    assert {one for some in found[:3] for one in some} == set(first)
    assert rounds((first, second), 2, Random(1)) == found != rounds((first, second), 2, Random(2))


def test_what_cannot_be_decided_is_said():
    space = CellSpace(rules=("node-wise", "tests.spaces.test_decisions:largest"))
    with pytest.raises(ValueError, match="is not listed; take one of edge-wise"):
        stages(space, "tests.spaces.test_decisions:largest")
    with pytest.raises(ValueError, match="a function of its own; take one of A, B"):
        stages(ShortcutSpace(), "my:rule")
    with pytest.raises(ValueError, match="does not say what a rule decides"):
        stages(type("Other", (), {"rules": ("A",)})(), "A")
