"""The networks of cell architectures: what is built and what is not, sizes, costs, depth, drop-path, auxiliary head."""

from random import Random

import pytest
import torch
from torch import nn

from spaces.architecture import Cells, Edge
from spaces.cells.network import AuxiliaryHead
from spaces.cells.operations import OPERATIONS, FactorizedReduce, layers
from spaces.cells.space import PRESETS, CellSpace
from spaces.cost import cost, parameters
from tests.plain_cells import small


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


def test_darts_supernet_has_the_published_codes_weights():
    with torch.device("meta"):
        assert parameters(CellSpace.named("cell-darts").supernet(10, 3, "softmax")) == 1_930_618


def test_channels_grow_threefold_by_concatenation():
    with torch.device("meta"):
        network = CellSpace.named("cell-study1").supernet(10, 3, "softmax")
    assert network.classifier.in_features == 3 * 16


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
    skips = (Edge(1, 2, "skip_connect"),)
    network = small("cell-darts").build(Cells(2, (2, 3, 4, 5), skips, skips), 10, 3)
    kinds = {index: type(next(iter(cell.edges.values()))) for index, cell in network.cells.items()}
    assert kinds == {"0": nn.Identity, "1": FactorizedReduce, "2": FactorizedReduce}


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
    assert space.layers(Cells(1, (3, 4, 5), skip, skip)) == 1 + 3 + 2 + 1


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
