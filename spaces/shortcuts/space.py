"""The shortcut space of study 2: a VGG, and a choice for every pair of blocks that are two or more apart."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import ClassVar

import numpy as np
from torch import nn

from spaces.architecture import LAYERS, Shortcuts, short
from spaces.decisions import Choice, Stages
from spaces.edits import Edited, Items, Parts
from spaces.sampling import draw_counts
from spaces.shortcuts.matching import MATCHES, parameters, same_parameters, same_targets
from spaces.shortcuts.supernet import ShortcutSupernet
from spaces.shortcuts.vgg import VGG, blocks
from spaces.space import Alpha

Pair = tuple[int, int]


@dataclass(frozen=True)
class ShortcutSpace(Edited):
    """VGG11/13/16/19 at any width. Rule A reads α edge-wise, rule B node-wise (docs/studies.md)."""

    vgg: str = "vgg19"
    width: float = 1.0
    rules: ClassVar[tuple[str, ...]] = ("A", "B")
    gates: ClassVar[tuple[str, ...]] = ("sigmoid", "softmax", "gumbel", "dirichlet", "exponentiated")

    def __post_init__(self) -> None:
        if self.vgg not in LAYERS:
            raise ValueError(f"vgg = '{self.vgg}' is unknown; there are {', '.join(LAYERS)}")
        if not 0 < self.width <= 4:
            raise ValueError(f"width = {self.width} must lie in (0, 4]")

    @property
    def depth(self) -> int:
        """Number of blocks."""
        return sum(map(len, LAYERS[self.vgg]))

    @property
    def pairs(self) -> list[Pair]:
        """Every possible shortcut, by source, then target."""
        return [(i, k) for i in range(1, self.depth + 1) for k in range(i + 2, self.depth + 1)]

    def supernet(self, classes: int, channels: int = 3, gate: str = "sigmoid") -> ShortcutSupernet:
        return ShortcutSupernet(blocks(self.vgg, self.width), self.pairs, classes, channels, gate)

    def build(self, architecture: Shortcuts, classes: int, channels: int = 3) -> nn.Module:
        return VGG(architecture, classes, channels, self.width)

    def parse(self, text: str) -> Shortcuts:
        architecture = Shortcuts.parse(text)
        if architecture.vgg != self.vgg or not set(architecture.pairs) <= set(self.pairs):
            raise ValueError(f"'{short(text)}' is no architecture over {self.vgg}")
        return architecture

    def discretise(self, alpha: Alpha, rule: str) -> Shortcuts:
        """`alpha`: pairs [depth, depth] and none [depth] (0 where gates are sigmoid); a pair must beat its none."""
        margin = np.asarray(alpha["pairs"], float) - np.asarray(alpha.get("none", 0.0), float)
        kept = [(i, k) for i, k in self.pairs if margin[i - 1, k - 1] > 0]
        if rule == "A":
            return Shortcuts(self.vgg, tuple(kept))
        best: dict[int, Pair] = {}
        for i, k in kept:
            if k not in best or margin[i - 1, k - 1] > margin[best[k][0] - 1, k - 1]:
                best[k] = (i, k)
        return Shortcuts(self.vgg, tuple(best.values()))

    def draw(self, rule: str, rng: Random, shortcuts: int | None = None) -> Shortcuts:
        """Uniform over architectures: for B a block with more possible sources is picked more often."""
        parts = [[pair] for pair in self.pairs] if rule == "A" else self._by_target()
        counts = draw_counts([(1, len(part)) for part in parts], shortcuts, rng)
        return Shortcuts(self.vgg, tuple(rng.choice(part) for part, n in zip(parts, counts, strict=True) if n))

    def matches(self, rule: str) -> tuple[str, ...]:
        return MATCHES

    def draw_alike(self, architecture: Shortcuts, rule: str, rng: Random, match: str) -> Shortcuts | None:
        """Uniform over the rule's other architectures with as many shortcuts into each block, or with as many in all
        whose parameters differ by at most 5 %; None where there is none."""
        own, most = architecture.pairs, len(self.pairs) if rule == "A" else 1
        if match == "targets":
            alike = same_targets(self.pairs, own, most)
        else:
            plan = {block.number: block for block in blocks(self.vgg, self.width)}
            alike = same_parameters(self.pairs, own, most, lambda pair: parameters(plan[pair[0]], plan[pair[1]]))
        found = alike.other(own, rng)
        return None if found is None else Shortcuts(self.vgg, tuple(found))

    def decisions(self, rule: str) -> Stages:
        """A: each pair is kept or not; B: into each block at most the pair without which the supernet is worst."""
        groups = [[pair] for pair in self.pairs] if rule == "A" else self._by_target()
        entries = [tuple((("pairs", i - 1, k - 1),) for i, k in group) for group in groups]
        return (tuple(Choice(options, or_none=True) for options in entries),)

    def _parts(self, rule: str) -> Parts:
        """A: each shortcut is there or not; B: each block has one of its possible sources, or none."""
        if rule not in self.rules:
            raise ValueError(f"the choices of rule '{rule}' are not listed")
        return _listed(tuple(self.pairs), rule)

    def _items(self, architecture: Shortcuts) -> tuple[Pair, ...]:
        return architecture.pairs

    def _made_of(self, items: Items) -> Shortcuts:
        return Shortcuts(self.vgg, items)

    def baseline(self) -> Shortcuts:
        return Shortcuts(self.vgg)

    def mutate(self, architecture: Shortcuts, rule: str, rng: Random, rate: float) -> Shortcuts:
        """A: flips each entry of the matrix with probability `rate`; B: draws each block's choice anew with it."""
        pairs = set(architecture.pairs)
        for part in self._by_target():
            options = [[pair] for pair in part] if rule == "A" else [part]
            for option in options:
                if rng.random() < rate:
                    pairs = self._changed(pairs, option, rule, rng)
        return Shortcuts(self.vgg, tuple(pairs))

    def crossover(self, first: Shortcuts, second: Shortcuts, rule: str, rng: Random) -> Shortcuts:
        """Uniform over the matrix's columns: each block takes all its incoming shortcuts from one parent."""
        takes = {k: rng.random() < 0.5 for k in range(1, self.depth + 1)}
        chosen = [p for p in first.pairs if takes[p[1]]] + [p for p in second.pairs if not takes[p[1]]]
        return Shortcuts(self.vgg, tuple(chosen))

    def broken(self, architecture: Shortcuts) -> str:
        """VGG's own path always reaches the output."""
        return ""

    def layers(self, architecture: Shortcuts) -> int:
        """Convolutions and linear layers on the longest way, which is VGG's own (docs/studies.md)."""
        return self.depth + 1

    def most_shortcuts(self, rule: str) -> int:
        """More than 9 in 10 of all that `rule` could keep: then the gates hardly choose any more."""
        return (len(self.pairs) if rule == "A" else len(self._by_target())) * 9 // 10

    def _by_target(self) -> list[list[Pair]]:
        """The possible shortcuts into each block that has any: at most 14 blocks on VGG19."""
        return _by_target(self.pairs)

    @staticmethod
    def _changed(pairs: set[Pair], option: list[Pair], rule: str, rng: Random) -> set[Pair]:
        if rule == "A":
            return pairs ^ set(option)
        others = [choice for choice in ([], *([pair] for pair in option)) if set(choice) != pairs & set(option)]
        return (pairs - set(option)) | set(rng.choice(others))


@cache
def _listed(pairs: tuple[Pair, ...], rule: str) -> Parts:
    groups = [[pair] for pair in pairs] if rule == "A" else _by_target(pairs)
    return Parts(tuple(((), *((pair,) for pair in group)) for group in groups))


def _by_target(pairs: Iterable[Pair]) -> list[list[Pair]]:
    groups: dict[int, list[Pair]] = {}
    for pair in sorted(pairs, key=lambda pair: (pair[1], pair[0])):
        groups.setdefault(pair[1], []).append(pair)
    return list(groups.values())
