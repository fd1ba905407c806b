"""How far a training as ours is from the plain loop's, and whether rounding explains it.

Two trainings that round differently drift apart within a few steps, in fp32 too, so that losses along the way cannot
be held to a bound: they are stored beside those of fp32 runs whose images differ in the last bit. What is held to one
is each kernel of the first step (benchmarks.exactness).
"""

import statistics
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from benchmarks import ours
from benchmarks.exactness import Exactness
from harness.data.images import DataSet
from harness.engine.engine import Engine
from harness.seeding import stream
from harness.training.train import Training
from spaces.space import Space

MEAN = 10  # steps over which losses are averaged
NUDGED = 2  # fp32 runs that differ by rounding alone
NUDGE = 2.0**-24  # relative: half a unit of fp32's last place


def of(space: Space, data: DataSet, how: Engine) -> dict[str, Any]:
    """Of the space's baseline, a batch of `data` a step. Raises AssertionError where a kernel is wrong."""
    plain = Engine.choose(how.device, "fp32", data, "eager contiguous")
    reference = losses(space, data, plain)
    apart = lambda other: round(_apart(reference, other), 4)  # noqa: E731
    found = exactness(space, data, how)
    assert not found.wrong(), (
        f"{how.precision} {how.path}: further from float64 than rounding explains: {found.wrong()}"
    )
    nudged = [apart(losses(space, data, plain, seed)) for seed in range(1, NUDGED + 1)]
    return {"path": f"{how.precision} {how.path}", "kernels checked": len(found.found),
            "largest error of one, of what rounding allows": round(found.largest(), 3),
            "largest difference of ten steps' means": apart(losses(space, data, how)),
            "the same of fp32 runs that differ in the images' last bit": nudged}  # fmt: skip


def exactness(space: Space, data: DataSet, how: Engine) -> Exactness:
    """Of the first step, eagerly."""
    how = replace(how, path=how.path.replace("graphs", "eager"))
    work = ours.training(space, data, how)
    work.network.train()
    with Exactness(2.0**-10 if "tf32" in how.path else 0.0) as found:
        work.step(*next(_batches(work, data, how)))
    return found


def losses(space: Space, data: DataSet, how: Engine, nudge: int = 0) -> list[float]:
    """Of every step of an epoch, the same batches from the same start for all; `nudge` seeds a change of rounding."""
    work = ours.training(space, data, how)
    work.network.train()
    generator = torch.Generator().manual_seed(nudge)
    found = []
    for images, labels in _batches(work, data, how):
        noise = torch.randn(images.shape, generator=generator).to(images.device) * NUDGE * bool(nudge)
        found.append(work.step(images * (1 + noise), labels).item())
    return found


def _batches(work: Training, data: DataSet, how: Engine) -> Iterator[tuple[Tensor, Tensor]]:
    order = torch.randperm(len(data.train), generator=torch.manual_seed(0))
    return how.epoch(work.part, order, work.recipe, stream(0, 0, "benchmark"))


def _apart(some: list[float], others: list[float]) -> float:
    means = ([statistics.mean(one[at : at + MEAN]) for at in range(0, len(one), MEAN)] for one in (some, others))
    return max(abs(a - b) for a, b in zip(*means, strict=True))
