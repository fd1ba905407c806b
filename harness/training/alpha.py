"""What a search does with α: its optimiser, what the weights of each step are drawn by, and what falls or rises over
its epochs."""

import math
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from random import Random
from typing import Any

import torch
from torch import Tensor, nn

from harness.seeding import Seeds
from harness.study.search import Search
from spaces.gates import softmax
from spaces.gates.way import Draw, Way


def way_of(network: Any) -> Way:
    """A supernet from outside may turn α into weights by itself: it is differentiated as it stands."""
    found: Way = getattr(network, "way", softmax.WAY)
    return found


def optimiser(alphas: Sequence[nn.Parameter], spec: Search, way: Way, device: torch.device) -> torch.optim.Optimizer:
    if way.multiplicative:
        return torch.optim.SGD(list(alphas), spec.alpha_lr)
    return torch.optim.Adam(
        list(alphas), spec.alpha_lr, spec.alpha_betas, weight_decay=spec.alpha_weight_decay,
        capturable=device.type == "cuda",
    )  # fmt: skip


def temperature(spec: Search, number: int) -> float:
    """At epoch `number`: linear from the first to the last of the search, before which it is the first one's."""
    first, last = spec.temperature
    return first + (last - first) * _done(spec, number)


def noise(spec: Search, number: int) -> float:
    """SDARTS-RS's ε at epoch `number`: linear from a tenth of `perturb` to `perturb`, as the authors' 0.03 to 0.3."""
    return spec.perturb * (0.1 + 0.9 * _done(spec, number))


def _done(spec: Search, number: int) -> float:
    """0 in the first epoch of the search and before it, 1 in the last."""
    return max(0, number - spec.warmup_epochs - 1) / max(1, spec.epochs - 1)


def coefficient(spec: Search, number: int) -> float:
    """DARTS−'s β at epoch `number`: `auxiliary_skip` in the first epoch of the search and before it, then less by the
    same step every epoch or by half a cosine, so that it would be 0 after the last (Chu et al. 2021, section 3.3)."""
    over = max(0, number - spec.warmup_epochs - 1) / spec.epochs
    left = 1 - over if spec.auxiliary_decay == "linear" else (1 + math.cos(math.pi * over)) / 2
    return spec.auxiliary_skip * left


def draws(seeds: Seeds, number: int, spec: Search) -> Iterator[Draw]:
    """One for each step of an epoch, of α and of the weights: the same wherever the search was resumed."""
    rng, now, far = Random(seeds.stream("gates", number)), temperature(spec, number), noise(spec, number)
    while True:
        yield Draw(rng.getrandbits(62), now, far)


def drawn(network: Any, coming: Iterator[Draw], noisy: bool = False) -> AbstractContextManager[None]:
    """Within it, `network` computes with the weights of one step; `noisy`: whether noise moves them."""
    return network.drawn(next(coming)) if noisy or way_of(network).sampled else nullcontext()


def shortest(alpha: Tensor) -> Any:
    """Its numbers as nested lists, each with as few digits as tell it from all others of its precision."""
    known = alpha.detach().cpu().to(torch.promote_types(alpha.dtype, torch.float32))  # NumPy has no bfloat16
    return known.numpy().astype(str).astype(float).tolist()
