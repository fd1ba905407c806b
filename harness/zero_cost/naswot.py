"""Neural architecture search without training (NASWOT, Mellor et al. 2021): can the untrained network tell the images
of a batch apart?

An image's code says of every ReLU whether it lets its input through. K[i, j] = N_A − d_H(i, j), the number of ReLUs
minus the Hamming distance of two codes, and the score is ln |det K|. Batch norm is in training mode. As in the authors'
code, ReLUs that the logits do not depend on are left out.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from harness.zero_cost.batch import Batch
from harness.zero_cost.network import in_training, logits

RELUS = (F.relu, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_)


class _Rectified(TorchFunctionMode):
    """Keeps what every ReLU gives, and a copy of which units are open, whatever changes them in place later."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[Tensor, Tensor]] = []

    def __torch_function__(self, func: Callable[..., Any], types: Iterable[type], args: tuple[Any, ...] = (),
                           kwargs: Mapping[str, Any] | None = None) -> Any:  # fmt: skip
        out = func(*args, **(kwargs or {}))
        if func in RELUS:
            self.found.append((out, out.detach() > 0))
        return out


def codes(network: nn.Module, images: Tensor) -> Tensor:
    """Bool [N, ReLUs]. Raises ValueError where the logits depend on no ReLU."""
    with _Rectified() as rectified:
        out = logits(in_training(network), images)
    found = [(value, units) for value, units in rectified.found if value.requires_grad]
    slopes = torch.autograd.grad(out.sum(), [value for value, _ in found], allow_unused=True) if found else ()
    live = [units.flatten(1) for (_, units), slope in zip(found, slopes, strict=True) if slope is not None]
    if not live:
        raise ValueError("its logits depend on no ReLU, by which naswot tells images apart")
    return torch.cat(live, dim=1)


def naswot(network: nn.Module, batch: Batch) -> float:
    """ln |det K|; −∞ where two images have one code."""
    ones = codes(network, batch.images).double()
    zeros = 1 - ones
    return float(torch.linalg.slogdet(ones @ ones.T + zeros @ zeros.T).logabsdet)
