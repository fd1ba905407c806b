"""Correlation of the Jacobian over images (Mellor et al. 2020, the first version of "without training").

Row i of J is the gradient of the sum of all logits in image i. Σ is the correlation matrix of its N rows, λ are its
eigenvalues, and the score is −Σ (ln(λ + k) + 1 / (λ + k)) with k = 10⁻⁵: the less the images' rows are alike, the
higher. Batch norm is in training mode (Abdelfattah et al. 2021).
"""

import torch
from torch import Tensor, nn

from harness.zero_cost.batch import Batch
from harness.zero_cost.network import in_training, logits, slopes

K = 1e-5


def jacobian(network: nn.Module, images: Tensor) -> Tensor:
    """[N, C·H·W]: of the sum of all logits in each image."""
    inputs = images.detach().clone().requires_grad_()
    (rows,) = slopes(logits(in_training(network), inputs).sum(), [inputs])
    return rows.flatten(1)


def jacov(network: nn.Module, batch: Batch) -> float:
    """NaN where a row does not vary, as that of a network which does not depend on the image.

    Raises ValueError for a batch of one image."""
    if len(batch.images) < 2:
        raise ValueError("jacov compares the images of a batch, and there is one")
    correlations = torch.corrcoef(jacobian(network, batch.images).double())
    if not bool(correlations.isfinite().all()):
        return float("nan")
    shifted = torch.linalg.eigvalsh(correlations) + K
    return -float((shifted.log() + 1 / shifted).sum())
