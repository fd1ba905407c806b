"""Differentiable search (DARTS, Liu et al. 2019): α and weights in turn, each on its own split of the images."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from harness.data.images import Images
from harness.data.splits import order
from harness.engine.engine import Engine, batch_statistics
from harness.engine.optimiser import learning_rate, restore, set_rate, sgd, start_momenta
from harness.seeding import Seeds
from harness.study.schema import Recipe
from harness.study.search import Search as SearchSettings
from harness.training import alpha as of_alpha
from harness.training import bilevel
from harness.training.epochs import Steps
from harness.training.train import checked, weight_step
from spaces.gates.way import Draw, Way, are_independent
from spaces.space import Space

TELEMETRY_IMAGES = 1000  # of the validation split, enough for a gap of 3 points


@dataclass
class Search:
    """A supernet's search. Epochs 1 to warmup_epochs train the weights alone, the `epochs` after them both."""

    space: Space
    network: Any
    weights_part: Images
    alpha_part: Images
    spec: SearchSettings
    recipe: Recipe  # of the weights
    seeds: Seeds
    engine: Engine
    by_batch: bool = field(default=True, kw_only=True)  # what is sampled is judged so; under schema 4 paths alone
    weight_optimiser: torch.optim.SGD = field(init=False)
    alpha_optimiser: torch.optim.Optimizer = field(init=False)
    step: Callable[..., Tensor] = field(init=False, repr=False)
    both: Callable[..., Tensor] = field(init=False, repr=False)
    draws: Iterator[Draw] = field(init=False, repr=False)  # of the epoch's steps to come

    def __post_init__(self) -> None:
        spec = self.spec
        self.weight_optimiser = sgd(self.weights, self.recipe)
        self.alpha_optimiser = of_alpha.optimiser(self.alphas, spec, self.way, self.engine.device)
        self.draws = of_alpha.draws(self.seeds, 0, spec)
        self.step, self.both = self._weight_step, self._both_steps
        if self.by_paths:
            start_momenta(self.weight_optimiser)
        if self.repeats:
            self.step = self.engine.repeated(self._weight_step, self.network)
            self.both = self.engine.repeated(self._both_steps, self.network) if spec.order == 1 else self._both_steps

    @property
    def learns_alpha(self) -> bool:
        return self.spec.train_alpha

    @property
    def way(self) -> Way:
        return of_alpha.way_of(self.network)

    @property
    def repeats(self) -> bool:
        """Whether every step does the same: a CUDA graph would repeat the sample that it was captured with."""
        return not self.way.sampled and not self.spec.perturb

    @property
    def by_paths(self) -> bool:
        """Whether a step leaves weights out."""
        return self.way.single

    @property
    def epochs(self) -> int:
        return self.spec.warmup_epochs + self.spec.epochs

    @property
    def alphas(self) -> list[nn.Parameter]:
        return list(self.network.alphas.values())

    @property
    def weights(self) -> list[nn.Parameter]:
        return [p for name, p in self.network.named_parameters() if not name.startswith("alphas.")]

    def steps(self, number: int) -> Steps:
        """Raises Diverged."""
        searching, seeds = self.learns_alpha and number > self.spec.warmup_epochs, self.seeds
        lr = self.rate(number)
        set_rate(self.weight_optimiser, lr)
        torch.manual_seed(seeds.stream("dropout", number))
        self.draws = of_alpha.draws(seeds, number, self.spec)
        if self.spec.auxiliary_skip:
            self.network.skip(of_alpha.coefficient(self.spec, number))
        self.network.train()
        total, count = torch.zeros((), device=self.engine.device), 0
        alpha_batches = self._alpha_batches(number)
        images = order(len(self.weights_part), seeds.stream(f"order-{seeds.training}", number))
        augmentation = seeds.stream("augmentation", seeds.training, number)
        for batch in self.engine.epoch(self.weights_part, images, self.recipe, augmentation):
            loss = self.both(*batch, *next(alpha_batches)) if searching else self.step(*batch)
            total += loss * len(batch[1])
            count += len(batch[1])
            yield
        return {"train_loss": checked(total.item() / count), "lr": lr, **self._telemetry(searching)}

    def rate(self, number: int) -> float:
        """The learning rate of the weights in an epoch."""
        return learning_rate(self.recipe, number, self.epochs)

    def accuracy(self, part: Images) -> float:
        """Of the supernet by what α says, in percent: its mean weights, without chance; of a way of single paths, which
        trains no mixture, the likeliest path. Where steps sample, batch norm takes each batch's own statistics, since
        the running ones are of many samples."""
        samples = self.way.single or (self.by_batch and (self.way.sampled or self.spec.perturb > 0))
        if not samples:
            return self.engine.evaluate(self.network, part)[0]
        return self.engine.evaluate_within(self.network, self.network.drawn(Draw(None)), part)[0]

    def theta(self) -> dict[str, Any]:
        """α as plain numbers."""
        return {name: value.detach().cpu().double().numpy() for name, value in self.network.alphas.items()}

    def state(self) -> dict[str, Any]:
        return {
            "network": self.network.state_dict(),
            "weight_optimiser": self.weight_optimiser.state_dict(),
            "alpha_optimiser": self.alpha_optimiser.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        restore(self.weight_optimiser, state["weight_optimiser"])
        restore(self.alpha_optimiser, state["alpha_optimiser"])

    def _alpha_batches(self, number: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Goes through the validation split without replacement, as often as the epoch needs."""
        cycle = 0
        while True:
            images = order(len(self.alpha_part), self.seeds.stream(f"alpha-order-{cycle}", number))
            augmentation = self.seeds.stream("alpha-augmentation", cycle, number)
            yield from self.engine.epoch(self.alpha_part, images, self.recipe, augmentation)
            cycle += 1

    def _both_steps(self, images: Tensor, labels: Tensor, alpha_images: Tensor, alpha_labels: Tensor) -> Tensor:
        with of_alpha.drawn(self.network, self.draws):
            self._alpha_step((alpha_images, alpha_labels), (images, labels))
        return self._weight_step(images, labels)

    def _alpha_step(self, alpha_batch: tuple[Tensor, Tensor], weight_batch: tuple[Tensor, Tensor]) -> None:
        if self.spec.order == 1:
            gradients = bilevel.first_order(self._alpha_loss(alpha_batch, self.engine), self.alphas)
        else:
            with self.engine.exact() as engine:  # bf16 would not see so small a step of the weights
                gradients = bilevel.second_order(
                    lambda: engine.loss(self.network, *weight_batch, self.recipe.label_smoothing),
                    lambda: self._alpha_loss(alpha_batch, engine), self.weights, self.alphas, self._lr,
                    self._momenta(), self.recipe.momentum, self.recipe.weight_decay, self.recipe.nesterov,
                )  # fmt: skip
        for alpha, gradient in zip(self.alphas, gradients, strict=True):
            alpha.grad = gradient
        self.alpha_optimiser.step()

    def _weight_step(self, images: Tensor, labels: Tensor) -> Tensor:
        for alpha in self.alphas:
            alpha.requires_grad_(False)
        with of_alpha.drawn(self.network, self.draws, noisy=self.spec.perturb > 0):
            loss = weight_step(self.network, self.weight_optimiser, self.engine, self.recipe, images, labels)
        for alpha in self.alphas:
            alpha.requires_grad_(True)
        return loss

    def _alpha_loss(self, batch: tuple[Tensor, Tensor], engine: Engine) -> Tensor:
        loss = engine.loss(self.network, *batch)
        weight = self.spec.zero_one
        return loss + weight * zero_one(self.network.probabilities()) if weight else loss

    @property
    def _lr(self) -> float:
        return float(self.weight_optimiser.param_groups[0]["lr"])

    def _momenta(self) -> list[Tensor | None]:
        return [self.weight_optimiser.state[weight].get("momentum_buffer") for weight in self.weights]

    def _telemetry(self, searching: bool) -> dict[str, Any]:
        part = self.alpha_part.take(torch.arange(min(TELEMETRY_IMAGES, len(self.alpha_part))).to(self.engine.device))
        found: dict[str, Any] = {"val_accuracy": self.accuracy(part)}
        if not searching:
            return found
        found["entropy"] = entropy(self.network.probabilities(), are_independent(self.network))
        architectures = {rule: self.space.discretise(self.theta(), rule) for rule in self.space.rules}
        found["counts"] = {rule: architecture.shortcuts for rule, architecture in architectures.items()}
        found["discretised_accuracy"] = {
            rule: self._inside(architecture, part) for rule, architecture in architectures.items()
        }
        if self.spec.early_stop:
            batch = next(iter(self.engine.batches(part, self.recipe.batch_size)))
            with batch_statistics(self.network), self.engine.exact():
                found["eigenvalue"] = bilevel.largest_eigenvalue(lambda: self._sharp_loss(batch), self.alphas)
        return found

    def _inside(self, architecture: Any, part: Images) -> float | None:
        if self.space.broken(architecture):
            return None
        return self.engine.evaluate_subnet(self.network, architecture, part)[0]

    def _sharp_loss(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        """Second derivatives need fp32, in products too."""
        return nn.functional.cross_entropy(self.network(batch[0]), batch[1])


def zero_one(probabilities: dict[str, Tensor]) -> Tensor:
    """FairDARTS's L0-1 (Chu et al. 2020, eq. 5): pushes every gate towards 0 or 1."""
    return -torch.cat([p.flatten() for p in probabilities.values()]).sub(0.5).square().mean()


@torch.no_grad()
def entropy(probabilities: dict[str, Tensor], independent: bool) -> float:
    """Mean entropy of α's choices in bits: of each gate by itself where they are independent, or over the last
    dimension."""
    every = []
    for p in probabilities.values():
        p = p.cpu().double()
        full = torch.stack([p, 1 - p], -1) if independent else p
        every.append(-(torch.special.xlogy(full, full).sum(-1) / math.log(2)).flatten())
    return torch.cat(every).mean().item()


def collapse(point: dict[str, Any], space: Space) -> list[str]:
    """Plain words on the field's known failure, if `point` of a curve shows it: shortcuts crowd all else out."""
    most = getattr(space, "most_shortcuts", lambda rule: None)
    return [f"collapse: read by {rule}, {count} shortcuts{where}, where more than {limit} are too many"
            for rule in point.get("counts", {}) if (limit := most(rule)) is not None
            for where, count in _crowds(point, rule, space).items() if count > limit]  # fmt: skip


def _crowds(point: dict[str, Any], rule: str, space: Space) -> dict[str, int]:
    """Shortcuts of what `rule` reads: in each cell where a space has several, else in all."""
    by_cell = getattr(space, "shortcuts_by_cell", None)
    if by_cell is None or "alpha" not in point:
        return {"": point["counts"][rule]}
    alpha = {name: np.array(values) for name, values in point["alpha"].items()}
    return {f" in the {cell} cell": count for cell, count in by_cell(space.discretise(alpha, rule)).items()}
