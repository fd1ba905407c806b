"""Weights that are learned by multiplicative steps (GAEA, Li et al. 2021): geometry-aware, since they are a simplex."""

from typing import Any

import torch
from torch import Tensor

from spaces.gates.way import Draw, Way


def weights(alpha: Tensor, dim: int, draw: Draw | None = None) -> Tensor:
    """θ = softmax(α), whose gradient reaches α as it is: α.grad = ∂L/∂θ.

    α is the logarithm of θ up to a constant. So a step of plain gradient descent, α ← α − η ∂L/∂θ, is the exponentiated
    gradient θ ← θ exp(−η ∂L/∂θ) / Σ (Li et al. 2021, algorithm 1), and second derivatives are those in θ. η is
    `alpha_lr`, for which the authors take 0.1. Of two options it is a point of the two-point simplex, as a shortcut's
    gate is. The authors' code keeps θ above 1e-5, which logarithms do not need; their entropic regularisation, which
    they set to 0, is left out.
    """
    theta: Tensor = Mirrored.apply(alpha, dim)
    return theta


class Mirrored(torch.autograd.Function):
    """Softmax forwards, the identity backwards."""

    @staticmethod
    def forward(ctx: Any, alpha: Tensor, dim: int) -> Tensor:
        return torch.softmax(alpha, dim)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient, None


WAY = Way(weights, multiplicative=True)
