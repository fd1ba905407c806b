"""Kernels held against float64: rounding passes, less exact sums do not."""

import pytest
import torch
from torch import Tensor

from benchmarks import agreement, exactness
from benchmarks.exactness import Exactness, relative
from benchmarks.search import made_up
from harness.engine.device import paths
from harness.engine.engine import Engine
from spaces.cells.operations import SeparableBlock
from spaces.registry import load

pytestmark = pytest.mark.training

CPU = torch.device("cpu")


@torch.library.custom_op("nas_harness_tests::summed", mutates_args=())
def summed(values: Tensor) -> Tensor:
    """A sum that is rounded after every term."""
    total = torch.zeros((), dtype=values.dtype)
    for value in values:
        total = total + value
    return total


@pytest.mark.parametrize(("dtype", "wrong"), [(torch.bfloat16, 1), (torch.float32, 0)])
def test_a_sum_that_rounds_every_term_is_wrong_in_bf16(dtype, wrong, monkeypatch):
    monkeypatch.setattr(exactness, "CHECKED", {torch.ops.nas_harness_tests.summed.default: ("sum",)})
    with Exactness() as found:
        summed(torch.full((1000,), 1.0, dtype=dtype))  # in bf16, 256 + 1 is 256
    assert len(found.wrong()) == wrong
    assert found.largest() == pytest.approx((744 / 1000) / (2**-8 + 2**-24 * 1000**0.5) if wrong else 0.0)


def test_relative_errors():
    assert relative(torch.tensor([3.0, 4.5]), torch.tensor([3.0, 4.0], dtype=torch.float64)) == pytest.approx(0.1)
    assert relative(torch.tensor([0.5]), torch.zeros(1, dtype=torch.float64)) == 0.5


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_every_path_of_a_step_is_as_exact_as_rounding_allows(precision):
    space, data = load("shortcut-vgg11", {"width": 0.125}), made_up(16)
    for path in paths(CPU, precision):
        found = agreement.exactness(space, data, Engine.choose(CPU, precision, data, path))
        assert {"aten.convolution", "aten.convolution_backward"} <= {place[0] for place in found.found}
        assert not found.wrong(), path


@pytest.mark.parametrize("kernel", [3, 5])
def test_dilated_depthwise_convolutions_are_exact_in_bf16(kernel):
    """oneDNN's gradient of their weights in bf16, here 36 channels of 32 × 32, is of the order of 1e18."""
    torch.manual_seed(0)
    block = SeparableBlock(36, kernel, 1, True, dilation=2).to(memory_format=torch.channels_last)
    images = torch.randn(8, 36, 32, 32).to(memory_format=torch.channels_last).requires_grad_()
    with Exactness() as found:
        with torch.autocast("cpu", torch.bfloat16):
            out = block(images)
        out.float().square().sum().backward()
    assert not found.wrong()
