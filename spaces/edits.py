"""Architectures as independent choices, each between a few options: what a space may offer beside its contract.

Black-box searches edit architectures one choice at a time, or model accuracy as a function of the choices.
"""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, cast

from spaces.space import Architecture, Space

Items = tuple[Any, ...]  # hashable parts of an architecture, such as its shortcuts


class Edits(Protocol):
    """The methods that such a space has; `encode` and `decode` are each other's inverse."""

    def neighbours(self, architecture: Any, rule: str) -> list[Any]:
        """All other architectures of `rule` that work and differ in one choice, in a fixed order, each once."""
        ...

    def options(self, rule: str) -> tuple[int, ...]:
        """How many options each choice has."""
        ...

    def encode(self, architecture: Any, rule: str) -> tuple[int, ...]:
        """The option of each choice, from 0 on. Raises ValueError where `rule` cannot give the architecture."""
        ...

    def decode(self, options: Sequence[int], rule: str) -> Architecture:
        """The architecture with these options; its output may be unreached."""
        ...


def edits(space: Space) -> Edits:
    """The space as one that has these methods, which `offers` has seen."""
    return cast(Edits, space)


def offers(space: Space, rule: str) -> bool:
    """Whether the space can edit and encode architectures of `rule`."""
    if not all(callable(getattr(space, name, None)) for name in ("neighbours", "options", "encode", "decode")):
        return False
    try:
        return bool(edits(space).options(rule))
    except ValueError:
        return False


@dataclass(frozen=True)
class Parts:
    """The choices of a rule: of each part the options, and of each option the items. No two parts share an item."""

    options: tuple[tuple[Items, ...], ...]

    @cached_property
    def _part(self) -> dict[Hashable, int]:
        return {item: part for part, options in enumerate(self.options) for option in options for item in option}

    @cached_property
    def _number(self) -> list[dict[frozenset, int]]:
        return [{frozenset(option): number for number, option in enumerate(options)} for options in self.options]

    @property
    def sizes(self) -> tuple[int, ...]:
        return tuple(map(len, self.options))

    def encode(self, items: Iterable[Hashable]) -> tuple[int, ...]:
        """Raises ValueError where the items are no choice of options."""
        chosen: list[set[Hashable]] = [set() for _ in self.options]
        try:
            for item in items:
                chosen[self._part[item]].add(item)
            return tuple(number[frozenset(own)] for number, own in zip(self._number, chosen, strict=True))
        except KeyError:
            raise ValueError("the rule cannot give this architecture") from None

    def decode(self, numbers: Sequence[int]) -> Items:
        return sum((options[number] for options, number in zip(self.options, numbers, strict=True)), ())

    def edited(self, items: Iterable[Hashable]) -> Iterator[Items]:
        """Every choice of options with one part changed, by at most one item that is new there."""
        numbers = self.encode(items)
        for part, (options, own) in enumerate(zip(self.options, numbers, strict=True)):
            for other, option in enumerate(options):
                if other != own and len(set(option) - set(options[own])) <= 1:
                    yield self.decode((*numbers[:part], other, *numbers[part + 1 :]))


class Edited:
    """`Edits` for a space that says what its parts are."""

    def _parts(self, rule: str) -> Parts:
        """Raises ValueError where nobody has listed the choices of `rule`."""
        raise NotImplementedError

    def _items(self, architecture: Any) -> Iterable[Hashable]:
        raise NotImplementedError

    def _made_of(self, items: Items) -> Any:
        raise NotImplementedError

    def neighbours(self, architecture: Any, rule: str) -> list[Any]:
        made = map(self._made_of, self._parts(rule).edited(self._items(architecture)))
        return [found for found in made if not cast(Space, self).broken(found)]

    def options(self, rule: str) -> tuple[int, ...]:
        return self._parts(rule).sizes

    def encode(self, architecture: Any, rule: str) -> tuple[int, ...]:
        return self._parts(rule).encode(self._items(architecture))

    def decode(self, options: Sequence[int], rule: str) -> Any:
        return self._made_of(self._parts(rule).decode(options))
