"""What the networks of a space must keep to: its supernets, and those that are trained from scratch."""

from typing import Any

import torch
from torch import nn

from spaces.cells.mixing import Mixing
from spaces.gates.way import Draw, are_independent
from spaces.space import Space

CLASSES, CHANNELS, SIZE = 10, 3, 32


def images(count: int = 2) -> torch.Tensor:
    return torch.randn(count, CHANNELS, SIZE, SIZE, generator=torch.Generator().manual_seed(0))


def seeded(supernet: Any, seed: int = 0) -> Any:
    """Start values as torch gives them for whatever has none yet, and an α that prefers something."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in supernet.named_parameters():
            if name.startswith("alphas."):
                parameter.copy_(torch.randn(parameter.shape, generator=generator))
            elif parameter.dim() > 1:
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.1)
    return supernet


def supernet_trains(space: Space, gate: str, *how: Mixing) -> None:
    supernet = seeded(space.supernet(CLASSES, CHANNELS, gate, *how))
    logits = supernet(images())
    _are_logits(logits, "in training mode")
    logits.square().mean().backward()
    for name, parameter in supernet.named_parameters():
        if name.startswith("alphas."):
            assert parameter.grad is not None, f"{name} gets no gradient"
            assert torch.isfinite(parameter.grad).all(), f"{name}'s gradient is not finite"
    if hasattr(supernet, "way") and supernet.way.sampled:
        _a_draw_trains(supernet)
    _says_probabilities(supernet)


def _says_probabilities(supernet: Any) -> None:
    for name, probability in supernet.probabilities().items():
        assert bool(((probability >= 0) & (probability <= 1)).all()), f"{name}: a probability outside [0, 1]"
        summed = are_independent(supernet) or torch.allclose(probability.sum(-1), probability.new_ones(()))
        assert summed, f"{name}: probabilities do not sum to 1, and the supernet does not say independent = True"


def _a_draw_trains(supernet: Any) -> None:
    """As a step that is sampled computes it: equal draws are equal, and what is not sampled has no gradient."""
    supernet.zero_grad()
    with supernet.drawn(Draw(1, 5.0)):
        first, again = supernet(images()), supernet(images())
    assert torch.equal(first, again), "the same draw gives other logits"
    first.square().mean().backward()
    gradients = [parameter.grad for parameter in supernet.parameters() if parameter.grad is not None]
    assert gradients, "nothing gets a gradient"
    assert all(bool(torch.isfinite(gradient).all()) for gradient in gradients), "a gradient of a draw is not finite"


def trains_and_is_judged(network: nn.Module) -> None:
    """As a training calls it, which takes auxiliary logits beside the logits, and as evaluation does."""
    out = network.train()(images())
    logits, *aside = out if isinstance(out, tuple) else (out,)
    for found in (logits, *aside):
        _are_logits(found, "in training mode")
    if aside:
        assert len(aside) == 1, f"in training mode it gives {len(out)} values, not logits and auxiliary logits"
        weight = getattr(network, "auxiliary_weight", None)
        assert isinstance(weight, int | float), "it gives auxiliary logits, and its auxiliary_weight is no number"
    _are_logits(network.eval()(images()), "in evaluation mode")


def _are_logits(found: Any, when: str) -> None:
    assert isinstance(found, torch.Tensor), f"{when} the network gives a {type(found).__name__}, not logits"
    assert found.shape == (2, CLASSES), f"{when} logits are {tuple(found.shape)}, not (2, {CLASSES})"
