"""Adding seeds until a comparison is decided, without more false findings than one fixed test would make.

Looks are fixed beforehand. At each look Holm's test at alpha / looks runs over what is still open; rejections stand.
By Bonferroni over looks and the closed testing principle the chance of any false finding over the whole procedure is
at most alpha, whatever the looks' sizes and however the comparisons depend on each other (Maurer and Bretz 2013).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import ArrayLike

from analysis.statistics.multiple_testing import holm
from analysis.statistics.paired import Estimate, mean_interval


@dataclass(frozen=True)
class Decision:
    """What is known of one comparison after some looks; its interval has level 1 - alpha / looks."""

    rejected: bool
    at_look: int | None  # the look (from 1) at which it was rejected
    estimate: Estimate
    adjusted: float  # Holm's p times the number of looks, to be held against alpha

    @property
    def verdict(self) -> str:
        if not self.rejected:
            return "open"
        return "better" if self.estimate.value > 0 else "worse"


def decided(
    differences: Mapping[str, ArrayLike], look: int, looks: Sequence[int], alpha: float = 0.05
) -> dict[str, Decision]:
    """The state of every comparison after the `look`-th of the planned `looks` (seed counts, rising).

    `differences` maps a comparison to its paired differences in the order of seeds, NaN where a pair is missing; only
    the first looks[j] of them are used at look j. Raises ValueError where `looks` do not rise or `look` is none.
    """
    if list(looks) != sorted(set(looks)) or not looks or looks[0] < 1:
        raise ValueError(f"looks = {list(looks)} must be rising seed counts")
    if not 0 <= look <= len(looks):
        raise ValueError(f"look = {look} must lie in 0 to {len(looks)}")
    level = 1 - alpha / len(looks)
    found: dict[str, Decision] = {}
    still = {name: Decision(False, None, mean_interval([], level), nan) for name in differences}
    for number in range(1, look + 1):
        seen = {
            name: np.ravel(values)[: looks[number - 1]] for name, values in differences.items() if name not in found
        }
        estimates = {name: mean_interval(values, level) for name, values in seen.items()}
        adjusted = holm([estimate.p for estimate in estimates.values()])
        for (name, estimate), p in zip(estimates.items(), adjusted, strict=True):
            if p <= alpha / len(looks):
                found[name] = Decision(True, number, estimate, float(p) * len(looks))
            else:
                still[name] = Decision(False, None, estimate, min(float(p) * len(looks), 1.0))
    return {name: found.get(name) or still[name] for name in differences}


def next_look(
    differences: Mapping[str, ArrayLike],
    looks: Sequence[int],
    alpha: float = 0.05,
    leading: Collection[str] | None = None,
) -> tuple[int, list[str]]:
    """How many looks the seeds at hand allow, and the comparisons that are open after them.

    A look is taken once every comparison that is open before it has as many pairs, missing ones counted, as it needs;
    those of `leading` alone are asked, by default all.
    """
    look, still = 0, list(differences)
    led = set(differences if leading is None else leading)
    while look < len(looks) and (waiting := led.intersection(still)):
        if any(len(np.ravel(differences[name])) < looks[look] for name in waiting):
            break
        look += 1
        still = [name for name, decision in decided(differences, look, looks, alpha).items() if not decision.rejected]
    return look, still
