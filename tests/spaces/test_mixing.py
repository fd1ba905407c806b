"""Partial channels, edge normalisation and auxiliary skip connections against plain and hand-made forms, and the noise
of SDARTS on weights."""

import copy
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from benchmarks.plain import cell_forward, mixing_forward
from spaces.architecture import Edge
from spaces.cells.auxiliary import AuxiliaryCell
from spaces.cells.graph import Grid, Stage
from spaces.cells.mixed import MixedCell, every
from spaces.cells.mixing import Mixing, elsewhere, shares
from spaces.cells.network import preprocessing
from spaces.cells.partial import PartialCell, shuffled
from spaces.cells.rules import darts_top2, edge_wise, node_wise
from spaces.cells.rules import shares as shares_read
from spaces.gates.way import Draw
from spaces.gates.ways import WAYS, named
from spaces.nasbench201.space import BenchSpace
from tests.plain_cells import seeded, small

pytestmark = pytest.mark.long

MIXINGS = [Mixing(4), Mixing(4, True), Mixing(2, True, True), Mixing(1, True), Mixing(1, False, True)]
GRID = Grid(2, 2, ("none", "skip_connect", "conv_3x3"))  # edges 0→2, 0→3, 1→2, 1→3, 2→3


def cells(stage, *kinds):
    """The same cell of each kind, from the same weights; and its weights for α."""
    generator = torch.Generator().manual_seed(0)
    first = MixedCell(GRID, (2, 3), preprocessing([6, 6], range(2), stage, False), stage)
    found = [first]
    for kind in kinds:
        other = kind(copy.deepcopy(first))
        found.append(other)
    gates = torch.rand(len(GRID.pairs), 3, generator=generator).requires_grad_()
    return found, gates


def learned(cell, gates, stage):
    gates = gates.detach().clone().requires_grad_()
    images = [torch.randn(3, 6, 8, 8, generator=torch.Generator().manual_seed(n)) for n in (1, 2)]
    out = cell(images, every(GRID), gates)
    out.square().mean().backward()
    gradients = {name.removeprefix("mixed."): p.grad for name, p in cell.named_parameters() if "auxiliary" not in name}
    return out.detach(), gates.grad, gradients


STAGES = pytest.mark.parametrize("stage", [Stage(8, False, False), Stage(8, True, False)], ids=["normal", "reduction"])


@STAGES
def test_all_channels_as_partial_ones_are_darts_bit_for_bit(stage):
    def partial(cell):
        inputs, cell.inputs = cell.inputs, nn.ModuleDict()
        return PartialCell(cell, inputs, stage, 1)

    (plain, other), gates = cells(stage, partial)
    torch.testing.assert_close(learned(other, gates, stage), learned(plain, gates, stage), rtol=0, atol=0)


@STAGES
def test_auxiliary_skips_with_coefficient_0_are_darts_bit_for_bit(stage):
    def auxiliary(cell):
        found = AuxiliaryCell(GRID, (2, 3), preprocessing([6, 6], range(2), stage, False), stage)
        found.load_state_dict(cell.state_dict(), strict=False)
        return found

    (plain, other), gates = cells(stage, auxiliary)
    assert other.coefficient == 0
    torch.testing.assert_close(learned(other, gates, stage), learned(plain, gates, stage), rtol=0, atol=0)
    other.coefficient.fill_(0.5)
    assert not torch.equal(learned(other, gates, stage)[0], learned(plain, gates, stage)[0])


@pytest.mark.parametrize("gate", ["softmax", "sigmoid"])
@pytest.mark.parametrize("mixing", MIXINGS, ids=str)
def test_cells_are_those_of_the_papers_edge_by_edge(mixing, gate):
    """Forward and backward, by every weight, α and β; in either memory format."""
    space = small("cell-darts", channels=8, nodes=2, concat=2)
    supernet = seeded(space.supernet(10, 3, gate, mixing)).double()
    if mixing.auxiliary:
        supernet.skip(0.7)
    pictures = torch.randn(4, 3, 12, 12, dtype=torch.double, generator=torch.Generator().manual_seed(1))
    both = []
    for layout in (torch.contiguous_format, torch.channels_last):
        network = copy.deepcopy(supernet).to(memory_format=layout)
        both.append(trained(network, network, pictures.contiguous(memory_format=layout)))
    wanted = trained(supernet, lambda images: mixing_forward(supernet, images), pictures)
    for found in both:
        torch.testing.assert_close(found, wanted, rtol=1e-7, atol=1e-9)


def trained(network, forward, pictures):
    logits = forward(pictures)
    F.cross_entropy(logits, torch.arange(len(pictures))).backward()
    gradients = {name: p.grad for name, p in network.named_parameters()}
    assert all(gradient is not None for gradient in gradients.values())
    return logits, gradients


def test_channels_are_shuffled_as_the_authors_do():
    groups = [torch.arange(3.0).add(10 * group)[None, :, None, None] for group in range(4)]
    assert shuffled(groups).flatten().tolist() == [0, 10, 20, 30, 1, 11, 21, 31, 2, 12, 22, 32]


@pytest.mark.parametrize("mixing", MIXINGS, ids=str)
def test_a_subnet_has_no_auxiliary_skips_and_no_shares(mixing):
    """Its operations count 1: what α, β and the coefficient say does not matter."""
    for space in (small("cell-darts", channels=8), BenchSpace(cells=1, channels=8)):
        supernet = seeded(space.supernet(10, 3, "softmax", mixing)).eval()
        images = torch.randn(2, 3, 12, 12)
        architecture = space.discretise({n: a.detach().numpy() for n, a in supernet.alphas.items()}, space.rules[0])
        with supernet.subnet(architecture):
            before = supernet(images)
        supernet.skip(0.3)
        for alpha in supernet.alphas.values():
            alpha.data.add_(torch.randn(alpha.shape))
        with supernet.subnet(architecture):
            assert torch.equal(supernet(images), before)
        assert not torch.equal(supernet(images), before)


# --- edge normalisation


def test_a_nodes_edges_share_by_a_softmax():
    betas = torch.tensor([0.5, -1.0, 1.5, 0.0, 2.0])[:, None].requires_grad_()
    first, last = math.exp(0.5) + math.exp(1.5), math.exp(-1.0) + math.exp(0.0) + math.exp(2.0)
    by_hand = [math.exp(0.5) / first, math.exp(-1.0) / last, math.exp(1.5) / first, 1 / last, math.exp(2.0) / last]
    for gate in ("softmax", "sigmoid", "exponentiated"):
        found = shares(betas, elsewhere(GRID), named(gate))
        assert found.flatten().tolist() == pytest.approx(by_hand)
    assert shares_read(betas.detach().double().numpy(), GRID).tolist() == pytest.approx(by_hand)
    (slope,) = torch.autograd.grad(shares(betas, elsewhere(GRID), named("softmax"))[0, 0], betas)
    p, q = by_hand[0], by_hand[2]
    assert slope.flatten().tolist() == pytest.approx([p * q, 0, -p * q, 0, 0])
    (slope,) = torch.autograd.grad(shares(betas, elsewhere(GRID), named("exponentiated"))[0, 0], betas)
    assert slope.flatten().tolist() == pytest.approx([1, 0, 0, 0, 0])


def test_edge_normalisation_weighs_each_edge_of_a_cell():
    """The mixture by gates that were multiplied by hand."""
    space = small("cell-study1", cells=1)
    supernet = seeded(space.supernet(10, 3, "softmax", Mixing(1, True))).double()
    by_hand = torch.softmax(supernet.alphas["normal"].detach(), 1)
    betas = supernet.alphas["normal edges"].detach().flatten().exp()
    for row, (_, target) in enumerate(space.grid.pairs):
        into = [betas[k] for k, pair in enumerate(space.grid.pairs) if pair[1] == target]
        by_hand[row] *= betas[row] / sum(into)
    images = torch.randn(3, 3, 12, 12, dtype=torch.double)
    torch.testing.assert_close(supernet(images), cell_forward(supernet, images, {"normal": by_hand}))


def test_rules_read_the_product_of_alpha_and_beta():
    """Node 3 has edges from 0, 1 and 2. By α alone those from 0 and 1 are strongest; β makes up for 2's weaker α."""
    alpha = np.log(np.array([[0.1, 0.2, 0.7], [0.1, 0.3, 0.6], [0.1, 0.8, 0.1], [0.1, 0.5, 0.4], [0.5, 0.4, 0.1]]))
    alone = Edge(0, 3, "conv_3x3"), Edge(1, 2, "skip_connect"), Edge(1, 3, "skip_connect")
    assert darts_top2(alpha, GRID)[1:] == alone
    betas = np.log(np.array([1.0, 0.4, 1.0, 0.1, 0.5]))[:, None]  # 0.6 × 0.4 = 0.24, 0.5 × 0.1 = 0.05, 0.4 × 0.5 = 0.2
    both = {"normal": alpha, "normal edges": betas}
    space = small("cell-darts", nodes=2, concat=2, operations=GRID.operations, reduction=False,
                  rules=("darts-top2", "node-wise", "edge-wise"))  # fmt: skip
    read = {rule: space.discretise(both, rule).normal for rule in space.rules}
    assert read["darts-top2"] == (
        Edge(0, 2, "conv_3x3"), Edge(0, 3, "conv_3x3"), Edge(1, 2, "skip_connect"), Edge(2, 3, "skip_connect"),
    )  # fmt: skip
    betas[:, 0] = np.log([3.0, 0.1, 1.0, 0.2, 0.7])  # of node 2: 0.7 × 3 against 0.8; of 3: 0.06, 0.1, 0.28
    assert space.discretise(both, "node-wise").normal == (Edge(0, 2, "conv_3x3"), Edge(2, 3, "skip_connect"))
    assert node_wise(alpha, GRID) == (Edge(0, 3, "conv_3x3"), Edge(1, 2, "skip_connect"))
    assert read["edge-wise"] == edge_wise(alpha, GRID)


# --- noise


@pytest.mark.parametrize("gate", ["softmax", "sigmoid", "exponentiated"])
def test_noise_moves_the_weights_and_not_alpha(gate):
    alpha = torch.randn(40, 5, generator=torch.Generator().manual_seed(0))
    way, draw = named(gate), Draw(3, noise=0.2)
    plain, found = way.weights(alpha, 1), way.weights(alpha, 1, draw)
    moved = plain + 0.2 * (2 * torch.rand(40, 5, generator=torch.Generator().manual_seed(3)) - 1)
    cut = moved.clamp(0, 1)
    torch.testing.assert_close(found, cut if gate == "sigmoid" else cut / cut.sum(1, keepdim=True))
    assert torch.equal(found, way.weights(alpha, 1, draw))
    assert not torch.equal(found, way.weights(alpha, 1, Draw(4, noise=0.2)))
    assert (moved < 0).any()


@pytest.mark.parametrize("gate", WAYS)
def test_without_noise_weights_are_as_ever_bit_for_bit(gate):
    alpha = torch.randn(9, 5, generator=torch.Generator().manual_seed(0))
    for draw in (None, Draw(1, 0.5), Draw(1, 0.5, 0.0)):
        assert torch.equal(named(gate).weights(alpha, 1, draw), WAYS[gate].weights(alpha, 1, draw))


def test_noise_leaves_what_is_no_option_alone_and_always_something_to_compute():
    alpha = torch.zeros(2000, 8)
    alpha[:, 3:] = -torch.inf
    found = torch.cat([named("softmax").weights(alpha, 1, Draw(seed, noise=1.0)) for seed in range(3)])
    assert (found[:, 3:] == 0).all()
    torch.testing.assert_close(found.sum(1), torch.ones(6000))
    zeros = (found[:, :3].sort(1).values[:, :2] == 0).all(1)
    assert zeros.any()  # where all three were cut off, the largest counts alone
