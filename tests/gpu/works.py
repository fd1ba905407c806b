"""Trainings and searches for a made-up GPU, of the size of a step or two."""

import gc
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn
from torch.utils._pytree import tree_map

from harness.data.images import DataSet, Images
from harness.data.splits import split
from harness.engine.engine import Engine
from harness.seeding import Seeds
from harness.study.schema import Recipe, Scheduler
from harness.study.schema import Search as SearchSettings
from harness.training.initialise import initialise
from harness.training.search import Search
from harness.training.train import Training
from spaces.registry import load

CUDA, BATCH = torch.device("cuda"), 4
EAGER, GRAPHS = "eager channels_last", "graphs channels_last"
RECIPE = Recipe(batch_size=BATCH, lr=0.02, clip=5.0, cutout=8, augment="crop-flip", precision="bf16",
                scheduler=Scheduler(kind="cosine"))  # fmt: skip
SMALL = {"width": 0.0625}
NETWORKS: dict[str, tuple[str, dict[str, Any], str]] = {
    "vgg11": ("shortcut-vgg11", SMALL, "vgg11 1-3 2-5"),
    "vgg19": ("shortcut-vgg19", SMALL, "vgg19 1-3 2-6 6-8"),
    "cells": ("cell-study1", {"cells": 2, "channels": 4, "drop_path": 0.4, "auxiliary": 0.4},
              "cells inputs=1 concat=3,4,5 "
              "normal=0>1:conv_3x3,0>2:max_pool_3x3,1>3:conv_5x5,2>4:skip_connect,3>5:conv_3x3"),
}  # fmt: skip
SUPERNETS: dict[str, tuple[str, dict[str, Any]]] = {
    "shortcut": ("shortcut-vgg11", SMALL), "cell": ("cell-study1", {"channels": 4, "cells": 2}),
    "one cell": ("cell-study1", {"channels": 4, "cells": 1}), "darts": ("cell-darts", {"channels": 4, "cells": 3}),
}  # fmt: skip


def made_up(images: int) -> DataSet:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (images, 3, 32, 32), dtype=torch.uint8, generator=generator)
    part = Images(pixels, torch.randint(0, 10, (images,), generator=generator))
    return DataSet(part, part, 10, (0.49, 0.48, 0.44), (0.24, 0.24, 0.26))


def tiny() -> nn.Module:
    """What a step is made of, once each."""
    first = [nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(4)]
    return nn.Sequential(*first, nn.Flatten(), nn.Dropout(0.5), nn.Linear(64, 10))


def network(name: str) -> nn.Module:
    if name == "tiny":
        return tiny()
    space_name, options, text = NETWORKS[name]
    space = load(space_name, options)
    return space.build(space.parse(text), 10, 3)


def training(name: str = "tiny", path: str = GRAPHS, precision: str = "bf16", seed: int = 0, epochs: int = 2,
             images: int = 3 * BATCH + 2, device: torch.device = CUDA, **recipe: Any) -> Training:  # fmt: skip
    """Steps of a batch, and a smaller one at the end of each epoch."""
    data, built = made_up(images), network(name)
    how = Engine.choose(device, precision, data, path)
    assert how.path == path
    initialise(built, 0, seed)
    chosen = RECIPE.model_copy(update={"epochs": epochs, "precision": precision, **recipe})
    return Training(how.place(built), data.train.to(how.device), chosen, Seeds(search=seed), how)


def searching(name: str = "shortcut", path: str = GRAPHS, precision: str = "bf16", gate: str = "", epochs: int = 1,
              images: int = 8 * BATCH + 4, device: torch.device = CUDA, **spec: Any) -> Search:  # fmt: skip
    """Half of the images for the weights, half for α."""
    space_name, options = SUPERNETS[name]
    space, data = load(space_name, options), made_up(images)
    how = Engine.choose(device, precision, data, path)
    supernet = space.supernet(data.classes, data.channels, gate or space.gates[0])
    initialise(supernet, 0, 0)
    part = split(len(data.train), 0, 0, 0.5)
    halves = [data.train.take(indices).to(how.device) for indices in (part.weights, part.alpha)]
    settings = SearchSettings(**{"epochs": epochs, **spec})
    return Search(space, how.place(supernet), *halves, settings, RECIPE, Seeds(), how)  # type: ignore[arg-type]


def run(work: Any) -> int:
    """All epochs; how many steps."""
    return sum(1 for number in range(1, work.epochs + 1) for _ in work.steps(number))


def trial(make: Callable[[], Any]) -> Iterator[None]:
    """Its steps; made within its own turns, as jobs are, and gone when it ends."""
    work = make()
    for number in range(1, work.epochs + 1):
        yield from work.steps(number)
    del work
    gc.collect()


def on_cpu(state: Any) -> Any:
    """A state as a checkpoint holds it; values of the made-up GPU are made up."""
    return tree_map(lambda value: value.cpu() if isinstance(value, torch.Tensor) else value, state)
