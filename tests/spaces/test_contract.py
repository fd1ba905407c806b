"""The contract over every registered space, at small sizes where the space has them."""

import pytest
from torch import nn

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


class Beside(nn.Module):
    """A network with an auxiliary head: what it gives in training and in evaluation, as the space wants it."""

    def __init__(self, network, always):
        super().__init__()
        self.network, self.always = network, always

    def forward(self, images):
        logits = self.network(images)
        return (logits, logits) if self.training or self.always else logits


class Unweighed(ShortcutSpace):
    def build(self, architecture, classes, channels=3):
        return Beside(super().build(architecture, classes, channels), always=False)


class Weighed(ShortcutSpace):
    def build(self, architecture, classes, channels=3):
        network = Beside(super().build(architecture, classes, channels), always=False)
        network.auxiliary_weight = 0.4
        return network


class Always(ShortcutSpace):
    def build(self, architecture, classes, channels=3):
        network = Beside(super().build(architecture, classes, channels), always=True)
        network.auxiliary_weight = 0.4
        return network


class Undeclared(ShortcutSpace):
    """Its gates are each by itself, and its supernet does not say so."""

    gates = ("sigmoid",)

    def supernet(self, classes, channels=3, gate="sigmoid"):
        supernet = super().supernet(classes, channels, gate)
        supernet.independent = False
        return supernet


@pytest.mark.training
@pytest.mark.parametrize(
    ("space", "what", "why"),
    [
        (Weighed, "A: what a supernet holds", ""),
        (Unweighed, "A: what a supernet holds", "its auxiliary_weight is no number"),
        (Always, "A: what a supernet holds", "in evaluation mode the network gives a tuple, not logits"),
        (Undeclared, "the supernet with sigmoid gates", "do not sum to 1, and the supernet does not say independent"),
    ],
)
def test_what_a_study_would_fail_on_is_found_out(space, what, why):
    found = [check for name, check in checks(space("vgg11", 0.0625)) if name.startswith(what)]
    assert len(found) == 1
    if not why:
        return found[0]()
    with pytest.raises(AssertionError, match=why):
        found[0]()
