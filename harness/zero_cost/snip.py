"""Connection sensitivity (SNIP, Lee et al. 2019): how much the loss depends on whether a weight is there.

|θ ∂L/∂θ|, by the cross entropy L of one batch. As a score of networks (Abdelfattah et al. 2021): Σ over the weights of
convolutions and linear layers, not normalised, with batch norm in training mode.
"""

import torch.nn.functional as F
from torch import nn

from harness.zero_cost.batch import Batch
from harness.zero_cost.network import in_training, kernels, logits, slopes


def snip(network: nn.Module, batch: Batch) -> float:
    """Σ |θ ∂L/∂θ|."""
    copy = in_training(network)
    weights = kernels(copy)
    found = slopes(F.cross_entropy(logits(copy, batch.images), batch.labels), weights)
    return sum((weight.detach() * slope).abs().sum().item() for weight, slope in zip(weights, found, strict=True))
