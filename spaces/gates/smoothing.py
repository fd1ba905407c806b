"""Weights that are moved at random in steps of a supernet's weights (SDARTS-RS, Chen & Hsieh 2020)."""

from dataclasses import replace

import torch
from torch import Tensor

from spaces.gates.way import Draw, Way


def smoothed(way: Way) -> Way:
    """The same way, whose weights are moved within a draw that has noise; without noise it is `way` bit for bit.

    Noise is uniform in [−ε, ε] and is added to the weights, as in the authors' code: after the softmax, not to α. What
    leaves [0, 1] is cut off there, and then the weights of a choice are divided by their sum; where all became 0, the
    largest counts alone. Gates by themselves are cut off and need not sum to 1. What is no option stays at 0.
    """

    def weights(alpha: Tensor, dim: int, draw: Draw | None = None) -> Tensor:
        found = way.weights(alpha, dim, draw)
        if draw is None or not draw.noise:
            return found
        uniform = torch.rand(alpha.shape, generator=draw.generator()).mul_(2).sub_(1).mul_(draw.noise)
        moved = (found + uniform.to(found)).masked_fill(alpha.isneginf(), -torch.inf)
        cut = moved.clamp(0, 1)
        return cut if way.independent else _summing_to_one(cut, moved, dim)

    return replace(way, weights=weights)


def _summing_to_one(cut: Tensor, moved: Tensor, dim: int) -> Tensor:
    total = cut.sum(dim, keepdim=True)
    largest = torch.zeros_like(cut).scatter_(dim, moved.argmax(dim, keepdim=True), 1.0)
    return torch.where(total > 0, cut / total.where(total > 0, 1.0), largest)
