"""Weights that sum to 1 (DARTS, Liu et al. 2019, equation 2)."""

import torch
from torch import Tensor

from spaces.gates.way import Draw, Way


def weights(alpha: Tensor, dim: int, draw: Draw | None = None) -> Tensor:
    """exp(α_o) / Σ exp(α)."""
    return torch.softmax(alpha, dim)


WAY = Way(weights)
