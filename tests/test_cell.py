"""The cell space: known counts, what is built and what is not, draws, and the grouped supernet against a plain one."""

import copy
from collections import Counter
from itertools import product
from random import Random

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare
from torch import nn

from spaces.architecture import Cells, Edge
from spaces.cell import PRESETS, CellSpace
from spaces.cell_graph import parts
from spaces.cell_network import AuxiliaryHead
from spaces.cost import cost, parameters
from spaces.operations import OPERATIONS, FactorizedReduce, layers
from spaces.space import load
from tests.plain_cells import plain_forward

SMALL = {"channels": 4, "train_channels": 4, "cells": 3, "train_cells": 3}


def small(preset, **options):
    return CellSpace.named(preset, **{**SMALL, **options})


def seeded(network):
    """BatchNorm statistics and α away from where they start, so that a mistake in either shows."""
    torch.manual_seed(0)
    for buffer_name, buffer in network.named_buffers():
        if buffer_name.endswith(("mean", "var")):
            buffer.uniform_(0.5, 1.5)
    for alpha in getattr(network, "alphas", {}).values():
        nn.init.normal_(alpha)
    return network


# Sizes


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


def test_darts_supernet_has_the_published_codes_weights():
    with torch.device("meta"):
        assert parameters(CellSpace.named("cell-darts").supernet(10, 3, "softmax")) == 1_930_618


def test_channels_grow_threefold_by_concatenation():
    with torch.device("meta"):
        network = CellSpace.named("cell-study1").supernet(10, 3, "softmax")
    assert network.classifier.in_features == 3 * 16


@pytest.mark.parametrize("preset", PRESETS)
def test_cost_needs_no_weights(preset):
    space = small(preset)
    architecture = space.draw(space.rules[0], Random(0))
    with torch.device("meta"):
        planned = cost(space.build(architecture, 10, 3), 3, 16)
    assert planned == cost(space.build(architecture, 10, 3), 3, 16)


def test_cost_by_hand():
    space = CellSpace(nodes=1, concat=1, cells=1, channels=4)
    network = space.build(Cells(1, (1,), (Edge(0, 1, "conv_3x3"),)), 10, 3)
    stem, preprocessing, convolution, linear = 3 * 4 * 9, 4 * 4, 4 * 4 * 9, 4 * 10
    assert cost(network, 3, 8) == (
        stem + preprocessing + convolution + 3 * 8 + linear + 10,
        64 * (stem + preprocessing + convolution) + linear,
    )
    assert network.training


def test_auxiliary_head_is_not_counted():
    with_head, without = small("cell-darts"), small("cell-darts", auxiliary=False)
    architecture = without.draw("darts-top2", Random(0))
    assert cost(with_head.build(architecture, 10, 3), 3, 32) == cost(without.build(architecture, 10, 3), 3, 32)


# What is built


def test_dead_nodes_and_edges_are_not_built():
    space = small("cell-study1")
    edges = (Edge(0, 1, "conv_3x3"), Edge(0, 2, "conv_5x5"), Edge(1, 4, "skip_connect"), Edge(3, 5, "conv_3x3"))
    network = space.build(Cells(1, (3, 4, 5), edges), 10, 3)
    built = {key.split(".")[3] for key, _ in network.named_modules() if key.startswith("cells.0.edges.")}
    assert built == {"0_1_conv_3x3", "1_4_skip_connect"}
    assert network.classifier.in_features == 4
    assert network(torch.randn(2, 3, 8, 8)).shape == (2, 10)


def test_cells_that_nothing_reads_are_not_built():
    space = small("cell-study1-two-inputs", cells=4, train_cells=4)
    network = space.build(Cells(2, (4, 5, 6), (Edge(0, 4, "conv_3x3"),)), 10, 3)
    assert set(network.cells) == {"1", "3"}
    assert all(set(cell.inputs) == {"0"} for cell in network.cells.values())
    assert network(torch.randn(2, 3, 8, 8)).shape == (2, 10)


def test_names_are_equal_where_layers_are_shared():
    space = small("cell-study1")
    first, second = (Edge(0, 4, "conv_3x3"), Edge(0, 5, "conv_5x5")), (Edge(0, 4, "conv_3x3"), Edge(4, 5, "conv_3x3"))
    shapes = [
        {name: tuple(value.shape) for name, value in space.build(Cells(1, (3, 4, 5), edges), 10, 3).named_parameters()}
        for edges in (first, second)
    ]
    both = shapes[0].keys() & shapes[1].keys()
    assert {"stem.0.weight", "cells.1.inputs.0.conv.weight", "cells.2.edges.0_4_conv_3x3.conv.weight"} <= both
    assert all(shapes[0][name] == shapes[1][name] for name in both)


def test_reduction_cells_stand_at_one_and_two_thirds_and_halve_the_image():
    space = small("cell-darts", cells=8, train_cells=8)
    network = space.build(space.draw("darts-top2", Random(3)), 10, 3).eval()
    sizes = {}
    for index, cell in network.cells.items():
        cell.register_forward_hook(lambda _, __, out, index=index: sizes.update({index: tuple(out.shape[1:])}))
    network(torch.randn(1, 3, 16, 16))
    shapes = [(16, 16, 16)] * 2 + [(32, 8, 8)] * 3 + [(64, 4, 4)] * 3
    assert sizes == {str(index): shape for index, shape in enumerate(shapes)}


def test_skip_on_stride_2_is_a_factorized_reduce():
    network = small("cell-darts").build(
        Cells(2, (2, 3, 4, 5), (Edge(0, 2, "skip_connect"),), (Edge(1, 2, "skip_connect"),)), 10, 3
    )
    kinds = {index: type(next(iter(cell.edges.values()))) for index, cell in network.cells.items()}
    assert kinds == {"1": FactorizedReduce, "2": FactorizedReduce} or kinds["2"] is FactorizedReduce


@pytest.mark.parametrize("size", [7, 8, 9])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_operations_keep_or_halve_the_size(operation, size):
    images = torch.randn(2, 4, size, size)
    assert OPERATIONS[operation](4, 1, False)(images).shape == images.shape
    assert OPERATIONS[operation](4, 2, True)(images).shape == (2, 4, (size + 1) // 2, (size + 1) // 2)


def test_layers():
    assert {op: layers(op) for op in ("conv_5x5", "sep_conv_3x3", "dil_conv_5x5", "max_pool_3x3", "skip_connect")} == {
        "conv_5x5": 1, "sep_conv_3x3": 4, "dil_conv_5x5": 2, "max_pool_3x3": 0, "skip_connect": 0,
    }  # fmt: skip
    assert layers("skip_connect", stride=2) == 1


def test_depth_of_a_reduction_space_counts_its_strided_skips():
    space = CellSpace.named("cell-study1-reduction", cells=3)
    skip = (Edge(0, 5, "skip_connect"),)
    assert space.depth(Cells(1, (3, 4, 5), skip, skip)) == 1 + 3 + 2 + 1


# Training


def test_auxiliary_logits_in_training_mode_alone():
    space = small("cell-darts")
    network = space.build(space.draw("darts-top2", Random(0)), 10, 3)
    images = torch.randn(2, 3, 32, 32)
    logits, auxiliary = network(images)
    assert logits.shape == auxiliary.shape == (2, 10)
    assert network.auxiliary_weight == 0.4
    assert network.eval()(images).shape == (2, 10)


def test_auxiliary_head_is_darts_own_on_8x8():
    torch.manual_seed(0)
    head, values = AuxiliaryHead(6, 10).eval(), torch.randn(2, 6, 8, 8)
    published = nn.Sequential(
        nn.ReLU(), nn.AvgPool2d(5, stride=3, count_include_pad=False), *head.features, nn.Flatten(), head.classifier
    )
    torch.testing.assert_close(head(values), published(values))
    assert head(torch.randn(2, 6, 3, 3)).shape == (2, 10)


def test_drop_path_drops_whole_images_but_never_an_identity():
    edges = (Edge(0, 1, "max_pool_3x3"), Edge(0, 2, "skip_connect"))
    space = CellSpace(nodes=2, concat=2, cells=1, channels=4, drop_path=0.2)
    network = space.build(Cells(1, (1, 2), edges), 10, 3)
    assert (network.drop_path_max, network.drop_path) == (0.2, 0.0)
    network.drop_path, outputs = 0.5, []
    network.cells["0"].register_forward_hook(lambda _, __, out: outputs.append(out))
    torch.manual_seed(0)
    images = torch.randn(64, 3, 8, 8)
    network(images)
    pooled, kept = outputs[0].flatten(2).abs().sum(-1).split(4, dim=1)
    dropped = (pooled == 0).all(dim=1)
    assert ((pooled == 0).any(dim=1) == dropped).all()
    assert 16 < dropped.sum() < 48
    assert (kept > 0).all()
    network.eval()(images)
    assert (outputs[1].flatten(2).abs().sum(-1) > 0).all()


# Broken and faulty


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
        {"no_such_option": 1},
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


# Draws


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


def test_a_rule_of_ones_own():
    space, rule = small("cell-study1"), f"{__name__}:strongest_sum"
    rng = Random(0)
    first, second = space.draw(rule, rng, 1), space.draw(rule, rng)
    assert first.shortcuts == 1
    assert len(space.mutate(first, rule, rng, 0.5).normal) <= 3
    assert len(space.crossover(first, second, rule, rng).normal) <= 3
    with pytest.raises(ValueError, match="rule 'strange' is unknown"):
        space.draw("strange", rng)


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


# The supernet against a plain one


def both(supernet, images, gates=None, architecture=None):
    """(logits, gradients) of the supernet's own forward and of the plain one, from the same weights."""
    out = []
    for plain in (False, True):
        network, pictures = copy.deepcopy(supernet), images.clone().requires_grad_()
        if plain:
            logits = plain_forward(network, pictures, gates)
        elif architecture is not None:
            with network.subnet(architecture):
                logits = network(pictures)
        else:
            logits = network(pictures)
        F.cross_entropy(logits, torch.arange(len(images)) % 10).backward()
        gradients = {name: value.grad for name, value in network.named_parameters() if value.grad is not None}
        out.append((network, logits, {**gradients, "images": pictures.grad}))
    return out


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])  # fp64 takes the dense kernels of reduced precision
@pytest.mark.parametrize(
    ("preset", "gate"), [("cell-study1", "softmax"), ("cell-darts", "softmax"), ("cell-darts", "sigmoid")]
)
def test_supernet_equals_a_plain_one(preset, gate, dtype, layout):
    supernet = seeded(small(preset, channels=6).supernet(10, 3, gate)).to(dtype).to(memory_format=layout)
    images = torch.randn(4, 3, 12, 12, dtype=dtype).contiguous(memory_format=layout)
    (ours, logits, gradients), (plain, expected, wanted) = both(supernet, images)
    tolerance = {"rtol": 1e-3, "atol": 2e-5} if dtype is torch.float32 else {"rtol": 1e-7, "atol": 1e-10}
    torch.testing.assert_close(logits, expected, **tolerance)
    assert gradients.keys() == wanted.keys()
    for name in gradients:
        torch.testing.assert_close(
            gradients[name], wanted[name], **tolerance, msg=lambda text, name=name: f"{name}: {text}"
        )
    for name, buffer in plain.named_buffers():
        if "edges" in name and name.endswith(("mean", "var")):
            torch.testing.assert_close(ours.get_buffer(name), buffer, **tolerance)


@pytest.mark.parametrize("preset", ["cell-study1", "cell-darts"])
def test_supernet_equals_a_plain_one_in_evaluation(preset):
    supernet = seeded(small(preset).supernet(10, 3, "softmax")).double().eval()
    (_, logits, _), (_, expected, _) = both(supernet, torch.randn(3, 3, 12, 12, dtype=torch.double))
    torch.testing.assert_close(logits, expected)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("preset", PRESETS)
def test_subnet_is_the_supernet_at_a_one_hot_alpha(preset, training):
    space = small(preset)
    supernet = seeded(space.supernet(10, 3, "softmax")).double().train(training)
    images = torch.randn(3, 3, 12, 12, dtype=torch.double)
    for rule in space.rules:
        architecture = space.draw(rule, Random(5))
        gates = {kind: torch.zeros_like(alpha) for kind, alpha in supernet.alphas.items()}
        for kind, gate in gates.items():
            for edge in parts(architecture)[kind].edges:
                gate[space.grid.row(edge.source, edge.target), space.operations.index(edge.operation)] = 1
        (_, logits, _), (_, expected, _) = both(supernet, images, gates, architecture)
        torch.testing.assert_close(logits, expected)


def test_subnet_is_over_when_the_context_is():
    space = small("cell-study1")
    supernet = seeded(space.supernet(10, 3, "softmax")).eval()
    images = torch.randn(2, 3, 8, 8)
    before = supernet(images)
    with pytest.raises(RuntimeError, match="stop"), supernet.subnet(space.draw("node-wise", Random(0))):
        raise RuntimeError("stop")
    assert torch.equal(supernet(images), before)


def test_second_derivatives_agree_with_a_plain_supernet():
    supernet = seeded(small("cell-study1", cells=1).supernet(10, 3, "softmax")).double()
    images = torch.randn(3, 3, 8, 8, dtype=torch.double)
    found = []
    for forward in (supernet, lambda values: plain_forward(supernet, values)):
        loss = F.cross_entropy(forward(images), torch.arange(3))
        (first,) = torch.autograd.grad(loss, supernet.alphas["normal"], create_graph=True)
        found.append(torch.autograd.grad(first.square().sum(), supernet.alphas["normal"])[0])
    torch.testing.assert_close(*found)


def test_bfloat16_stays_close():
    supernet = seeded(small("cell-darts", channels=8).supernet(10, 3, "softmax"))
    images = torch.randn(8, 3, 16, 16)
    expected = copy.deepcopy(supernet)(images)
    with torch.autocast("cpu", torch.bfloat16):
        logits = supernet(images)
    assert (logits.float() - expected).norm() / expected.norm() < 0.05


def test_gates():
    sigmoid = small("cell-study1").supernet(10, 3, "sigmoid").probabilities()["normal"]
    softmax = small("cell-study1").supernet(10, 3, "softmax").probabilities()["normal"]
    assert torch.all(sigmoid == 0.5)
    torch.testing.assert_close(softmax, torch.full((15, 6), 1 / 6))
    with pytest.raises(ValueError, match="gate 'hard'"):
        small("cell-study1").supernet(10, 3, "hard")
