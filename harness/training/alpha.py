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


def draws(seeds: Seeds, number: int) -> Iterator[Draw]:
    """One for each step of an epoch, of α and of the weights: the same wherever the search was resumed."""
    rng = Random(seeds.stream("gates", number))
    while True:
        yield Draw(rng.getrandbits(62))


def drawn(network: Any, coming: Iterator[Draw]) -> AbstractContextManager[None]:
    """Within it, `network` computes with the weights of one step."""
    return network.drawn(next(coming)) if way_of(network).sampled else nullcontext()
