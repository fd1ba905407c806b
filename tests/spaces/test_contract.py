"""The contract over every registered space, at small sizes where the space has them."""

import pytest

from harness.commands.check import verdicts
from spaces.contract import checks
from spaces.registry import SPACES, load
from spaces.shortcuts.space import ShortcutSpace

SMALL = {name: {"width": 0.125} if name.startswith("shortcut") else {"channels": 4} for name in SPACES}
SMALL["nasbench201"] = {"channels": 4, "cells": 1, "train_channels": 4, "train_cells": 1}
SMALL["cell-darts"] = {"channels": 4, "cells": 3, "train_channels": 4, "train_cells": 3}
CASES = [
    pytest.param(check, id=f"{name}: {what}") for name in SPACES for what, check in checks(load(name, SMALL[name]))
]


@pytest.mark.long
@pytest.mark.parametrize("check", CASES)
def test_contract(check):
    check()


class Lopsided(ShortcutSpace):
    """Never samples the last sources."""

    def draw(self, rule, rng, shortcuts=None):
        while True:
            found = super().draw(rule, rng, shortcuts)
            if all(source < 5 for source, _ in found.pairs):
                return found


class Greedy(ShortcutSpace):
    """Samples the first pair about twice as often as others."""

    def draw(self, rule, rng, shortcuts=None):
        return min((super(Greedy, self).draw(rule, rng, shortcuts) for _ in range(2)), key=lambda a: a.pairs)


class Loose(ShortcutSpace):
    """Its children by B take several sources into one block."""

    def mutate(self, architecture, rule, rng, rate):
        return super().mutate(architecture, "A", rng, rate)


class Impatient(ShortcutSpace):
    """Finds a twin by chance."""

    def draw_alike(self, architecture, rule, rng, match):
        return super().draw_alike(architecture, rule, rng, match) if rng.random() < 0.8 else None


@pytest.mark.long
@pytest.mark.parametrize(
    ("space", "what", "why"),
    [
        (Lopsided, "A: few shortcuts", "but no sample does"),
        (Greedy, "A: few shortcuts", "of 4000 samples"),
        (Loose, "B: few shortcuts", "but no sample does"),
        (Impatient, "A: twins matched in parameters", "has a twin by one seed, and none by another"),
    ],
)
def test_a_space_that_does_not_sample_uniformly_is_found_out(space, what, why):
    said = {name: fault for name, fault in verdicts(space("vgg11", 0.0625)) if name.startswith(what)}
    assert said
    assert all(why in fault for fault in said.values())
