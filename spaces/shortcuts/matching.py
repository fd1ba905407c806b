"""Networks that share more with a searched one than its count of shortcuts: what its random twins are sampled from."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from math import comb, prod
from random import Random

from spaces.sampling import Totals, Within
from spaces.shortcuts.vgg import Block, is_identity

Pair = tuple[int, int]  # source, target
Cost = Callable[[Pair], int]
MATCHES = ("targets", "parameters")


@dataclass(frozen=True)
class Alike:
    """`ways` sets of shortcuts, the network's own among them if its rule can give it; `draw`s one uniformly."""

    ways: int
    draw: Callable[[Random], frozenset[Pair]]

    def other(self, own: Collection[Pair], rng: Random) -> frozenset[Pair] | None:
        """One that is not `own`; None where there is none."""
        if not self.ways or (self.ways == 1 and self.draw(rng) == frozenset(own)):
            return None
        while (found := self.draw(rng)) == frozenset(own):
            pass
        return found


def same_targets(possible: Iterable[Pair], own: Collection[Pair], most: int) -> Alike:
    """As many into each block as `own` has; the rule allows `most` into one."""
    counts = Counter(target for _, target in sorted(own))
    into = _grouped(possible, lambda pair: pair[1])
    ways = prod(comb(len(into[k]), n) if n <= most else 0 for k, n in counts.items())
    return Alike(ways, lambda rng: frozenset(pair for k, n in counts.items() for pair in rng.sample(into[k], n)))


def same_parameters(possible: Iterable[Pair], own: Collection[Pair], most: int, cost: Cost) -> Alike:
    """As many as `own` has, whose parameters differ by at most 5 % in all; the rule allows `most` into a block."""
    groups = [*_grouped(possible, (lambda pair: pair[1]) if most == 1 else cost).values()]
    spent = sum(map(cost, own))
    low, high = -(-spent * 19 // 20), spent * 21 // 20
    within = Within([_options(group, most, cost) for group in groups], (len(own), low), (len(own), high))

    def draw(rng: Random) -> frozenset[Pair]:
        drawn = zip(groups, within.draw(rng), strict=True)
        return frozenset(pair for group, totals in drawn for pair in _sample(group, totals, cost, rng))

    return Alike(within.ways, draw)


def parameters(source: Block, target: Block) -> int:
    """Of a shortcut: weights of its 1×1 convolution, scale and shift of its batch norm; the identity has none."""
    return 0 if is_identity(source, target) else target.channels * (source.channels + 2)


def _grouped(pairs: Iterable[Pair], by: Cost) -> dict[int, list[Pair]]:
    groups: dict[int, list[Pair]] = {}
    for pair in pairs:
        groups.setdefault(by(pair), []).append(pair)
    return groups


def _options(group: Collection[Pair], most: int, cost: Cost) -> dict[Totals, int]:
    """(shortcuts, their parameters) → in how many ways the group can have them; those of one way cost the same."""
    found: dict[Totals, int] = {(0, 0): 1}
    for each, there in Counter(map(cost, group)).items():
        found |= {(n, n * each): comb(there, n) for n in range(1, min(there, most) + 1)}
    return found


def _sample(group: Collection[Pair], totals: Totals, cost: Cost, rng: Random) -> list[Pair]:
    n, parameters = totals
    return rng.sample([pair for pair in group if n * cost(pair) == parameters], n)
