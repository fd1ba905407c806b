"""Zen-score (Lin et al. 2021): how far the features move with the image, in a network of Gaussian weights.

All weights ~ N(0, 1), x and ε ~ N(0, 1) of the images' shape, f(x) the features before global average pooling:
Δ = E ‖f(x) − f(x + α ε)‖_F with α = 0.01, the mean over the batch. Batch norm would hide the scale, so that it is put
back: σᵢ² is the mean over the channels of the variance that the i-th batch norm divides by, and
zen = ln Δ + Σᵢ ln σᵢ. It needs no data and no labels.

The authors take shortcuts out of the network first. They are what is searched for here, and stay (as in
NAS-Bench-Suite-Zero, Krishnakumar et al. 2022). A batch norm hides no scale that only gets a constant, or on which the
features do not depend (schema 5; before, it counted): it is left out.
"""

from collections.abc import Callable, Iterable, Mapping
from math import inf, log
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils._python_dispatch import TorchDispatchMode

from harness.zero_cost.batch import Batch
from harness.zero_cost.network import in_training, kernels

ALPHA = 0.01


class _Pooled(TorchDispatchMode):
    """Keeps what the last mean over height and width was taken of."""

    features: Tensor | None = None

    def __torch_dispatch__(self, func: Any, types: Iterable[type], args: tuple[Any, ...] = (),
                           kwargs: Mapping[str, Any] | None = None) -> Any:  # fmt: skip
        if func is torch.ops.aten.mean.dim and args[0].dim() == 4 and {at % 4 for at in args[1] or ()} == {2, 3}:
            self.features = args[0]
        return func(*args, **(kwargs or {}))


def features(network: nn.Module, images: Tensor) -> Tensor:
    """[N, C, H, W], before global average pooling. Raises ValueError where there is none."""
    with _Pooled() as pooled:
        network(images)
    found: Tensor | None = pooled.features
    if found is None:
        raise ValueError("it has no global average pooling, before which zen looks at its features")
    return found


def zen(network: nn.Module, batch: Batch, dead: bool = False) -> float:
    """−∞ where the features do not depend on the image. `dead`: batch norms count that they do not depend on."""
    random = torch.Generator().manual_seed(batch.seed)
    copy, device = in_training(network), batch.images.device
    with torch.no_grad():
        for value in kernels(copy):
            value.copy_(torch.randn(value.shape, generator=random))
    images, noise = (torch.randn(batch.images.shape, generator=random).to(device) for _ in range(2))
    norms: list[tuple[Tensor, float]] = []
    hooks = [module.register_forward_hook(_keeping(norms)) for module in copy.modules()
             if isinstance(module, _BatchNorm)]  # fmt: skip
    before = features(copy, images)
    for hook in hooks:
        hook.remove()
    slopes = torch.autograd.grad(before.sum(), [out for out, _ in norms], allow_unused=True) if norms else ()
    with torch.no_grad():
        moved = (before - features(copy, images + ALPHA * noise)).flatten(1).norm(dim=1).mean().item()
    counted = [variance for (_, variance), slope in zip(norms, slopes, strict=True) if dead or slope is not None]
    scales = sum(log(variance) / 2 for variance in counted if variance > 0)
    return log(moved) + scales if moved > 0 else -inf


def _keeping(found: list[tuple[Tensor, float]]) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
    """Keeps what a batch norm gives, and the mean over channels of the variance of what it gets."""

    def hook(_: nn.Module, inputs: tuple[Tensor, ...], out: Tensor) -> None:
        channels = inputs[0].detach().transpose(0, 1).flatten(1)
        found.append((out, channels.var(dim=1, correction=0).mean().item()))

    return hook
