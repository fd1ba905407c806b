"""Which images train the weights and which train α, and in which order an epoch visits them."""

import hashlib
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from harness.seeding import stream


@dataclass(frozen=True)
class Split:
    """Indices into a study's training images: for the weights, and for α (empty where all go to the weights).

    `drawn`: where the training images are drawn by seed, their indices in the whole set.
    """

    weights: Tensor
    alpha: Tensor
    drawn: Tensor | None = None

    def digest(self) -> str:
        text = hashlib.sha256(self.weights.numpy().tobytes())
        text.update(b"|" + self.alpha.numpy().tobytes())
        if self.drawn is not None:
            text.update(b"|" + self.drawn.numpy().tobytes())
        return text.hexdigest()[:16]


def split(images: int, study_seed: int, seed: int, alpha_portion: float | None, drawn: Tensor | None = None) -> Split:
    """Searches, scoring and tuning hold out a validation split; final training (None) uses everything."""
    if alpha_portion is None:
        return Split(torch.arange(images), torch.arange(0), drawn)
    order = torch.from_numpy(np.random.default_rng(stream(study_seed, seed, "split")).permutation(images))
    cut = min(max(round(images * alpha_portion), 1), images - 1)
    return Split(order[cut:].sort().values, order[:cut].sort().values, drawn)


def order(images: int, seed: int) -> Tensor:
    """The order in which an epoch visits the images."""
    return torch.from_numpy(np.random.default_rng(seed).permutation(images))
