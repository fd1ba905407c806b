"""SGD and its learning rate, also where a CUDA graph reads them."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from harness.study.schema import Recipe

WAYS = ("capturable", "foreach", "fused")  # of an optimiser: chosen by device, equal in what they compute


@torch.no_grad()
def restore(optimiser: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Loads `state`, which may come from another device or path: how this one computes stays as it is.

    A learning rate that a CUDA graph reads stays the tensor that it is and takes the saved value. What is kept of a
    parameter is laid out as that is: fused kernels go through both in the order of their memory.
    """
    rates = [group["lr"] for group in optimiser.param_groups]
    ways = [{name: group[name] for name in WAYS if name in group} for group in optimiser.param_groups]
    groups = [{**saved, **own} for saved, own in zip(state["param_groups"], ways, strict=True)]
    optimiser.load_state_dict({**state, "param_groups": groups})
    for group, rate in zip(optimiser.param_groups, rates, strict=True):
        saved = float(group["lr"])
        group["lr"] = rate.fill_(saved) if isinstance(rate, Tensor) else saved
    for parameter, kept in optimiser.state.items():
        for name, value in kept.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                kept[name] = torch.empty_like(parameter).copy_(value)


def sgd(parameters: list[nn.Parameter], recipe: Recipe) -> torch.optim.SGD:
    """The learning rate is a tensor where a CUDA graph may have to read it anew."""
    device = parameters[0].device
    lr = torch.tensor(recipe.lr, device=device) if device.type == "cuda" else recipe.lr
    return torch.optim.SGD(parameters, lr, recipe.momentum, weight_decay=recipe.weight_decay,
                           nesterov=recipe.nesterov, fused=True)  # fmt: skip


def start_momenta(optimiser: torch.optim.SGD) -> None:
    """At 0, from where the first step of each parameter is as ever: where steps leave parameters out, fused SGD would
    otherwise find some with momenta and some without."""
    for group in optimiser.param_groups:
        for parameter in group["params"] if group["momentum"] else ():
            optimiser.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)


def learning_rate(recipe: Recipe, epoch: int, epochs: int) -> float:
    """For `epoch` from 1: constant; × γ after every `step` epochs; or half a cosine that would reach `min_lr` after
    the last epoch (Loshchilov & Hutter 2017).

    Of w > 0 warm-up epochs the e-th has lr · e / w, and the w-th so the whole of it (Goyal et al. 2017, section 2.2, in
    whole epochs). The schedule then begins, at lr, and runs over the epochs - w that are left.
    """
    lr, scheduler = recipe.lr, recipe.scheduler
    if epoch <= (warm := scheduler.warmup_epochs):
        return lr * epoch / warm
    epoch, epochs = epoch - warm, epochs - warm
    if scheduler.kind == "cosine":
        low = scheduler.min_lr
        return low + (lr - low) * (1 + math.cos(math.pi * (epoch - 1) / epochs)) / 2
    if scheduler.kind == "step":
        step = scheduler.step if scheduler.step >= 1 else scheduler.step * epochs
        return lr * float(scheduler.gamma ** ((epoch - 1) // max(1, round(step))))
    return lr


def set_rate(optimiser: torch.optim.Optimizer, lr: float) -> None:
    for group in optimiser.param_groups:
        if isinstance(group["lr"], torch.Tensor):
            group["lr"].fill_(lr)
        else:
            group["lr"] = lr
