"""What a score may look at beside the network."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """`images` normalised, fp32 [N, C, H, W]; `labels` int64 [N]; `seed` starts whatever a score samples itself."""

    images: Tensor
    labels: Tensor
    seed: int = 0
