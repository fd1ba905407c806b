"""How long a training step takes: measured on as many images as little time and memory allow."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from harness.data.images import DataSet
from harness.engine.engine import Engine
from harness.engine.optimiser import sgd
from harness.study.schema import Recipe
from harness.training.train import weight_step

FIRST, GROWTH = 2, 4  # images of the first step, and how many times more the next one has
SECONDS = 0.5  # of a step that is repeated
ROOM = 2**30  # bytes that such a step may keep for its way back


def timer(network: Any, engine: Engine, data: DataSet, recipe: Recipe) -> Callable[[], float]:
    """Of one step of the weights on one batch, in seconds: of processor time on a CPU, which others' load spares."""
    network = engine.place(network)
    optimiser = sgd(list(network.parameters()), recipe)
    step = engine.repeated(partial(weight_step, network, optimiser, engine, recipe), network)
    batch = _batch(engine, data, recipe.batch_size)
    clock = time.process_time if engine.device.type == "cpu" else time.perf_counter

    def timed() -> float:
        start = clock()
        step(*batch).item()
        return clock() - start

    return timed


def affordable(network: Any, engine: Engine, data: DataSet, recipe: Recipe) -> Recipe:
    """The recipe with the largest batch, up to its own, whose step takes about SECONDS and keeps ROOM at most."""
    largest = min(recipe.batch_size, len(data.train))
    batch = min(FIRST, largest)
    most = min(largest, max(batch, batch * ROOM // max(1, _kept(network, engine, data, batch))))
    while batch < most:
        step = timer(network, engine, data, recipe.model_copy(update={"batch_size": batch}))
        seconds = min(step(), step())
        if seconds * GROWTH > SECONDS:
            most = min(most, max(batch, int(batch * SECONDS / seconds)))
        batch = min(GROWTH * batch, most)
    return recipe.model_copy(update={"batch_size": batch})


def image_seconds(network: Any, engine: Engine, data: DataSet, recipe: Recipe) -> float:
    """Seconds an image that a gradient is taken of."""
    recipe = affordable(network, engine, data, recipe)
    step = timer(network, engine, data, recipe)
    return min(step(), step()) / recipe.batch_size


def _kept(network: Any, engine: Engine, data: DataSet, batch: int) -> int:
    """Bytes that a step on `batch` images keeps for its way back, weights left out."""
    network = engine.place(network)
    weights = {weight.untyped_storage().data_ptr() for weight in network.parameters()}
    found: dict[int, int] = {}

    def seen(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        found[storage.data_ptr()] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(seen, lambda tensor: tensor):
        engine.loss(network, *_batch(engine, data, batch))
    return sum(size for place, size in found.items() if place not in weights)


def _batch(engine: Engine, data: DataSet, size: int) -> tuple[Tensor, Tensor]:
    part = data.train.take(torch.arange(min(size, len(data.train)))).to(engine.device)
    return next(iter(engine.batches(part, size)))


@contextmanager
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
