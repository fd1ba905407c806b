"""How α becomes weights: what a way is. Each has a module of its own here, and a name in `spaces.gates.ways`."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Draw:
    """What the weights of one training step are drawn by: equal draws give equal weights, on every device.

    A search makes one from its seeds for every step, so that nothing depends on torch's global generator or on where
    a search was resumed. `seed` None: without noise, which gives the likeliest path of a way of single paths. `noise`
    is how far weights are moved at random (spaces.gates.smoothing).
    """

    seed: int | None
    temperature: float = 1.0
    noise: float = 0.0

    def of(self, array: int) -> "Draw":
        """For the array of α of this number, so that several are sampled independently of each other."""
        return self if self.seed is None else replace(self, seed=(self.seed + array) % 2**63)

    def generator(self) -> torch.Generator:
        """On the CPU: α is small, and a GPU would draw other numbers."""
        return torch.Generator().manual_seed(self.seed or 0)


Weights = Callable[[Tensor, int, Draw | None], Tensor]


@dataclass(frozen=True)
class Way:
    """`weights(alpha, dim, draw)`: α → weights of the same shape; options of one choice lie along `dim`, and −∞ marks
    what is no option. `draw` None gives what α says: the mean, without chance. That is what rules, figures, telemetry
    and evaluation read.

    `independent`: a gate for every option, which need not sum to 1. `sampled`: a step's weights are drawn.
    `single`: they are 1 for one option of each choice and 0 for all others, so that one path is computed.
    `multiplicative`: α is a logarithm of weights whose gradient is that of the weights; its steps are plain gradient
    descent, which multiplies the weights. `absolute`: a constant added to all α of a choice changes the weights, so
    that each option needs an α of its own, "none" among them.
    """

    weights: Weights
    independent: bool = False
    sampled: bool = False
    single: bool = False
    multiplicative: bool = False
    absolute: bool = False


def are_independent(supernet: Any) -> bool:
    """Whether its probabilities are gates by themselves. One from outside need not say it, nor have a `gate`."""
    return bool(getattr(supernet, "independent", getattr(supernet, "gate", None) == "sigmoid"))
