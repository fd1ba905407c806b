"""The estimated cost of a plan: counts, MACs and time, from measured steps of each kind of network."""

import argparse
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from random import Random
from statistics import mean
from typing import Any

import torch

from harness.commands import context, plan_networks, sessions
from harness.data.images import DataSet
from harness.data.splits import split
from harness.engine.engine import Engine
from harness.plan.jobs import Job
from harness.plan.settings import at_start, by_table, epochs_before, recipe_of, search_of, validation_portion
from harness.plan.sources import Asked, Baseline, Read, Sampled, Twin, Written, from_json
from harness.run.admission import Shares
from harness.run.checks import example
from harness.run.display import duration
from harness.run.engine_paths import LIMIT, to_measure
from harness.run.prepare import Prepared
from harness.run.step_time import image_seconds, one_thread
from harness.storage.rows import latest_rows
from harness.study.schema import Recipe
from harness.training import perturbation, supernets
from harness.training.search import TELEMETRY_IMAGES
from harness.vocabulary.kinds import SUPERNETS, Kind
from harness.vocabulary.rows import FINAL
from spaces import registry as spaces
from spaces.cells.mixing import PLAIN, Mixing
from spaces.cost import cost
from spaces.custom_rules import drawn_by
from spaces.decisions import stages
from spaces.gates import uniform, ways


def command(options: argparse.Namespace) -> int:
    session = sessions.here(options)
    prepared = context.as_there(options, context.study(options), session)
    context.differ(prepared)
    found = estimate(prepared, session.device, session.shares)
    print(json.dumps(found) if options.json else text(found))
    return 0


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


def describe(prepared: Prepared, device: str, shares: Shares) -> str:
    """The plan in words. Nothing is written or started."""
    return text(estimate(prepared, device, shares))


def estimate(prepared: Prepared, device: str, shares: Shares) -> dict[str, Any]:
    """The plan as values; seconds are of what is left, from steps measured one at a time, as if nothing ended early.
    docs/commands.md lists the fields."""
    jobs = prepared.plan.jobs
    rows = latest_rows(prepared.folder)
    left = {key: job for key, job in jobs.items() if key not in rows or rows[key]["status"] not in FINAL}
    seconds = job_seconds(prepared, device, left)
    at_once = trials_at_once(device, shares)
    total, longest = sum(seconds.values()), _longest(prepared, seconds)
    trained = {row.method: [job for job in jobs.values() if row.method in job.methods and job.kind == Kind.TRAIN]
               for row in prepared.plan.rows.values()}  # fmt: skip
    return {
        "study": prepared.study.name,
        "folder": str(prepared.folder),
        "jobs": len(jobs),
        "left": len(left),
        "network": _size(prepared),
        "kinds": [
            _kind(kind, number, left, seconds) for kind, number in Counter(j.kind for j in jobs.values()).items()
        ],
        "rows": [
            {"method": name, "trainings": len(own), "after": _after(own[0], jobs)} for name, own in trained.items()
        ],
        "trials_at_once": at_once,
        "seconds": max(longest, total / at_once),
        "work_seconds": total,
        "longest_chain_seconds": longest,
        "paths_to_measure": list(to_measure(prepared, prepared.plan, device)) if left else [],
        "weights": plan_networks.kept(prepared, _network_bytes(prepared)),
    }


def text(found: Mapping[str, Any]) -> str:
    jobs, left, network = found["jobs"], found["left"], found["network"]
    lines = [
        f"study {found['study']}: {jobs} jobs into {found['folder']}, {left} of {jobs} left",
        f"{network['what']}: {network['parameters']:,} parameters, {network['macs'] / 1e6:.1f} M MACs an image",
    ]
    for kind in found["kinds"]:
        each = "all there" if kind["seconds_each"] is None else f"about {duration(kind['seconds_each'])} each"
        lines.append(f"  {kind['jobs']:5} × {kind['kind']:6} {each}")
    lines += [f"  {row['method']:24} {row['trainings']} trainings, after {row['after']}" for row in found["rows"]]
    lines.append(f"about {duration(found['seconds'])}, {found['trials_at_once']:g} trials at once")
    lines.append(f"(work {duration(found['work_seconds'])}, longest chain {duration(found['longest_chain_seconds'])}; "
                 "of what is left, from steps measured one at a time, as if nothing ended early)")  # fmt: skip
    if first := found["paths_to_measure"]:
        lines.append(f"before the first trial, {LIMIT:g} s at most each: which path is fastest for "
                     f"{' and '.join(f'{what}s' for what in first)}")  # fmt: skip
    return "\n".join([*lines, *plan_networks.text(found["weights"])])


def job_seconds(prepared: Prepared, device: str, jobs: Mapping[str, Job] | None = None) -> dict[str, float]:
    """Seconds that each job takes by itself on the default path and one thread; 0 for those that are not in `jobs`."""
    jobs = prepared.plan.jobs if jobs is None else jobs
    jobs = {key: job for key, job in jobs.items() if not by_table(job.settings)}
    stands = {key: stand_in(job, prepared) for key, job in jobs.items()}
    recipes = {stands[key]: recipe_of(job.settings) for key, job in jobs.items()}
    with one_thread():
        per_image = {stand: _image_seconds(stand, recipe, prepared, device) for stand, recipe in recipes.items()}
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


def trials_at_once(device: str, shares: Shares) -> float:
    cpus, _ = shares.of("train", device)
    cores = (os.cpu_count() or 1) // max(1, int(cpus))
    processes = min(cores, shares.processes("train", device, torch.cuda.device_count()))
    return max(1, processes * shares.pack("train"))


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


def _image_seconds(stand: StandIn, recipe: Recipe, prepared: Prepared, device: str) -> float:
    """Seconds an image that a gradient is taken of; 0 where the network does not work and so is not trained."""
    data = prepared.sets[stand.data]
    engine = Engine.choose(torch.device(device), stand.precision, data)
    found = [image_seconds(network, engine, data, recipe) for network in _networks(stand, prepared)]
    return mean(found or [0.0])


def _networks(stand: StandIn, prepared: Prepared) -> Iterator[Any]:
    data, space = prepared.sets[stand.data], prepared.space
    if stand.kind == "supernet":
        yield supernets.mixed(space, data.classes, data.channels, stand.what, stand.mixing)
        return
    chance = Random(0)
    known = [space.parse(stand.what)] if stand.kind == "text" else []
    for architecture in known or (space.draw(stand.what, chance) for _ in range(DRAWS)):
        if not space.broken(architecture):
            yield space.build(architecture, data.classes, data.channels)


def _network_bytes(prepared: Prepared) -> Callable[[Job], float]:
    @cache
    def of(stand: StandIn) -> float:
        with torch.device("meta"):
            return mean([plan_networks.size(network) for network in _networks(stand, prepared)] or [0])

    return lambda job: of(stand_in(job, prepared))


def _size(prepared: Prepared) -> dict[str, Any]:
    data, space = prepared.data, prepared.space
    parameters, macs = cost(space.build(example(space), data.classes, data.channels), data.channels, data.size)
    name = "network without anything found" if space.baseline() else f"a network drawn by rule {space.rules[0]}"
    return {"what": name, "parameters": parameters, "macs": macs}


def _longest(prepared: Prepared, seconds: dict[str, float]) -> float:
    ends: dict[str, float] = {}
    for key, job in prepared.plan.jobs.items():
        ends[key] = seconds.get(key, 0.0) + max((ends[need] for need in job.needs), default=0.0)
    return max(ends.values(), default=0.0)


def _kind(kind: str, number: int, left: Mapping[str, Job], seconds: Mapping[str, float]) -> dict[str, Any]:
    took = [seconds[key] for key, job in left.items() if job.kind == kind]
    return {"kind": kind, "jobs": number, "left": len(took), "seconds_each": mean(took) if took else None}


def _after(job: Job, jobs: dict[str, Job]) -> str:
    needs = Counter(f"{jobs[key].kind} {jobs[key].method}" for key in job.needs)
    return ", ".join(f"{number} × {what}" if number > 1 else what for what, number in needs.items()) or "nothing"
