"""The grouped supernet against a plain one that runs every operation of every edge by itself."""

import copy
from random import Random

import pytest
import torch
import torch.nn.functional as F

from spaces.cells.graph import parts
from spaces.cells.space import PRESETS
from spaces.gates.way import Draw
from tests.plain_cells import plain_forward, seeded, small


def both(supernet, images):
    """(logits, gradients) of the supernet's own forward and of the plain one, from the same weights."""
    out = []
    for plain in (False, True):
        network, pictures = copy.deepcopy(supernet), images.clone().requires_grad_()
        logits = plain_forward(network, pictures) if plain else network(pictures)
        F.cross_entropy(logits, torch.arange(len(images)) % 10).backward()
        gradients = {name: value.grad for name, value in network.named_parameters() if value.grad is not None}
        out.append((network, logits, {**gradients, "images": pictures.grad}))
    return out


@pytest.mark.long
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])  # fp64 takes the dense kernels of reduced precision
@pytest.mark.parametrize(("preset", "gate"), [("cell-study1", "softmax"), ("cell-darts", "sigmoid")])
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


@pytest.mark.long
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("preset", PRESETS)
def test_subnet_is_the_supernet_at_a_one_hot_alpha(preset, training):
    """With the batch's own statistics, whatever the mode, and without a trace in the running ones."""
    space = small(preset)
    supernet = seeded(space.supernet(10, 3, "softmax")).double().train(training)
    images = torch.randn(3, 3, 12, 12, dtype=torch.double)
    before = copy.deepcopy(supernet.state_dict())
    for rule in space.rules:
        architecture = space.draw(rule, Random(5))
        gates = {kind: torch.zeros_like(alpha) for kind, alpha in supernet.alphas.items()}
        for kind, gate in gates.items():
            for edge in parts(architecture)[kind].edges:
                gate[space.grid.row(edge.source, edge.target), space.operations.index(edge.operation)] = 1
        with supernet.subnet(architecture):
            logits = supernet(images)
        torch.testing.assert_close(logits, plain_forward(copy.deepcopy(supernet).train(), images, gates))
    torch.testing.assert_close(supernet.state_dict(), before, rtol=0, atol=0)


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


def test_a_reduction_cell_of_which_no_edge_is_used_still_halves_the_image():
    """GDAS samples `none` on all edges from a cell's inputs, and the next cell takes what comes out."""
    space = small("cell-darts", cells=3)
    supernet = seeded(space.supernet(10, 3, "gumbel"))
    columns = space.grid.operations
    for part, operation in (("normal", "sep_conv_3x3"), ("reduction", "none")):
        with torch.no_grad():
            supernet.alphas[part][:, columns.index(operation)] = 50.0
    with supernet.drawn(Draw(None)):
        assert supernet(torch.randn(2, 3, 13, 13)).shape == (2, 10)
