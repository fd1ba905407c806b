"""What a plan would cost: counts, MACs and time, from one measured step of each kind of network."""

import os
import time
from collections import Counter
from typing import Any

import torch

from harness.admission import Shares
from harness.data import split
from harness.engine import Engine, sgd
from harness.plan import Job
from harness.prepare import Prepared
from spaces.cost import cost

ALPHA_STEP = 2.0  # a searching epoch's work per image, in weight steps


def describe(prepared: Prepared, device: str, shares: Shares) -> str:
    """The plan in words. Nothing is written or started."""
    jobs, data = prepared.plan.jobs, prepared.data
    per_image = step_seconds(prepared, device)
    seconds = {key: images(job, len(data.train)) * per_image[job.kind == "search"] for key, job in jobs.items()}
    example = prepared.space.baseline() or prepared.space.parse(_drawn(prepared))
    parameters, macs = cost(prepared.space.build(example, data.classes, data.channels), data.channels, data.size)
    lines = [f"study {prepared.study.name}: {len(jobs)} jobs into {prepared.folder}"]
    lines.append(f"network without anything found: {parameters:,} parameters, {macs / 1e6:.1f} M MACs an image")
    lines += [_line(kind, number, jobs, seconds) for kind, number in Counter(j.kind for j in jobs.values()).items()]
    for row in prepared.plan.rows.values():
        own = [job for job in jobs.values() if job.method == row.method and job.kind == "train"]
        lines.append(f"  {row.method:24} {len(own)} trainings, after {_after(own[0], jobs)}")
    at_once = trials_at_once(device, shares)
    total, longest = sum(seconds.values()), _longest(prepared, seconds)
    lines.append(f"about {max(longest, total / at_once) / 60:.0f} minutes, {at_once:g} trials at once "
                 f"(work {total / 60:.0f} min, longest chain {longest / 60:.0f} min; one step of each measured, alone)")  # fmt: skip
    return "\n".join(lines)


def images(job: Job, train_images: int) -> float:
    """Images that a job passes forward and backward, an α step counted as a weight step."""
    settings = job.settings
    search: dict[str, Any] = settings.get("search", {})
    portion = search.get("alpha_portion", settings.get("alpha_portion"))
    part = len(split(train_images, 0, 0, portion).weights) if job.kind != "train" else train_images
    if job.kind == "search":
        return float(part * (search["warmup_epochs"] + ALPHA_STEP * search["epochs"] * search["order"] ** 1.5))
    if job.kind == "score":
        return float(part * search["score_epochs"]) if search["score"] == "train" else part / 3
    return float(part * settings["recipe"]["epochs"])


def step_seconds(prepared: Prepared, device: str) -> dict[bool, float]:
    """Seconds an image of one weight step: {False: a network, True: the supernet}, one thread on a CPU."""
    data, found = prepared.data, {}
    recipe = prepared.study.recipe.model_dump()
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    for is_supernet in (False, True):
        if is_supernet:
            network: Any = prepared.space.supernet(data.classes, data.channels, prepared.space.gates[0])
        else:
            network = prepared.space.build(prepared.space.parse(_drawn(prepared)), data.classes, data.channels)
        engine = Engine.choose(torch.device(device), recipe["precision"], data)
        found[is_supernet] = _measured(engine.place(network), engine, prepared, recipe)
    torch.set_num_threads(before)
    return found


def trials_at_once(device: str, shares: Shares) -> float:
    cpus, gpus = shares.of("train", device)
    cores = (os.cpu_count() or 1) // max(1, int(cpus))
    return max(1, min(cores, int(torch.cuda.device_count() / gpus)) if gpus else cores)


def _measured(network: Any, engine: Engine, prepared: Prepared, recipe: dict[str, Any]) -> float:
    from harness.train import weight_step

    optimiser = sgd([p for p in network.parameters()], recipe)
    part = prepared.data.train.take(torch.arange(min(recipe["batch_size"], len(prepared.data.train))))
    batch, labels = next(iter(engine.batches(part.to(engine.device), recipe["batch_size"])))
    times = []
    for _ in range(3):
        clock = time.perf_counter()
        weight_step(network, optimiser, engine, recipe, batch, labels).item()
        times.append(time.perf_counter() - clock)
    return min(times) / len(labels)


def _drawn(prepared: Prepared) -> str:
    from random import Random

    return str(prepared.space.draw(prepared.space.rules[-1], Random(0)))


def _longest(prepared: Prepared, seconds: dict[str, float]) -> float:
    ends: dict[str, float] = {}
    for key, job in prepared.plan.jobs.items():
        ends[key] = seconds[key] + max((ends[need] for need in job.needs), default=0.0)
    return max(ends.values(), default=0.0)


def _line(kind: str, number: int, jobs: dict[str, Job], seconds: dict[str, float]) -> str:
    took = sum(seconds[key] for key, job in jobs.items() if job.kind == kind)
    return f"  {number:5} × {kind:6} about {took / number:,.0f} s each"


def _after(job: Job, jobs: dict[str, Job]) -> str:
    needs = Counter(f"{jobs[key].kind} {jobs[key].method}" for key in job.needs)
    return ", ".join(f"{number} × {what}" if number > 1 else what for what, number in needs.items()) or "nothing"
