"""The cell space: settings, texts, uniform samples, mutation and crossover, rules of one's own."""

import copy
import pickle
from collections import Counter
from itertools import product
from random import Random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from spaces.architecture import BenchCell, Cells, Edge
from spaces.cells.space import PRESETS, CellSpace
from spaces.custom_rules import drawn_by
from spaces.registry import load
from tests.plain_cells import small


def test_study1_cell_has_7_nodes_and_15_edges():
    space = CellSpace.named("cell-study1")
    assert space.nodes + space.inputs + 1 == 7
    assert len(space.grid.pairs) == 15
    assert space.grid.pairs[:6] == ((0, 1), (0, 2), (0, 3), (0, 4), (0, 5), (1, 2))
    assert space.grid.pairs[-1] == (4, 5)
    assert space.concatenated == (3, 4, 5)
    assert space.operations == ("conv_3x3", "conv_5x5", "avg_pool_3x3", "max_pool_3x3", "skip_connect", "none")


@pytest.mark.parametrize(
    ("preset", "edges", "parts"),
    [
        ("cell-study1-two-inputs", 20, ("normal",)),
        ("cell-study1-reduction", 15, ("normal", "reduction")),
        ("cell-darts", 14, ("normal", "reduction")),
    ],
)
def test_presets(preset, edges, parts):
    with torch.device("meta"):
        space = load(preset)
        alphas = space.supernet(10, 3, "softmax").alphas
    assert {name: tuple(alpha.shape) for name, alpha in alphas.items()} == {
        part: (edges, len(space.operations)) for part in parts
    }


def test_broken_names_what_is_not_reached():
    space = small("cell-darts")
    good, bad = (Edge(0, 2, "skip_connect"),), (Edge(2, 3, "skip_connect"),)
    assert space.broken(Cells(2, (2, 3, 4, 5), good, good)) == ""
    text = space.broken(Cells(2, (2, 3, 4, 5), good, bad))
    assert text == "reduction cell: none of the concatenated nodes 2, 3, 4, 5 is reached from an input"
    with pytest.raises(ValueError, match="reduction cell: none"):
        space.build(Cells(2, (2, 3, 4, 5), good, bad), 10, 3)


@pytest.mark.parametrize(
    "options",
    [
        {"inputs": 3}, {"nodes": 0}, {"operations": ["conv_9x9"]}, {"operations": ["none"]}, {"concat": 9},
        {"concat": [0]}, {"concat": [3]}, {"drop_path": 1.0}, {"cells": 0}, {"operations": ["none", "none"]},
        {"no_such_option": 1}, {"reduction": True, "channels": 1}, {"nodes": "5"},
    ],
)  # fmt: skip
def test_settings_that_make_no_cell(options):
    with pytest.raises(ValueError, match=r"\w"):
        load("cell-study1", options)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("cells inputs=2 concat=3,4,5 normal=0>5:conv_3x3", "inputs=1"),
        ("cells inputs=1 concat=4,5 normal=0>5:conv_3x3", "concat"),
        ("cells inputs=1 concat=3,4,5 normal=0>5:sep_conv_3x3", "0>5:sep_conv_3x3"),
        ("cells inputs=1 concat=3,4,5 normal=5>5:conv_3x3", "5>5"),
        ("cells inputs=1 concat=3,4,5 normal=0>5:none", "0>5:none"),
        ("cells inputs=1 concat=3,4,5 normal=0>5:conv_3x3,0>5:conv_5x5", "two operations"),
        ("cells inputs=1 concat=3,4,5 normal=0>5:conv_3x3 reduction=0>5:conv_3x3", "no reduction"),
        ("cells inputs=1", "needs inputs="),
        ("vgg19 1-3", "no cell architecture"),
    ],
)
def test_texts_outside_the_space(text, fault):
    with pytest.raises(ValueError, match=fault):
        CellSpace.named("cell-study1").parse(text)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(list(PRESETS)), st.integers(0, 10**6), st.integers(0, 3))
def test_draws_survive_text_and_keep_their_count(preset, seed, shortcuts):
    space = load(preset)
    for rule in space.rules:
        architecture = space.draw(rule, Random(seed), shortcuts)
        assert space.parse(str(architecture)) == architecture
        assert architecture.shortcuts == shortcuts
        assert space.broken(architecture) == ""


TINY = CellSpace(nodes=2, concat=1, operations=("conv_3x3", "skip_connect", "none"), cells=1, channels=2,
                 rules=("edge-wise", "node-wise", "darts-top2"))  # fmt: skip


def every_tiny(rule):
    """All architectures of the tiny space: read from every α with one operation ahead on each edge, and an order."""
    found = set()
    for columns in product(range(3), repeat=3):
        for order in ((0.0, 0.1, 0.2), (0.0, 0.2, 0.1)):
            alpha = np.zeros((3, 3))
            for row, column in enumerate(columns):
                alpha[row, column] = 1 + order[row]
            found.add(TINY.discretise({"normal": alpha}, rule))
    return {architecture for architecture in found if not TINY.broken(architecture)}


@pytest.mark.parametrize("shortcuts", [None, 1])
@pytest.mark.parametrize("rule", TINY.rules)
def test_draws_are_even(rule, shortcuts):
    possible = {cells for cells in every_tiny(rule) if shortcuts in (None, cells.shortcuts)}
    rng = Random(7)
    drawn = Counter(TINY.draw(rule, rng, shortcuts) for _ in range(200 * len(possible)))
    assert drawn.keys() == possible
    assert chisquare(list(drawn.values())).pvalue > 1e-3


def test_a_count_that_no_architecture_has():
    with pytest.raises(ValueError, match="16 shortcuts"):
        CellSpace.named("cell-study1").draw("edge-wise", Random(0), 16)


def strongest_sum(alpha, grid):
    """A rule of one's own: the three strongest entries, whatever they are."""
    best = np.argsort(-alpha, axis=None)[:3]
    edges = (Edge(*grid.pairs[i // alpha.shape[1]], grid.operations[i % alpha.shape[1]]) for i in best)
    return tuple({(e.source, e.target): e for e in edges if e.operation != "none"}.values())


@pytest.mark.parametrize("one", [
    Cells(1, (2,), (Edge(1, 2, "conv_3x3"), Edge(0, 1, "none")), (Edge(0, 1, "none"),)), BenchCell.parse("012340"),
])  # fmt: skip
def test_an_architecture_means_the_same_in_every_process(one):
    """Texts' hashes differ between processes: none may be carried along."""
    hash(one)
    assert b"_hash" not in pickle.dumps(one)
    for other in (pickle.loads(pickle.dumps(one)), copy.deepcopy(one), type(one).parse(str(one))):
        assert (other, type(other), hash(other)) == (one, type(one), hash(one))


def test_a_rule_of_ones_own():
    space, rule = small("cell-study1"), f"{__name__}:strongest_sum"
    rng = Random(0)
    first, second = space.draw(rule, rng, 1), space.draw(rule, rng)
    assert first.shortcuts == 1
    assert len(space.mutate(first, rule, rng, 0.5).normal) <= 3
    assert len(space.crossover(first, second, rule, rng).normal) <= 3
    with pytest.raises(ValueError, match="rule 'strange' is unknown"):
        space.draw("strange", rng)
    with pytest.raises(ValueError, match=r"does not say how to sample; set strongest_sum.draws to one of edge-wise$"):
        drawn_by(CellSpace(channels=4, rules=("edge-wise", rule)), rule)


@pytest.mark.parametrize(("rules", "says"), [((), "rules names none"), (("edge-wise", "edgy"), "rules names edgy")])
def test_rules_that_are_none_are_refused(rules, says):
    with pytest.raises(ValueError, match=f"{says}; there are edge-wise, node-wise, darts-top2"):
        CellSpace(rules=rules)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(list(PRESETS)), st.integers(0, 10**6), st.floats(0, 1))
def test_children_stay_inside_the_rule(preset, seed, rate):
    space, rng = load(preset), Random(seed)
    for rule in space.rules:
        first, second = space.draw(rule, rng), space.draw(rule, rng)
        for child in (space.mutate(first, rule, rng, rate), space.crossover(first, second, rule, rng)):
            assert space.broken(child) == ""
            assert read_again(space, child, rule) == child


def read_again(space, architecture, rule):
    """What `rule` makes of the α that says exactly this architecture."""
    alpha = {}
    for part in space.parts:
        chosen = {(edge.source, edge.target): edge.operation for edge in getattr(architecture, part)}
        rows = [[operation == chosen.get(pair, "none") for operation in space.operations] for pair in space.grid.pairs]
        alpha[part] = 9.0 * np.array(rows)
    return space.discretise(alpha, rule)


def test_mutation_rate():
    space, rng = CellSpace.named("cell-study1"), Random(0)
    first = space.draw("edge-wise", rng)
    assert space.mutate(first, "edge-wise", rng, 0.0) == first
    changed = [len(set(first.normal) - set(space.mutate(first, "edge-wise", rng, 0.2).normal)) for _ in range(300)]
    expected = len(first.normal) * 0.2 * 5 / 6
    assert abs(np.mean(changed) - expected) < 0.25
