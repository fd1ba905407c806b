"""Trainings and searches of the harness as the benchmarks run them: the code that trials run, without a study."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from harness.data import datasets
from harness.data.images import DataSet
from harness.data.splits import split
from harness.engine.device import auto_precision
from harness.engine.engine import Engine
from harness.run import engine_paths
from harness.seeding import Seeds
from harness.study.schema import Recipe, Scheduler
from harness.study.search import Search as SearchSettings
from harness.training.epochs import returned
from harness.training.initialise import initialise
from harness.training.search import Search
from harness.training.single_path import SinglePath
from harness.training.train import Training
from spaces.gates import uniform
from spaces.registry import load
from spaces.space import Space

RECIPE = Recipe(lr=0.0090131, scheduler=Scheduler(kind="constant"))  # study 2's rate


def cifar10(root: Path | None, images: int) -> DataSet:
    """The first `images` training images, and the whole test set."""
    whole = datasets.load({"name": "cifar10"}, root)
    return replace(whole, train=whole.train.take(torch.arange(images)))


def network(space: Space, data: DataSet, seed: int = 0) -> Any:
    """The space's baseline with its start values."""
    built = space.build(space.baseline(), data.classes, data.channels)
    initialise(built, 0, seed)
    return built


def engine(
    device: torch.device, build: Callable[[], Any], data: DataSet, precision: str, batch_size: int = 64
) -> Engine:
    """With the path that a study would measure for networks from `build`."""
    precision = auto_precision(device, build()) if precision == "auto" else precision
    recipe = RECIPE.model_copy(update={"batch_size": batch_size, "precision": precision})
    return Engine.choose(device, precision, data, engine_paths.measured(build, data, device, recipe))


def vgg19(width: float) -> Space:
    return load("shortcut-vgg19", {"width": width})


def training(space: Space, data: DataSet, how: Engine, epochs: int = 1, seed: int = 0) -> Training:
    """Of the space's baseline on all of `data.train`, placed on the device."""
    part = data.train.to(how.device)
    return Training(
        how.place(network(space, data, seed)),
        part,
        RECIPE.model_copy(update={"epochs": epochs}),
        Seeds(search=seed),
        how,
    )


def epoch(work: Training | Search, number: int) -> dict[str, Any]:
    """All steps of an epoch, and what it measured."""
    return returned(work.steps(number))


def search(space: Space, supernet: Any, data: DataSet, how: Engine, batch_size: int,
           gate: str | None = None, **settings: Any) -> Search:  # fmt: skip
    """On halves of `data.train`; `gate` is that of `supernet`, or `uniform`; `settings` are the search's."""
    halves = split(len(data.train), 0, 0, 0.5)
    weights, alpha = (data.train.take(half).to(how.device) for half in (halves.weights, halves.alpha))
    recipe = RECIPE.model_copy(update={"batch_size": batch_size})
    kind = partial(SinglePath, rule=space.rules[0]) if gate == uniform.GATE else Search
    spec = SearchSettings(epochs=1, gate=gate, **settings)
    return kind(space, how.place(supernet), weights, alpha, spec, recipe, Seeds(), how)
