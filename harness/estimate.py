"""What a plan would cost: counts, MACs and time, from a measured step of each kind of network."""

import os
import time
from collections import Counter
from random import Random
from typing import Any

import torch

from harness.admission import Shares
from harness.data import split
from harness.display import duration
from harness.engine import Engine, sgd
from harness.images import DataSet
from harness.plan import Job
from harness.prepare import Prepared
from spaces.cost import cost
from spaces.rules import drawn_by

ALPHA_STEP = 2.0  # a searching epoch's work per image, in weight steps
EVALUATION = 1 / 3  # an image's way forward alone, in weight steps
DRAWS = 5  # of which the one with the median MACs stands for what a rule gives

StandIn = tuple[str, str]  # ("supernet", its gate), ("text", an architecture) or ("rule", what draws it)


def describe(prepared: Prepared, device: str, shares: Shares) -> str:
    """The plan in words. Nothing is written or started."""
    jobs = prepared.plan.jobs
    seconds = job_seconds(prepared, device)
    lines = [f"study {prepared.study.name}: {len(jobs)} jobs into {prepared.folder}", _size(prepared)]
    lines += [_line(kind, number, jobs, seconds) for kind, number in Counter(j.kind for j in jobs.values()).items()]
    for row in prepared.plan.rows.values():
        own = [job for job in jobs.values() if job.method == row.method and job.kind == "train"]
        lines.append(f"  {row.method:24} {len(own)} trainings, after {_after(own[0], jobs)}")
    at_once = trials_at_once(device, shares)
    total, longest = sum(seconds.values()), _longest(prepared, seconds)
    whole = duration(max(longest, total / at_once))
    lines.append(f"about {whole}, {at_once:g} trials at once (work {duration(total)}, longest chain "
                 f"{duration(longest)}), from steps that were measured one at a time")  # fmt: skip
    return "\n".join(lines)


def job_seconds(prepared: Prepared, device: str) -> dict[str, float]:
    """Seconds that each job takes by itself, from a measured step of each kind of network; one thread on a CPU."""
    jobs = prepared.plan.jobs
    stands = {key: stand_in(job, prepared) for key, job in jobs.items()}
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    per_image = {stand: _step_seconds(_built(stand, prepared), prepared, device) for stand in set(stands.values())}
    torch.set_num_threads(before)
    return {key: images(job, prepared.data) * per_image[stands[key]] for key, job in jobs.items()}


def images(job: Job, data: DataSet) -> float:
    """The work of a job, in images that pass forward and backward once."""
    settings = job.settings
    search: dict[str, Any] = settings.get("search", {})
    parts = split(len(data.train), 0, 0, search.get("alpha_portion", settings.get("alpha_portion")))
    weights, held_out = len(parts.weights), len(parts.alpha)
    if job.kind == "search":
        warmup, epochs = search["warmup_epochs"], search["epochs"]
        steps: float = warmup + ALPHA_STEP * epochs * search["order"] ** 1.5
        return weights * steps + EVALUATION * held_out * float(warmup + epochs)
    if job.kind == "score" and search["score"] == "supernet":
        return EVALUATION * held_out
    epochs = search["score_epochs"] if job.kind == "score" else settings["recipe"]["epochs"]
    looks = epochs if job.kind == "tune" or settings["test_curve"] else 1
    return float(weights * epochs) + EVALUATION * looks * (len(data.test) if job.kind == "train" else held_out)


def trials_at_once(device: str, shares: Shares) -> float:
    cpus, gpus = shares.of("train", device)
    cores = (os.cpu_count() or 1) // max(1, int(cpus))
    return max(1, min(cores, int(torch.cuda.device_count() / gpus)) if gpus else cores)


def stand_in(job: Job, prepared: Prepared) -> StandIn:
    """What is measured in a job's place, as its architecture is not known yet."""
    if job.kind == "search":
        return "supernet", job.settings["search"]["gate"] or prepared.space.gates[0]
    source = job.settings["source"]
    if "text" in source:
        return "text", source["text"]
    if "baseline" in source:
        return "text", str(prepared.space.baseline())
    row = prepared.plan.rows.get(job.method)
    rule = source.get("rule") or source.get("draw") or (row and row.rule) or prepared.space.rules[0]
    try:
        return "rule", drawn_by(prepared.space, rule)
    except ValueError:  # a rule from outside that nothing is drawn by
        return "rule", prepared.space.rules[0]


def _built(stand: StandIn, prepared: Prepared) -> Any:
    data, (kind, what) = prepared.data, stand
    if kind == "supernet":
        return prepared.space.supernet(data.classes, data.channels, what)
    if kind == "text":
        return prepared.space.build(prepared.space.parse(what), data.classes, data.channels)
    chance = Random(0)
    drawn = [prepared.space.build(prepared.space.draw(what, chance), data.classes, data.channels) for _ in range(DRAWS)]
    return sorted(drawn, key=lambda network: cost(network, data.channels, data.size)[1])[DRAWS // 2]


def _step_seconds(network: Any, prepared: Prepared, device: str) -> float:
    """Seconds an image of one weight step."""
    from harness.train import weight_step

    recipe = prepared.study.recipe.model_dump()
    engine = Engine.choose(torch.device(device), recipe["precision"], prepared.data)
    network = engine.place(network)
    optimiser = sgd([p for p in network.parameters()], recipe)
    part = prepared.data.train.take(torch.arange(min(recipe["batch_size"], len(prepared.data.train))))
    batch, labels = next(iter(engine.batches(part.to(engine.device), recipe["batch_size"])))
    times = []
    for _ in range(3):
        clock = time.perf_counter()
        weight_step(network, optimiser, engine, recipe, batch, labels).item()
        times.append(time.perf_counter() - clock)
    return min(times) / len(labels)


def _size(prepared: Prepared) -> str:
    baseline = prepared.space.baseline()
    stand: StandIn = ("text", str(baseline)) if baseline else ("rule", prepared.space.rules[0])
    parameters, macs = cost(_built(stand, prepared), prepared.data.channels, prepared.data.size)
    name = "network without anything found" if baseline else f"a network drawn by rule {stand[1]}"
    return f"{name}: {parameters:,} parameters, {macs / 1e6:.1f} M MACs an image"


def _longest(prepared: Prepared, seconds: dict[str, float]) -> float:
    ends: dict[str, float] = {}
    for key, job in prepared.plan.jobs.items():
        ends[key] = seconds[key] + max((ends[need] for need in job.needs), default=0.0)
    return max(ends.values(), default=0.0)


def _line(kind: str, number: int, jobs: dict[str, Job], seconds: dict[str, float]) -> str:
    took = sum(seconds[key] for key, job in jobs.items() if job.kind == kind)
    return f"  {number:5} × {kind:6} about {duration(took / number)} each"


def _after(job: Job, jobs: dict[str, Job]) -> str:
    needs = Counter(f"{jobs[key].kind} {jobs[key].method}" for key in job.needs)
    return ", ".join(f"{number} × {what}" if number > 1 else what for what, number in needs.items()) or "nothing"
