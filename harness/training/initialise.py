"""Start values: seeded per parameter name, so that layers that two networks share start equal."""

import math

import torch
from torch import nn

from harness.seeding import Seeds, stream

USUAL = (nn.modules.conv._ConvNd, nn.Linear, nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm,
         nn.ParameterDict)  # the last: convolutions that spaces.shortcuts merges  # fmt: skip


def seed_build(seeds: Seeds) -> None:
    """Before a network or supernet is built: what it samples by itself, such as α or a buffer, is then the seed's,
    whatever the process did before."""
    torch.manual_seed(seeds.stream("build", seeds.training))


def initialise(network: nn.Module, study_seed: int, seed: int, train_seed: int = 0) -> None:
    """He's normal (2015, fan out) for convolutions, torch's own uniform for the weights of linear layers, 0 for their
    biases; 1 and 0 for normalisation.

    Parameters of other layers, as a space from outside may have them, keep a constant that the network gives them, and
    else are sampled anew with the mean and the spread that they came with. α keeps what the supernet gave it.
    """
    usual = {
        id(own) for layer in network.modules() if isinstance(layer, USUAL) for own in layer.parameters(recurse=False)
    }
    for name, parameter in network.named_parameters():
        if name.startswith("alphas."):
            continue
        generator = torch.Generator().manual_seed(stream(study_seed, seed, "initialisation", train_seed, name))
        with torch.no_grad():
            start = _usual(name, parameter.shape, generator) if id(parameter) in usual else _own(parameter, generator)
            parameter.copy_(start)


def _usual(name: str, shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
    if len(shape) > 2:
        return torch.randn(shape, generator=generator) * math.sqrt(2 / (shape[0] * math.prod(shape[2:])))
    if len(shape) == 2:
        return (torch.rand(shape, generator=generator) * 2 - 1) / math.sqrt(shape[1])
    return torch.ones(shape) if name.endswith("weight") else torch.zeros(shape)


def _own(given: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    if not given.numel() or bool((given == given.flatten()[0]).all()):
        return given
    return torch.randn(given.shape, generator=generator) * given.std().cpu() + given.mean().cpu()
