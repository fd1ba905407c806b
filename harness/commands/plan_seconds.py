"""What each job of a plan takes: its work in images, times measured seconds an image of a network that stands for its
own, which may not be known yet."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from random import Random
from statistics import mean
from typing import Any

import torch

from harness.data.images import DataSet
from harness.data.splits import split
from harness.engine.device import paths
from harness.engine.engine import Engine
from harness.plan.jobs import Job
from harness.plan.settings import at_start, by_table, epochs_before, recipe_of, search_of, validation_portion
from harness.plan.sources import Asked, Baseline, Read, Sampled, Twin, Written, from_json
from harness.run import engine_paths
from harness.run.prepare import Prepared
from harness.run.step_time import image_seconds, one_thread
from harness.study.schema import Recipe
from harness.training import perturbation, supernets
from harness.training.search import TELEMETRY_IMAGES
from harness.vocabulary.kinds import SUPERNETS, Kind
from spaces import registry as spaces
from spaces.cells.mixing import PLAIN, Mixing
from spaces.custom_rules import drawn_by
from spaces.decisions import stages
from spaces.gates import uniform, ways

SEARCH_STEP = {1: 2.0, 2: 5.0}  # gradients a step of a search takes, by its order: weights, α; two more weight steps
EVALUATION = 1 / 3  # an image's way forward alone, in gradients
DRAWS = 3  # networks that stand for what a rule gives


@dataclass(frozen=True)
class StandIn:
    """What is measured in a job's place, as its architecture may not be known yet."""

    kind: str  # supernet | text | rule
    what: str  # its gate, the architecture, or the rule of the space that draws
    batch_size: int
    precision: str
    data: int  # which of the study's data sets
    mixing: Mixing = PLAIN  # of a supernet's cells


def job_seconds(prepared: Prepared, device: str, jobs: Mapping[str, Job] | None = None) -> dict[str, float]:
    """Seconds that each job takes by itself with one thread, on a CPU by the fastest path; 0 for those that are not in
    `jobs`."""
    jobs = prepared.plan.jobs if jobs is None else jobs
    jobs = {key: job for key, job in jobs.items() if not by_table(job.settings)}
    stands = {key: stand_in(job, prepared) for key, job in jobs.items()}
    recipes = {stands[key]: recipe_of(job.settings) for key, job in jobs.items()}
    known = engine_paths.known(prepared.folder)
    with one_thread():
        per_image = {stand: _image_seconds(stand, recipe, prepared, device, known) for stand, recipe in recipes.items()}
    took = {key: images(job, prepared.data_of(job)) * per_image[stands[key]] for key, job in jobs.items()}
    return {**dict.fromkeys(prepared.plan.jobs, 0.0), **took}  # what a table answers takes no time


def images(job: Job, data: DataSet) -> float:
    """The work of a job, in images that a gradient is taken of.

    What rules read inside a supernet after each epoch, and the eigenvalues of an early stop, are left out.
    """
    settings = job.settings
    search: dict[str, Any] = settings.get("search", {})
    parts = split(len(data.train), 0, 0, validation_portion(settings))
    weights, held_out, test = len(parts.weights), len(parts.alpha), len(data.test)
    watched = bool(settings["test_curve"])
    epochs = int(search.get("score_epochs") or settings["recipe"]["epochs"]) - epochs_before(settings)
    if job.kind == Kind.TRAIN:
        return weights * epochs + EVALUATION * test * (1 + watched * epochs)
    if job.kind == Kind.SEARCH:
        warmup, searching = int(search["warmup_epochs"]), int(search["epochs"])
        step = 1 if search["gate"] == uniform.GATE or not search["train_alpha"] else SEARCH_STEP[search["order"]]
        gradients = warmup + step * searching
        looked_at = min(TELEMETRY_IMAGES, held_out) + watched * test
        return weights * gradients + EVALUATION * looked_at * (warmup + searching)
    if job.kind == Kind.PERTURBATION:
        space = spaces.load(settings["space"], settings["space_options"])
        evaluations, tuned = perturbation.work(stages(space, search["rule"]), search_of(settings))
        step = SEARCH_STEP[search["order"]] if search["train_alpha"] else 1
        return EVALUATION * held_out * evaluations + weights * step * tuned
    if search.get("score") == "supernet":
        return EVALUATION * held_out
    if at_start(settings):
        return min(weights, recipe_of(settings).batch_size)
    return (weights + EVALUATION * held_out) * epochs


def stand_in(job: Job, prepared: Prepared) -> StandIn:
    recipe = recipe_of(job.settings)
    how = supernets.mixing(search_of(job.settings)) if job.kind == Kind.SEARCH else PLAIN
    return StandIn(*_network_of(job, prepared), recipe.batch_size, recipe.precision, prepared.set_of(job), how)


def _network_of(job: Job, prepared: Prepared) -> tuple[str, str]:
    if job.kind in SUPERNETS:
        return "supernet", ways.built(prepared.space, job.settings["search"]["gate"])
    match from_json(job.settings["source"]):
        case Written(text):
            return "text", text
        case Baseline():
            return "text", str(prepared.space.baseline())
        case Read(rule=rule) | Asked(rule=rule) | Sampled(rule=rule) | Twin(rule=rule):
            pass
        case _:
            row = prepared.plan.rows.get(job.method)
            rule = (row and row.rule) or prepared.space.rules[0]
    try:
        return "rule", drawn_by(prepared.space, rule)
    except ValueError:  # a rule from outside that nothing is drawn by
        return "rule", prepared.space.rules[0]


def _image_seconds(stand: StandIn, recipe: Recipe, prepared: Prepared, device: str, known: Mapping[str, str]) -> float:
    """Seconds an image that a gradient is taken of; 0 where the network does not work and so is not trained."""
    data, engines = prepared.sets[stand.data], _engines(stand, prepared, torch.device(device), known)

    def by(engine: Engine, most: int) -> float:
        some = islice(networks(stand, prepared), most)
        return mean([image_seconds(network, engine, data, recipe) for network in some] or [0.0])

    return by(min(engines, key=lambda engine: by(engine, 1)) if len(engines) > 1 else engines[0], DRAWS)


def _engines(stand: StandIn, prepared: Prepared, device: torch.device, known: Mapping[str, str]) -> list[Engine]:
    """By each path that a run may choose on a CPU; by the default one on a GPU, where a graph takes long to capture."""
    what = "supernet" if stand.kind == "supernet" else "network"
    names = paths(device, stand.precision)
    if device.type != "cpu":
        names = names[:1]
    elif path := known.get(what):
        names = (path,)
    return [Engine.choose(device, stand.precision, prepared.sets[stand.data], name) for name in names]


def networks(stand: StandIn, prepared: Prepared) -> Iterator[Any]:
    data, space = prepared.sets[stand.data], prepared.space
    if stand.kind == "supernet":
        yield supernets.mixed(space, data.classes, data.channels, stand.what, stand.mixing)
        return
    chance = Random(0)
    known = [space.parse(stand.what)] if stand.kind == "text" else []
    for architecture in known or (space.draw(stand.what, chance) for _ in range(DRAWS)):
        if not space.broken(architecture):
            yield space.build(architecture, data.classes, data.channels)
