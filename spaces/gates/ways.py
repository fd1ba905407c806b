"""All ways by their names, which a study gives as `search.gate`."""

from collections.abc import Mapping

from spaces.gates import dirichlet, exponentiated, gumbel, sigmoid, softmax, uniform
from spaces.gates.smoothing import smoothed
from spaces.gates.way import Way
from spaces.space import Space

WAYS: Mapping[str, Way] = {
    "softmax": softmax.WAY,
    "sigmoid": sigmoid.WAY,
    "gumbel": gumbel.WAY,
    "dirichlet": dirichlet.WAY,
    "exponentiated": exponentiated.WAY,
}


def named(gate: str) -> Way:
    """Raises ValueError where there is none of this name."""
    if gate not in WAYS:
        raise ValueError(f"gate '{gate}' is unknown; there are {', '.join(WAYS)}")
    return smoothed(WAYS[gate])


def offered(space: Space) -> tuple[str, ...]:
    """The names that a study of this space may give: those of its supernet, and `uniform`, which every space has."""
    return (*space.gates, uniform.GATE)


def built(space: Space, gate: str | None) -> str:
    """The gate of the supernet that a search by `gate` trains: of single paths, what α says is never asked."""
    return space.gates[0] if gate in (None, uniform.GATE) else gate
