"""What scores have in common: the weights that they are taken over, the logits, a network without batch norm."""

from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from spaces.cost import APART


def kernels(network: nn.Module) -> list[Tensor]:
    """The weights of convolutions and linear layers; not biases, batch norm, α or an auxiliary head."""
    return [value for name, value in network.named_parameters() if value.dim() > 1 and not name.startswith(APART)]


def logits(network: nn.Module, images: Tensor) -> Tensor:
    """[N, classes], of the main head where a network gives more."""
    out = network(images)
    found: Tensor = out[0] if isinstance(out, tuple) else out
    return found


def in_training(network: nn.Module) -> nn.Module:
    """A copy in training mode, so that batch norm uses the batch's statistics and the network stays as it is; without
    its auxiliary head, which only helps training."""
    copy = deepcopy(network).train()
    if hasattr(copy, "auxiliary_weight"):
        copy.auxiliary_weight = 0.0  # type: ignore[assignment]
    return copy


def slopes(value: Tensor, weights: list[Tensor]) -> tuple[Tensor, ...]:
    """∂value/∂weights; 0 where the value does not depend on them."""
    return torch.autograd.grad(value, weights, allow_unused=True, materialize_grads=True)


def without_batch_norm(network: nn.Module) -> nn.Module:
    """A copy in which every batch norm is the identity."""
    copy = deepcopy(network)
    for module in list(copy.modules()):
        for name, child in module.named_children():
            if isinstance(child, _BatchNorm):
                setattr(module, name, nn.Identity())
    return copy
