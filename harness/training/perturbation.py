"""Reading a finished supernet by perturbation (DARTS-PT, Wang et al. 2021): choice by choice is decided what is kept,
and the supernet is trained on in between."""

import math
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

import torch

from harness.data.images import Images
from harness.engine.engine import Engine
from harness.engine.optimiser import learning_rate, start_momenta
from harness.plan.settings import Settings, recipe_of, search_of, seeds_of
from harness.study.search import Search as SearchSettings
from harness.training.epochs import Steps
from harness.training.search import Search
from spaces.decisions import Choice, Fixed, Stages, as_alpha, decided, open_weights, rounds, stages
from spaces.space import Space

TENTH = 0.1  # of the search's learning rate, with which the authors train on


@dataclass
class Perturbation(Search):
    """Rounds of `group` choices in random order, with `tune_epochs` epochs of training between two rounds; an epoch
    begins with the round that is due, and the last one has nothing after it.

    As in the authors' code: the worth of what is left is its accuracy on the validation split, each batch normalised by
    its own statistics; what is kept counts 1; the training in between is that of the search, with a tenth of its
    learning rate, whose schedule begins anew. Unlike there, α's optimiser begins anew, too. Ties in accuracy are broken
    by the loss, where the authors take the first. They decide an edge of the normal and one of the reduction cell at a
    time; here both cells share the order.
    """

    rule: str
    rounds: list[tuple[Choice, ...]] = field(init=False)
    fixed: Fixed = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.rounds = rounds(stages(self.space, self.rule), self.spec.group, Random(self.seeds.stream("decisions")))
        self.fixed = open_weights({name: tuple(alpha.shape) for name, alpha in self.network.alphas.items()})
        start_momenta(self.weight_optimiser)

    @property
    def repeats(self) -> bool:
        """What is left to compute changes."""
        return False

    @property
    def epochs(self) -> int:
        return epochs(len(self.rounds), self.spec.tune_epochs)

    def rate(self, number: int) -> float:
        """No epoch warms up: the weights are trained."""
        lr, scheduler = TENTH * self.recipe.lr, self.recipe.scheduler
        schedule = scheduler.model_copy(update={"warmup_epochs": 0, "min_lr": min(scheduler.min_lr, lr)})
        recipe = self.recipe.model_copy(update={"lr": lr, "scheduler": schedule})
        return learning_rate(recipe, number - super().epochs, self.epochs)

    def steps(self, number: int) -> Steps:
        """Raises Diverged."""
        number_of_round, between = divmod(number - 1, max(1, self.spec.tune_epochs))
        for choice in () if between else self.rounds[number_of_round]:
            self.fixed = decided(choice, self.fixed, self._worth)
            yield
        if number == self.epochs or not self.spec.tune_epochs:
            return {"train_loss": None, "lr": None, **self._telemetry(False)}
        with self.network.fixed(self._tensors(self.fixed)):
            return (yield from super().steps(super().epochs + number))

    def decided_alpha(self) -> dict[str, Any]:
        """From which the rule reads what was kept."""
        return {name: values.tolist() for name, values in as_alpha(self.fixed).items()}

    def state(self) -> dict[str, Any]:
        return {**super().state(), "fixed": {name: torch.from_numpy(values) for name, values in self.fixed.items()}}

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self.fixed = {name: values.cpu().numpy() for name, values in state["fixed"].items()}

    def _worth(self, fixed: Fixed) -> tuple[float, float]:
        accuracy, loss = self._evaluated(fixed)
        return accuracy, -loss if math.isfinite(loss) else -math.inf

    def _evaluated(self, fixed: Fixed) -> tuple[float, float]:
        limit = self.network.fixed(self._tensors(fixed))
        return self.engine.evaluate_within(self.network, limit, self.alpha_part)

    def _telemetry(self, searching: bool) -> dict[str, Any]:
        return {"val_accuracy": self._evaluated(self.fixed)[0]}

    def _tensors(self, fixed: Fixed) -> dict[str, torch.Tensor]:
        return {name: torch.from_numpy(values).to(self.engine.device, torch.float32) for name, values in fixed.items()}


def epochs(number_of_rounds: int, tune_epochs: int) -> int:
    """Of a reading: without training in between, one for each round."""
    return (number_of_rounds - 1) * max(1, tune_epochs) + 1


def of(settings: Settings, space: Space, network: Any, weights: Images, alpha: Images, engine: Engine) -> Perturbation:
    """The reading of a job with these settings."""
    make = partial(Perturbation, rule=settings["search"]["rule"])
    return make(space, network, weights, alpha, search_of(settings), recipe_of(settings), seeds_of(settings), engine)


def work(found: Stages, spec: SearchSettings) -> tuple[int, int]:
    """(evaluations of the validation split, epochs of training) that a reading takes."""
    evaluations = sum(choice.evaluations for stage in found for choice in stage)
    number = epochs(sum(math.ceil(len(stage) / spec.group) for stage in found), spec.tune_epochs)
    return evaluations + number, (number - 1) * (spec.tune_epochs > 0)
