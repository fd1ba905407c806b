"""What a black-box strategy is: a pure function from what was evaluated before to the next architecture."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Any

from harness.seeding import Seeds
from spaces.edits import edits
from spaces.space import Architecture, Space


@dataclass(frozen=True)
class Evaluated:
    """A query and its answer. Fitness is validation accuracy in percent or a zero-cost score of whatever sign, None
    where the query failed; cost in device-seconds; latency in seconds.

    `architecture` is None where none could be made."""

    architecture: Any
    fitness: float | None
    cost: float = 0.0
    parameters: int | None = None
    macs: int | None = None
    latency: float | None = None


@dataclass(frozen=True)
class Search:
    """One black-box search. `settings` are the fields of `search` that its strategy reads, `lag` among them: how many
    queries are evaluated at once."""

    space: Space
    rule: str  # one of the space's own
    settings: Mapping[str, Any]
    seeds: Seeds

    @property
    def strategy(self) -> str:
        return str(self.settings["strategy"])

    @property
    def lag(self) -> int:
        return int(self.settings["lag"])


@dataclass(frozen=True)
class Ask:
    """Query `index` is asked for. The answers `seen` are there, in order; those of `pending`, asked since, are not."""

    search: Search
    index: int
    seen: Sequence[Evaluated]
    pending: Sequence[Any] = ()

    def __getattr__(self, name: str) -> Any:
        """`ask.tournament`: a setting of the search."""
        try:
            return self.search.settings[name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def scored(self) -> list[Evaluated]:
        """The answers with a fitness."""
        return [one for one in self.seen if one.fitness is not None]

    @property
    def asked(self) -> set[Any]:
        """Every architecture that was asked for before."""
        return {*(one.architecture for one in self.seen), *self.pending}

    def random(self, *more: int | str) -> Random:
        """Alike on every machine; every query, or whatever `more` names, has a stream of its own."""
        return Random(self.search.seeds.stream(self.search.strategy, *(more or (self.index,))))

    def drawn(self) -> Architecture:
        """Sampled uniformly: the candidate that random search has at this index, whatever the strategy is."""
        rng = Random(self.search.seeds.stream("draw", self.index))
        return self.search.space.draw(self.search.rule, rng)

    def neighbours(self, architecture: Any) -> tuple[Any, ...]:
        """All architectures that differ in one choice, in a fixed order."""
        space: Any = self.search.space
        find = _neighbours if _is_hashable(space) else _neighbours.__wrapped__
        return find(space, architecture, self.search.rule)


Propose = Callable[[Ask], Architecture]


@lru_cache(maxsize=20_000)  # NAS-Bench-201 has 15,625 cells
def _neighbours(space: Any, architecture: Any, rule: str) -> tuple[Any, ...]:
    return tuple(edits(space).neighbours(architecture, rule))


def _is_hashable(space: Any) -> bool:
    """One from outside need not be, and then its neighbours are found anew every time."""
    try:
        hash(space)
    except TypeError:
        return False
    return True


def proposal(propose: Propose, search: Search, index: int, seen: Sequence[Evaluated]) -> Architecture:
    """Query `index`, where exactly the answers up to index - lag are there. Those asked since are proposed again."""
    asked: list[Any] = [one.architecture for one in seen]
    for here in range(len(seen), index + 1):
        known = max(0, here - search.lag + 1)
        asked.append(propose(Ask(search, here, seen[:known], asked[known:])))
    found: Architecture = asked[index]
    return found
