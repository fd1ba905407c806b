"""Twins that share more with a network than its count of shortcuts: what a space may offer beside its contract."""

from random import Random
from typing import Any, Protocol, cast

from spaces.space import Architecture, Space


class Matching(Protocol):
    """The two methods that such a space has."""

    def matches(self, rule: str) -> tuple[str, ...]:
        """What twins by `rule` can share beside the count: "targets", "parameters", both or none."""
        ...

    def draw_alike(self, architecture: Any, rule: str, rng: Random, match: str) -> Architecture | None:
        """Sampled uniformly from all other architectures that `rule` can give, that work, that have as many shortcuts
        as `architecture` and share with it what `match` says; None where there is no other."""
        ...


def matching(space: Space) -> Matching:
    """The space as one that has these methods, which `check_match` has seen."""
    return cast(Matching, space)


def offered(space: Space, rule: str) -> tuple[str, ...]:
    """What twins by `rule` can share beside the count; nothing where the space does not say."""
    return tuple(matching(space).matches(rule)) if hasattr(space, "matches") else ()


def check_match(space: Space, rule: str, match: str) -> None:
    """Raises ValueError where twins by `rule` cannot share what `match` says."""
    if match not in (known := ("count", *offered(space, rule))):
        raise ValueError(f"twins.match = '{match}': by rule '{rule}' this space matches twins in {' or '.join(known)}")
