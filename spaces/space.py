"""The contracts of search spaces: what a space, its architectures and its supernets offer.

A space of your own is a class with the methods of `Space`; a study names it as `package.module:MySpace`, and
`nas-harness check package.module:MySpace` runs the whole contract on it. Keyword arguments of the class are the
study's `space_options`.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from random import Random
from typing import Any, Protocol

import numpy as np
from torch import Tensor, nn

Alpha = Mapping[str, np.ndarray]  # what a search has learned: an array per architecture parameter


class Architecture(Protocol):
    """A frozen, hashable value; `str` gives the text that the space's `parse` takes."""

    @property
    def shortcuts(self) -> int: ...
    @property
    def long_shortcuts(self) -> int | None: ...


class Supernet(Protocol):
    """An `nn.Module` from images [N, C, H, W] to logits [N, classes]."""

    alphas: nn.ParameterDict  # architecture parameters; every other parameter is a weight

    def __call__(self, images: Tensor) -> Tensor: ...
    def probabilities(self) -> dict[str, Tensor]:
        """What α says, as probabilities: last dimension = choices, or gates by themselves where the supernet says that
        they are `independent` (without such an attribute: where it has a `gate` that is sigmoid)."""
        ...

    def subnet(self, architecture: Any) -> AbstractContextManager[None]:
        """Within it, the forward pass is that of `architecture` alone."""
        ...


class Space(Protocol):
    """A space may also have

    - `most_shortcuts(rule) -> int | None`, above which a search is warned of, in each cell by itself where it also has
      `shortcuts_by_cell(architecture) -> dict[str, int]`;
    - `alpha_labels()`: array of α → {"rows": […], "columns": […]}, by which figures name its entries;
    - the methods of `spaces.alike.Matching`, for twins that share more than the count;
    - for reading by perturbation `decisions(rule)` as in `spaces.decisions`, with supernets that have `fixed` as in
      `spaces.gates.gated.Gated`.
    """

    @property
    def rules(self) -> tuple[str, ...]:
        """The first is the default."""
        ...

    @property
    def gates(self) -> tuple[str, ...]:
        """How α becomes mixing weights; the first is the default."""
        ...

    def supernet(self, classes: int, channels: int, gate: str) -> Any: ...
    def build(self, architecture: Any, classes: int, channels: int) -> nn.Module:
        """From images to logits; in training mode it may give (logits, auxiliary logits), the latter to be weighed by
        the network's `auxiliary_weight`."""
        ...

    def parse(self, text: str) -> Architecture:
        """Raises ValueError where the text is no architecture of this space."""
        ...

    def discretise(self, alpha: Alpha, rule: str) -> Architecture: ...
    def draw(self, rule: str, rng: Random, shortcuts: int | None = None) -> Architecture:
        """Sampled uniformly from all architectures that `rule` can give and that work; `shortcuts` fixes the count."""
        ...

    def baseline(self) -> Architecture | None:
        """The network that a search should improve on, or None."""
        ...

    def mutate(self, architecture: Any, rule: str, rng: Random, rate: float) -> Architecture: ...
    def crossover(self, first: Any, second: Any, rule: str, rng: Random) -> Architecture: ...
    def broken(self, architecture: Any) -> str:
        """What was cut off where the output is not reached; '' where the network works."""
        ...
