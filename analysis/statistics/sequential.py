"""Adding seeds until a comparison is decided, without more false findings than one fixed test would make.

Looks are fixed beforehand. At each look Holm's test at alpha / looks runs over what is still open; rejections stand. A
second test, which must agree, can only take rejections away.
By Bonferroni over looks and the closed testing principle the chance of any false finding over the whole procedure is
at most alpha, whatever the looks' sizes and however the comparisons depend on each other (Maurer and Bretz 2013).
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import ArrayLike

from analysis.statistics.multiple_testing import holm
from analysis.statistics.paired import Estimate, mean_interval

Second = Callable[[Sequence[np.ndarray], Sequence[Estimate]], Sequence[float]]  # samples, estimates → raw p, NaN: none


@dataclass(frozen=True)
class Decision:
    """What is known of one comparison after some looks; its interval has level 1 - alpha / looks."""

    rejected: bool
    at_look: int | None  # the look (from 1) at which it was rejected
    estimate: Estimate
    adjusted: float  # Holm's p times the number of looks, to be held against alpha
    second: float = nan  # as `adjusted`, by the second test, if any
    second_raw: float = nan

    @property
    def verdict(self) -> str:
        if not self.rejected:
            return "open"
        return "better" if self.estimate.value > 0 else "worse"


def decided(
    differences: Mapping[str, ArrayLike], look: int, looks: Sequence[int], alpha: float = 0.05,
    second: Second | None = None,
) -> dict[str, Decision]:  # fmt: skip
    """The state of every comparison after the `look`-th of the planned `looks` (seed counts, rising).

    `differences` maps a comparison to its paired differences in the order of seeds, NaN where a pair is missing; only
    the first looks[j] of them are used at look j. `second` sees all of them, decided or not. Raises ValueError where
    `looks` do not rise or `look` is none.
    """
    if list(looks) != sorted(set(looks)) or not looks or looks[0] < 1:
        raise ValueError(f"looks = {list(looks)} must be rising seed counts")
    if not 0 <= look <= len(looks):
        raise ValueError(f"look = {look} must lie in 0 to {len(looks)}")
    part = alpha / len(looks)
    found = {name: Decision(False, None, mean_interval([], 1 - part), nan) for name in differences}
    for number in range(1, look + 1):
        still = [name for name, decision in found.items() if not decision.rejected]
        seen = {name: np.ravel(differences[name])[: looks[number - 1]] for name in (found if second else still)}
        estimates = {name: mean_interval(values, 1 - part) for name, values in seen.items()}
        raw = dict(zip(seen, second([*seen.values()], [*estimates.values()]), strict=True)) if second else {}
        adjusted = holm([estimates[name].p for name in still])
        agreed = holm([raw.get(name, nan) for name in still])
        for name, p, q in zip(still, adjusted, agreed, strict=True):
            rejected = bool(p <= part and (second is None or q <= part))
            p, q = (min(float(value) * len(looks), 1.0) for value in (p, q))  # in this order: NaN stays
            at = number if rejected else None
            found[name] = Decision(rejected, at, estimates[name], p, q, raw.get(name, nan))
    return found


def next_look(
    differences: Mapping[str, ArrayLike],
    looks: Sequence[int],
    alpha: float = 0.05,
    leading: Collection[str] | None = None,
    second: Second | None = None,
) -> tuple[int, list[str]]:
    """How many looks the seeds at hand allow, and the comparisons that are open after them.

    A look is taken once every comparison that is open before it has as many pairs, missing ones counted, as it needs;
    those of `leading` alone are asked, by default all. Where none of these is open any more, the others are that have
    pairs.
    """
    look, still = 0, list(differences)
    led = set(differences if leading is None else leading)
    while look < len(looks):
        waiting = led.intersection(still) or {name for name in still if np.size(differences[name])}
        if not waiting or any(np.size(differences[name]) < looks[look] for name in waiting):
            break
        look += 1
        states = decided(differences, look, looks, alpha, second)
        still = [name for name, decision in states.items() if not decision.rejected]
    return look, still
