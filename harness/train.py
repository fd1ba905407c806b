"""Training of one network: an epoch at a time, so that a job can checkpoint, report and stop in between."""

import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from harness.data import Images, order
from harness.engine import Engine, learning_rate, sgd
from harness.plan import Settings
from harness.streams import stream


class Diverged(Exception):
    """The loss is no number any more."""


@dataclass
class Training:
    """`network` on `part`, by `settings` (recipe and seeds). `epoch` is called with 1, 2, … in turn."""

    network: nn.Module
    part: Images
    settings: Settings
    engine: Engine
    optimiser: torch.optim.Optimizer = field(init=False)

    def __post_init__(self) -> None:
        self.optimiser = sgd(list(self.network.parameters()), self.settings["recipe"])

    @property
    def epochs(self) -> int:
        return int(self.settings["recipe"]["epochs"])

    def epoch(self, number: int) -> dict[str, float]:
        """Raises Diverged."""
        recipe, seeds = self.settings["recipe"], (self.settings["study_seed"], self.settings["seed"])
        trained = self.settings.get("train_seed", 0)
        lr = learning_rate(recipe, number, self.epochs)
        set_rate(self.optimiser, lr)
        torch.manual_seed(stream(*seeds, "dropout", trained, number))
        if (most := getattr(self.network, "drop_path_max", None)) is not None:
            self.network.drop_path = most * (number - 1) / self.epochs
        self.network.train()
        images = order(len(self.part), *seeds, f"order-{trained}", number)
        total, count = torch.zeros((), device=self.engine.device), 0
        for batch, labels in self.engine.epoch(
            self.part, images, recipe, stream(*seeds, "augmentation", trained, number)
        ):
            total += weight_step(self.network, self.optimiser, self.engine, batch, labels, recipe) * len(labels)
            count += len(labels)
        return {"train_loss": checked(total.item() / count), "lr": lr}

    def state(self) -> dict[str, Any]:
        return {"network": self.network.state_dict(), "optimiser": self.optimiser.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])


def weight_step(network: nn.Module, optimiser: torch.optim.Optimizer, engine: Engine, images: torch.Tensor,
                labels: torch.Tensor, recipe: Settings) -> torch.Tensor:  # fmt: skip
    """One step of the weights; returns the loss before it, still on the device."""
    optimiser.zero_grad(set_to_none=True)
    loss = engine.loss(network, images, labels)
    loss.backward()
    if recipe["clip"]:
        nn.utils.clip_grad_norm_((p for group in optimiser.param_groups for p in group["params"]), recipe["clip"])
    optimiser.step()
    return loss.detach()


def set_rate(optimiser: torch.optim.Optimizer, lr: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = lr


def checked(loss: float) -> float:
    """Raises Diverged where the loss is no finite number."""
    if not math.isfinite(loss):
        raise Diverged(f"the training loss became {loss}")
    return loss
