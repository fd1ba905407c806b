"""Training of one network: step by step, so that a job can checkpoint, report, stop and let others have their turn."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import nn

from harness.data.images import Images
from harness.data.splits import order
from harness.engine.engine import Engine
from harness.engine.optimiser import learning_rate, restore, set_rate, sgd
from harness.seeding import Seeds
from harness.study.schema import Recipe
from harness.training.epochs import Steps


class Diverged(Exception):
    """The loss has become infinite or NaN."""


@dataclass
class Training:
    """`network` on `part`. `steps` is called with 1, 2, … in turn."""

    network: nn.Module
    part: Images
    recipe: Recipe
    seeds: Seeds
    engine: Engine
    optimiser: torch.optim.Optimizer = field(init=False)
    step: Callable[..., torch.Tensor] = field(init=False)

    def __post_init__(self) -> None:
        self.optimiser = sgd(list(self.network.parameters()), self.recipe)
        step = partial(weight_step, self.network, self.optimiser, self.engine, self.recipe)
        self.step = self.engine.repeated(step, self.network)

    @property
    def epochs(self) -> int:
        return self.recipe.epochs

    def steps(self, number: int) -> Steps:
        """Raises Diverged."""
        seeds, trained = self.seeds, self.seeds.training
        lr = learning_rate(self.recipe, number, self.epochs)
        set_rate(self.optimiser, lr)
        torch.manual_seed(seeds.stream("dropout", trained, number))
        if hasattr(self.network, "drop_path_max"):
            self.network.drop_path = self.network.drop_path_max * (number - 1) / self.epochs  # type: ignore
        self.network.train()
        images = order(len(self.part), seeds.stream(f"order-{trained}", number))
        augmentation = seeds.stream("augmentation", trained, number)
        total, count = torch.zeros((), device=self.engine.device), 0
        for batch, labels in self.engine.epoch(self.part, images, self.recipe, augmentation):
            total += self.step(batch, labels) * len(labels)
            count += len(labels)
            yield
        return {"train_loss": checked(total.item() / count), "lr": lr}

    def state(self) -> dict[str, Any]:
        return {"network": self.network.state_dict(), "optimiser": self.optimiser.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        restore(self.optimiser, state["optimiser"])


def weight_step(network: nn.Module, optimiser: torch.optim.Optimizer, engine: Engine, recipe: Recipe,
                images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:  # fmt: skip
    """One step of the weights, the gradient's norm at most the recipe's `clip`; returns the loss before it, smoothed
    as the recipe says, on the device."""
    optimiser.zero_grad(set_to_none=True)
    loss = engine.loss(network, images, labels, recipe.label_smoothing)
    loss.backward()
    if recipe.clip:
        nn.utils.clip_grad_norm_((p for group in optimiser.param_groups for p in group["params"]), recipe.clip)
    optimiser.step()
    return loss.detach()


def checked(loss: float) -> float:
    """Raises Diverged where the loss is no finite number."""
    if not math.isfinite(loss):
        raise Diverged(f"the training loss became {loss}")
    return loss
