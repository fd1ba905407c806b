"""Synaptic flow (Tanaka et al. 2020): what flows through the network if every weight counts by its size.

R = Σ of the logits of an image of ones, with |θ| in place of θ. A weight's saliency is |θ| ∂R/∂|θ|. In a chain of
layers without bias the saliencies of each layer add up to R (their theorem 1): the flow is conserved.

As a score of networks (Abdelfattah et al. 2021): Σ over the weights of convolutions and linear layers, without batch
norm. It needs no data. It grows exponentially with depth, beyond what fp32 holds, so that it is computed in fp64 and
given as its natural logarithm, which has the same ranks.
"""

from math import inf, log

import torch
from torch import Tensor, nn

from harness.zero_cost.batch import Batch
from harness.zero_cost.network import kernels, logits, slopes, without_batch_norm


def saliencies(network: nn.Module, shape: torch.Size) -> list[Tensor]:
    """|θ| ∂R/∂|θ| of the weights of each layer; `shape` [C, H, W] is an image's."""
    linear = without_batch_norm(network).eval().double()
    with torch.no_grad():
        for value in linear.parameters():
            value.abs_()
    weights = kernels(linear)
    ones = torch.ones(1, *shape, dtype=torch.float64, device=weights[0].device)
    return [weight.detach() * slope for weight, slope in zip(weights, slopes(logits(linear, ones).sum(), weights),
                                                             strict=True)]  # fmt: skip


def synflow(network: nn.Module, batch: Batch) -> float:
    """Natural logarithm of the sum; −∞ where nothing flows to the logits."""
    flow = sum(layer.sum().item() for layer in saliencies(network, batch.images.shape[1:]))
    return log(flow) if flow > 0 else -inf
