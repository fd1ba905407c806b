"""Norm of the gradient (Abdelfattah et al. 2021): Euclidean norms ‖∂L/∂θ‖ of each layer's weights, added up.

L is the cross entropy of one batch, with batch norm in training mode; layers are convolutions and linear ones.
"""

import torch.nn.functional as F
from torch import nn

from harness.zero_cost.batch import Batch
from harness.zero_cost.network import in_training, kernels, logits, slopes


def grad_norm(network: nn.Module, batch: Batch) -> float:
    """Σ over layers of ‖∂L/∂θ‖₂."""
    copy = in_training(network)
    found = slopes(F.cross_entropy(logits(copy, batch.images), batch.labels), kernels(copy))
    return sum(float(slope.norm()) for slope in found)
