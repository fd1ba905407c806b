"""Faster ways of the same training step that no GPU has measured yet: words that a path may end in, by --path alone.

- `lean`: convolutions add no bias before a batch norm, which would take it off again; batch norms count no batches.
- `shadow`: all weights are rounded to bf16 by one copy a step, where autocast rounds each by itself.
- `compiled`: Inductor fuses what lies between the products. bf16 alone: in fp32 it reads settings that PyTorch refuses
  to give once `fp32_precision` is set.

Parameters, start values and checkpoints stay as they are. Supernets run without: second derivatives go through a step.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SWITCHES = {"bf16": ("lean", "shadow", "shadow lean", "compiled", "compiled lean"), "fp32": ("lean",)}


def switched(paths: tuple[str, ...], precision: str) -> tuple[str, ...]:
    """The paths that `paths` become by switches."""
    return tuple(f"{path} {more}" for path in paths if "products" not in path for more in SWITCHES.get(precision, ()))


def apply(network: nn.Module, path: str) -> None:
    """Before the network is placed."""
    if hasattr(network, "alphas"):
        return
    if "lean" in path:
        _leave_out_biases(network)
    if "compiled" in path and not hasattr(network, "drop_path_max"):  # another probability would be another program
        network.compile(dynamic=False, options={"fallback_random": True})


def forward(network: nn.Module, images: Tensor, path: str) -> Any:
    """What `network` says, within autocast."""
    if "shadow" in path and network.training and not hasattr(network, "alphas"):
        names, weights = zip(*_rounded(network), strict=True)
        return torch.func.functional_call(network, dict(zip(names, Rounded.apply(*weights), strict=True)), (images,))
    return network(images)


def evaluating(path: str) -> AbstractContextManager[object]:
    """Nothing is compiled for a few batches of another size."""
    return torch.compiler.set_stance("force_eager") if "compiled" in path else nullcontext()


def _rounded(network: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """What autocast rounds: the parameters of products."""
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            own = module.named_parameters(recurse=False)
            yield from ((f"{name}.{part}", value) for part, value in own if not _skipped(module, part))


def _skipped(module: nn.Module, part: str) -> bool:
    return isinstance(module, Unbiased) and part == "bias"


class Rounded(torch.autograd.Function):
    """Tensors in bf16, and their gradients back in fp32, by one copy of all."""

    @staticmethod
    def forward(ctx: Any, *weights: Tensor) -> tuple[Tensor, ...]:
        return _copied(weights, torch.bfloat16)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        found = iter(_copied([one for one in gradients if one is not None], torch.float32))
        return tuple(None if one is None else next(found) for one in gradients)


def _copied(values: Any, dtype: torch.dtype) -> tuple[Tensor, ...]:
    found = tuple(torch.empty_like(value, dtype=dtype) for value in values)
    torch._foreach_copy_(found, list(values))
    return found


class Unbiased(nn.Conv2d):
    """Before a batch norm; its bias is 0 and gets no gradient."""

    def forward(self, images: Tensor) -> Tensor:
        convolved: Tensor = self._conv_forward(images, self.weight, None)
        return convolved


class Uncounted(nn.BatchNorm2d):
    """Its counter of batches, which nothing reads where there is a momentum, stays as it is."""

    def forward(self, images: Tensor) -> Tensor:
        normed: Tensor = F.batch_norm(images, self.running_mean, self.running_var, self.weight, self.bias,
                                      self.training, self.momentum or 0.0, self.eps)  # fmt: skip
        return normed


def _leave_out_biases(network: nn.Module) -> None:
    for conv, norm in _pairs(network):
        conv.__class__ = Unbiased
        _move_bias(conv, norm)
    for module in network.modules():
        if type(module) is nn.BatchNorm2d and module.track_running_stats and module.momentum is not None:
            module.__class__ = Uncounted
    network.register_load_state_dict_post_hook(lambda loaded, _: _move_biases(loaded))


def _move_biases(network: nn.Module) -> None:
    """After weights were loaded that another path has trained."""
    for conv, norm in _pairs(network):
        _move_bias(conv, norm)


def _pairs(network: nn.Module) -> Iterator[tuple[nn.Conv2d, nn.BatchNorm2d]]:
    """Convolutions with a bias, each with the batch norm that reads it."""
    for module in network.modules():
        parts = list(module) if isinstance(module, nn.Sequential) else []
        for conv, norm in pairwise(parts):
            if not (isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)):
                continue
            if type(conv) in (nn.Conv2d, Unbiased) and conv.bias is not None and norm.running_mean is not None:
                yield conv, norm


@torch.no_grad()
def _move_bias(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    """Into the mean that the norm subtracts: the network says the same."""
    assert conv.bias is not None
    assert norm.running_mean is not None
    norm.running_mean.sub_(conv.bias)
    conv.bias.zero_()
