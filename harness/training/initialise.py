"""Start values: seeded per parameter name, so that layers that two networks share start equal."""

import math

import torch
from torch import nn

from harness.seeding import stream


def initialise(network: nn.Module, study_seed: int, seed: int, train_seed: int = 0) -> None:
    """He's normal (2015, fan out) for convolutions, torch's own uniform for linear layers; 1 and 0 for batch norm.

    α keeps what the supernet gave it.
    """
    for name, parameter in network.named_parameters():
        if name.startswith("alphas."):
            continue
        generator = torch.Generator().manual_seed(stream(study_seed, seed, "initialisation", train_seed, name))
        with torch.no_grad():
            parameter.copy_(_start(name, parameter.shape, generator))


def _start(name: str, shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
    if len(shape) == 4:
        return torch.randn(shape, generator=generator) * math.sqrt(2 / (shape[0] * shape[2] * shape[3]))
    if len(shape) == 2:
        return (torch.rand(shape, generator=generator) * 2 - 1) / math.sqrt(shape[1])
    return torch.ones(shape) if name.endswith("weight") else torch.zeros(shape)
