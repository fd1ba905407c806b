"""All ways by their names, which a study gives as `search.gate`."""

from collections.abc import Mapping, Sequence

from spaces.gates import sigmoid, softmax
from spaces.gates.way import Way

WAYS: Mapping[str, Way] = {"softmax": softmax.WAY, "sigmoid": sigmoid.WAY}


def named(gate: str, offered: Sequence[str] = tuple(WAYS)) -> Way:
    """Raises ValueError where it is none of those that a space offers."""
    if gate not in offered:
        raise ValueError(f"gate '{gate}' is unknown; there are {', '.join(offered)}")
    return WAYS[gate]
