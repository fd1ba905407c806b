"""Start values of networks whose layers are not those of the package's own spaces."""

import pytest
import torch
from torch import nn

from harness.training.initialise import initialise


class Odd(nn.Module):
    """Layers of which shapes and names do not tell what they start with."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(4))
        self.gamma = nn.Parameter(torch.full((1, 4, 1, 1), 0.1))
        self.temperature = nn.Parameter(torch.tensor(2.0))
        self.embedding = nn.Parameter(0.02 * torch.randn(1, 64, 32) + 1)
        self.slope = nn.PReLU()
        self.mixed = nn.Conv1d(16, 16, 1)
        self.norm = nn.LayerNorm(4)
        self.head = nn.Linear(4, 2)


def started(torch_seed: int, seed: int = 0) -> Odd:
    torch.manual_seed(torch_seed)
    network = Odd()
    initialise(network, 0, seed)
    return network


def test_a_constant_start_value_stays() -> None:
    network = started(0)
    assert torch.equal(network.scale, torch.ones(4))
    assert torch.equal(network.gamma, torch.full((1, 4, 1, 1), 0.1))
    assert network.temperature.item() == 2
    assert network.slope.weight.item() == 0.25


def test_what_was_random_is_sampled_anew_by_the_seed_alone() -> None:
    one, again, other = started(0), started(1), started(0, seed=1)
    assert not torch.equal(one.embedding, other.embedding)
    assert torch.allclose(one.embedding, again.embedding, atol=0.01), "mean and spread are those of the start values"
    assert one.embedding.mean().item() == pytest.approx(1, abs=0.01)
    assert one.embedding.std().item() == pytest.approx(0.02, rel=0.1)


def test_convolutions_of_any_dimension_have_hes_spread() -> None:
    network = started(0)
    assert torch.equal(network.mixed.weight, started(1).mixed.weight)
    assert network.mixed.weight.std().item() == pytest.approx((2 / 16) ** 0.5, rel=0.15)
    assert torch.equal(network.norm.weight, torch.ones(4))
    assert torch.equal(network.head.bias, torch.zeros(2))
