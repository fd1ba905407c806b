"""What a search does with α: its optimiser, and what the weights of each step are drawn by."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from random import Random
from typing import Any

import torch
from torch import nn

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


def are_independent(network: Any) -> bool:
    """Whether its probabilities are gates by themselves."""
    found: bool = getattr(network, "independent", network.gate == "sigmoid")
    return found


def temperature(spec: Search, number: int) -> float:
    """At epoch `number`: linear from the first to the last of the search, before which it is the first one's."""
    first, last = spec.temperature
    done = max(0, number - spec.warmup_epochs - 1) / max(1, spec.epochs - 1)
    return first + (last - first) * done


def draws(seeds: Seeds, number: int, spec: Search) -> Iterator[Draw]:
    """One for each step of an epoch, of α and of the weights: the same wherever the search was resumed."""
    rng, now = Random(seeds.stream("gates", number)), temperature(spec, number)
    while True:
        yield Draw(rng.getrandbits(62), now)


def drawn(network: Any, coming: Iterator[Draw]) -> AbstractContextManager[None]:
    """Within it, `network` computes with the weights of one step."""
    return network.drawn(next(coming)) if way_of(network).sampled else nullcontext()
