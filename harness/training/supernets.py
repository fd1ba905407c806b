"""The supernet that a search trains, as its settings have it."""

from typing import Any

from harness.study.search import Search
from spaces.cells.mixing import PLAIN, Mixing
from spaces.gates import ways
from spaces.space import Space


def mixing(spec: Search) -> Mixing:
    return Mixing(spec.partial, spec.edge_normalisation, spec.auxiliary_skip > 0)


def built(space: Space, classes: int, channels: int, spec: Search) -> Any:
    return mixed(space, classes, channels, ways.built(space, spec.gate), mixing(spec))


def mixed(space: Space, classes: int, channels: int, gate: str, how: Mixing) -> Any:
    """Spaces that offer no mixing are asked for none."""
    more: dict[str, Any] = {} if how == PLAIN else {"mixing": how}
    return space.supernet(classes, channels, gate, **more)
