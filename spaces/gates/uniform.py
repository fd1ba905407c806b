"""One path a batch, sampled uniformly (Li & Talwalkar 2019; Guo et al. 2020): no α is learned.

A path is an architecture of the space, so that this works on every space that can sample and limit its supernet. Its
candidates are then scored inside the supernet as they were trained: each by itself. No torch here, for plans.
"""

from collections.abc import Iterator
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spaces.space import Space

GATE = "uniform"


def paths(space: "Space", rule: str, seed: int) -> Iterator[Any]:
    """Architectures without end, each sampled uniformly from all that `rule` can give and that work."""
    rng = Random(seed)
    while True:
        yield space.draw(rule, rng)
