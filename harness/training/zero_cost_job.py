"""Zero-cost scores: of a network with the weights that its training starts from, by one batch. Nothing is trained."""

import time
from functools import partial
from pathlib import Path

import torch

from harness.data import datasets
from harness.data.images import DataSet
from harness.data.splits import Split, order, split
from harness.engine.engine import Engine
from harness.plan.facts import facts
from harness.plan.settings import Settings, seeds_of, validation_portion
from harness.seeding import Seeds
from harness.training.epochs import Epochs
from harness.training.initialise import initialise, seed_build
from harness.training.place import Place, Progress
from harness.vocabulary.rows import Outcome
from harness.zero_cost.batch import Batch
from harness.zero_cost.scores import SCORES, Score
from harness.zero_cost.zen import zen
from spaces import registry as spaces
from spaces.cost import cost


def job(key: str, settings: Settings, place: Place, outcome: Outcome) -> Epochs:
    """The row of the score. Its time is that of building and scoring the network, without reading the data."""
    data = datasets.load(settings["data"], Path(place.data_root) if place.data_root else None, seeds=Seeds.of(settings))
    part = split(len(data.train), settings["study_seed"], settings["seed"], validation_portion(settings), data.drawn)
    space, device = spaces.load(settings["space"], settings["space_options"]), torch.device(place.device)
    architecture = space.parse(settings["architecture"])
    seeds = seeds_of(settings)
    seed_build(seeds)
    clock = time.perf_counter()
    network = space.build(architecture, data.classes, data.channels)
    parameters, macs = cost(network, data.channels, data.size)
    initialise(network, seeds.study, seeds.search, seeds.training)
    with Engine.choose(device, "fp32", data).exact() as engine:
        torch.manual_seed(seeds.stream("dropout"))
        score = _score(settings)(network.to(device), batch(settings, data, part, engine))
    seconds = time.perf_counter() - clock
    yield Progress(1, 1, seconds)
    outcome.update(facts(architecture))
    outcome.update(Outcome(split=part.digest(), score=score, parameters=parameters, macs=macs, precision="fp32",
                           seconds=seconds))  # fmt: skip


def _score(settings: Settings) -> Score:
    """Under schema 4 the zen-score counted what the features do not depend on."""
    name = settings["search"]["score"]
    return partial(zen, dead=True) if name == "zen" and settings["schema"] < 5 else SCORES[name]


def batch(settings: Settings, data: DataSet, part: Split, engine: Engine) -> Batch:
    """`recipe.batch_size` images, or all that there are, sampled from those that would train the weights; as they are,
    without augmentation."""
    seeds = Seeds.of(settings)
    chosen = order(len(part.weights), seeds.stream("zero-cost batch"))[: settings["recipe"]["batch_size"]]
    images = data.train.take(part.weights[chosen]).to(engine.device)
    return Batch(engine.pixels(images.images).contiguous(), images.labels, seeds.stream("zero-cost"))
