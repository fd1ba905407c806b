"""A gate for every option by itself (FairDARTS, Chu et al. 2020)."""

import torch
from torch import Tensor

from spaces.gates.way import Draw, Way


def weights(alpha: Tensor, dim: int, draw: Draw | None = None) -> Tensor:
    """1 / (1 + exp(−α_o))."""
    return torch.sigmoid(alpha)


WAY = Way(weights, independent=True)
