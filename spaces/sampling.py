"""Uniform samples of the architectures that a rule can give, with an exact count where one is wanted."""

from collections.abc import Sequence
from random import Random

Ways = Sequence[int]  # ways[j]: how many choices of one part hold exactly j shortcuts


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
