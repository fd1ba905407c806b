"""What is decided, and in which order, where a supernet is read by perturbation (DARTS-PT, Wang et al. 2021).

A choice is decided by what its options are worth to the supernet: the one without which it is worst is kept. No torch
here, and no images: the worth comes from a function, so that known answers can test it.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

Option = tuple[tuple[str, int, int], ...]  # the weights that it stands for: array of α, row, column
Fixed = Mapping[str, np.ndarray]  # the weights that are fixed, shaped as α; NaN where α says the weight
Worth = Callable[[Fixed], tuple[float, ...]]  # of a supernet with these weights: the larger, the better


@dataclass(frozen=True)
class Choice:
    """Of `options` those `keep` are kept without which the supernet is worst.

    `or_none`: they too are removed unless the supernet is better with them (at weight 1) than without any.
    """

    options: tuple[Option, ...]
    keep: int = 1
    or_none: bool = False

    @property
    def evaluations(self) -> int:
        """How often the supernet is evaluated to decide it."""
        return len(self.options) * (len(self.options) > self.keep) + 2 * self.or_none


Stages = tuple[tuple[Choice, ...], ...]  # choices of a stage are decided after all of the stages before


def open_weights(shapes: Mapping[str, tuple[int, ...]]) -> Fixed:
    """Nothing is fixed yet."""
    return {name: np.full(shape, np.nan) for name, shape in shapes.items()}


def decided(choice: Choice, fixed: Fixed, worth: Worth) -> Fixed:
    """`fixed` with the choice made. Without an option means: its weights are 0 and all others stay as they are, since
    the paper's authors do not spread them anew over what is left. Ties go to the option that comes first.

    The authors' code takes away a node's edges one at a time, the least useful first; here as in the paper's algorithm
    each is judged once, beside all others.
    """
    kept: Collection[int] = range(len(choice.options))
    if len(choice.options) > choice.keep:
        left = [worth(_with(fixed, option, 0.0)) for option in choice.options]
        kept = sorted(kept, key=lambda number: left[number])[: choice.keep]
    found = _settled(fixed, choice, kept)
    nothing = _settled(fixed, choice, ())
    return nothing if choice.or_none and worth(found) <= worth(nothing) else found


def _settled(fixed: Fixed, choice: Choice, kept: Collection[int]) -> Fixed:
    """The options `kept` count 1 where nothing was decided before, all others 0."""
    for number, option in enumerate(choice.options):
        if number not in kept:
            fixed = _with(fixed, option, 0.0)
    for number in kept:
        fixed = _with(fixed, choice.options[number], 1.0, undecided=True)
    return fixed


def _with(fixed: Fixed, option: Option, weight: float, undecided: bool = False) -> Fixed:
    found = {name: values.copy() for name, values in fixed.items()}
    for name, row, column in option:
        if not undecided or np.isnan(found[name][row, column]):
            found[name][row, column] = weight
    return found


def as_alpha(fixed: Fixed) -> dict[str, np.ndarray]:
    """From which the rule that was decided by reads exactly what was kept: 1 there, 0 elsewhere."""
    return {name: np.nan_to_num(values) for name, values in fixed.items()}


def rounds(stages: Stages, group: int, rng: Random) -> list[tuple[Choice, ...]]:
    """Each stage's choices in random order, `group` at a time."""
    found = []
    for stage in stages:
        order = rng.sample(stage, len(stage))
        found += [tuple(order[start : start + group]) for start in range(0, len(order), group)]
    return found


def stages(space: Any, rule: str) -> Stages:
    """What `rule` decides in this space. Raises ValueError where that is not known."""
    if rule not in space.rules:
        raise ValueError(f"rule '{rule}' reads α by a function of its own; take one of {', '.join(space.rules)}")
    if not hasattr(space, "decisions"):
        raise ValueError("this space does not say what a rule decides (docs/one-shot.md)")
    found: Stages = space.decisions(rule)
    return found
