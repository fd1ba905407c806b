"""Uniform samples of the architectures that a rule can give, with an exact count where one is wanted."""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from operator import add, ge, sub
from random import Random

Ways = Sequence[int]  # ways[j]: how many choices of one part hold exactly j shortcuts
Totals = tuple[int, ...]  # what is counted of a choice, such as its shortcuts and their parameters


def draw_counts(parts: Sequence[Ways], total: int | None, rng: Random) -> list[int]:
    """How many shortcuts each part gets, so that whole architectures are sampled uniformly.

    With `total`, only architectures with exactly that many are drawn (dynamic programming over the product of the
    parts' generating polynomials; exact, in integers). Raises ValueError where there is none.
    """
    if total is None:
        return [rng.choices(range(len(ways)), weights=ways)[0] for ways in parts]
    tails = [[1]]
    for ways in reversed(parts):
        tails.append(_product(ways, tails[-1]))
    tails.reverse()
    if total >= len(tails[0]) or not tails[0][total]:
        raise ValueError(f"no architecture of this rule has exactly {total} shortcuts")
    counts = []
    for ways, tail in zip(parts, tails[1:], strict=True):
        pick = rng.randrange(sum(n * tail[total - j] for j, n in enumerate(ways) if 0 <= total - j < len(tail)))
        for j, n in enumerate(ways):
            pick -= n * tail[total - j] if 0 <= total - j < len(tail) else 0
            if pick < 0:
                break
        counts.append(j)
        total -= j
    return counts


def _product(a: Ways, b: Ways) -> list[int]:
    out = [0] * (len(a) + len(b) - 1)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            out[i + j] += x * y
    return out


class Within:
    """Uniform samples of the architectures whose totals lie within bounds: shortcuts and parameters, or operations.

    An architecture is one choice of each part; `parts[i]` says how many choices of part i add which totals, none of
    them below 0. Exact, in integers: `ways` counts the architectures from `low` to `high`, both included.
    """

    def __init__(self, parts: Sequence[Mapping[Totals, int]], low: Totals, high: Totals) -> None:
        self._parts = parts
        self._tails: list[dict[Totals, int]] = [{(0,) * len(low): 1}]  # of the parts from i on: totals → ways
        for part in reversed(parts):
            self._tails.append(_sums(part, self._tails[-1], high))
        self._tails.reverse()
        self._whole = {totals: n for totals, n in self._tails[0].items() if _reaches(totals, low)}
        self.ways = sum(self._whole.values())

    def draw(self, rng: Random) -> list[Totals]:
        """The totals of each part's choice. Raises ValueError where there is no way."""
        left = _picked(self._whole, rng)
        found = []
        for part, tail in zip(self._parts, self._tails[1:], strict=True):
            rest = {own: tuple(map(sub, left, own)) for own in part}
            own = _picked({own: n * tail.get(rest[own], 0) for own, n in part.items()}, rng)
            found.append(own)
            left = rest[own]
        return found


def _sums(part: Mapping[Totals, int], tail: Mapping[Totals, int], high: Totals) -> dict[Totals, int]:
    out: dict[Totals, int] = {}
    for own, ways in part.items():
        for rest, more in tail.items():
            totals = tuple(map(add, own, rest))
            if _reaches(high, totals):
                out[totals] = out.get(totals, 0) + ways * more
    return out


def _reaches(totals: Totals, low: Totals) -> bool:
    return all(map(ge, totals, low))


def _picked(ways: Mapping[Totals, int], rng: Random) -> Totals:
    pick = rng.randrange(sum(ways.values()))
    reached = accumulate(ways.values())
    return next(totals for totals, end in zip(ways, reached, strict=True) if pick < end)
