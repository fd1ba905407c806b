"""Searches by each way from α to weights: on every kind of space, in both orders, resumed, and what they record."""

import io
import json
import math
from contextlib import nullcontext

import pytest
import torch

from benchmarks.ours import epoch
from harness.plan.make import make
from harness.plan.methods import merged
from harness.plan.settings import search_of
from harness.plan.strategies import strategy
from harness.training import alpha as of_alpha
from harness.training import bilevel, single_path
from harness.training.epochs import returned
from harness.training.initialise import initialise
from harness.training.place import Place
from harness.training.run_job import run
from harness.training.train import Training
from spaces.architecture import Shortcuts
from spaces.registry import load
from spaces.shortcuts.space import ShortcutSpace
from tests.harness.training.test_search import CELL, SHORTCUT, _plain, changed, copied, search, settings
from tests.studies import TINY, tiny

BENCH = {"space": "nasbench201", "space_options": {"channels": 4, "cells": 1}, "data": CELL["data"]}
REDUCED = {"space": "cell-darts", "space_options": {"channels": 4, "cells": 3}, "data": CELL["data"]}
FAMILIES = {"shortcut": SHORTCUT, "cell": CELL, "bench": BENCH, "darts": REDUCED}
LEARNING = ("softmax", "sigmoid", "gumbel", "dirichlet", "exponentiated")
QUICK = [("cell", "gumbel", 1), ("bench", "dirichlet", 1), ("cell", "exponentiated", 1)]
POSSIBLE = [(family, gate, order) for family in FAMILIES for gate in LEARNING for order in (1, 2)]


def slowly(cases, quick):
    return [pytest.param(*case, marks=[pytest.mark.slow] * (case not in quick)) for case in cases]


@pytest.mark.training
@pytest.mark.parametrize(("family", "gate", "order"), slowly(POSSIBLE, QUICK))
def test_every_way_searches_every_space_in_both_orders(family, gate, order):
    work = search(FAMILIES[family], gate=gate, order=order, epochs=1, alpha_lr=0.1)
    point = epoch(work, 1)
    assert sum(alpha.detach().abs().sum() for alpha in work.network.alphas.values()) > 0
    assert all(torch.isfinite(alpha).all() for alpha in work.network.alphas.values())
    assert math.isfinite(point["train_loss"])
    assert point["entropy"] > 0
    assert set(point["counts"]) == set(work.space.rules)


@pytest.mark.training
@pytest.mark.parametrize("spec", [{"gate": "dirichlet"}, {"gate": "softmax", "perturb": 0.3}], ids=str)
def test_a_supernet_of_sampled_weights_is_judged_by_each_batchs_statistics(spec):
    """Its running ones are of many samples; under schema 4 they were taken all the same."""
    work = search(CELL, **spec, epochs=1)
    epoch(work, 1)
    running = work.engine.evaluate(work.network, work.alpha_part)[0]
    within = work.engine.evaluate_within(work.network, nullcontext(), work.alpha_part)[0]
    assert running != within
    assert work.accuracy(work.alpha_part) == within
    work.by_batch = False
    assert work.accuracy(work.alpha_part) == running


RESUMED = [(family, gate, order) for family in ("shortcut", "cell") for gate in ("gumbel", "dirichlet", "uniform")
           for order in (1, 2) if (gate, order) != ("uniform", 2)]  # fmt: skip


def goes_on_bit_by_bit(family, spec):
    """A search of three epochs that is saved after two and restored equals one that never stopped."""
    whole = search(FAMILIES[family], **spec)
    points = [epoch(whole, number) for number in (1, 2, 3)]
    first = search(FAMILIES[family], **spec)
    assert [epoch(first, number) for number in (1, 2)] == points[:2]
    torch.manual_seed(77)  # nothing may depend on torch's own generator
    file = io.BytesIO()
    torch.save(first.state(), file)
    file.seek(0)
    second = search(FAMILIES[family], **spec)
    second.restore(torch.load(file, weights_only=True))
    assert epoch(second, 3) == points[2]
    assert not changed(copied(whole.network), second.network)
    assert json.dumps(_plain(whole.state())) == json.dumps(_plain(second.state()))


@pytest.mark.training
@pytest.mark.parametrize(("family", "gate", "order"), slowly(RESUMED, [("cell", "gumbel", 1)]))
def test_a_search_that_samples_goes_on_bit_by_bit(family, gate, order):
    spec = {"gate": gate, "order": order, "warmup_epochs": 1, "epochs": 2}
    goes_on_bit_by_bit(family, spec)


@pytest.mark.parametrize("gate", ["gumbel", "dirichlet", "exponentiated"])
def test_what_a_search_records_has_no_chance_in_it(gate):
    work = search(CELL, gate=gate, alpha_noise=0.5)
    before = copied(work.network)
    assert work._telemetry(True) == work._telemetry(True)
    assert not changed(before, work.network)


def test_what_single_paths_reach_is_that_of_the_likeliest():
    """Which is read edge-wise, and by rule A: between the supernet and what is read there is no gap."""
    for family, rule in ((SHORTCUT, "A"), (BENCH, "edge-wise")):
        work = search(family, gate="gumbel", alpha_noise=1.0)
        point = work._telemetry(True)
        assert point["val_accuracy"] == pytest.approx(point["discretised_accuracy"][rule], abs=1.0)


def test_the_temperature_falls_linearly_over_the_searchs_epochs():
    spec = search_of({"search": {"epochs": 4, "warmup_epochs": 2}})
    found = [of_alpha.temperature(spec, number) for number in range(1, 7)]
    assert found == pytest.approx([10, 10, 10, 6.7, 3.4, 0.1])
    assert of_alpha.temperature(search_of({"search": {"epochs": 1, "temperature": [3, 1]}}), 1) == 3


@pytest.mark.training
def test_a_step_of_exponentiated_gates_multiplies_the_weights():
    work = search(CELL, gate="exponentiated", alpha_lr=0.4, alpha_noise=0.5)
    before = {name: value.detach() for name, value in work.network.probabilities().items()}
    batch = next(work.engine.batches(work.alpha_part, 16))
    wanted = before["normal"] * torch.exp(-0.4 * _slope(work, batch))
    work._alpha_step(batch, batch)
    after = work.network.probabilities()["normal"].detach()
    torch.testing.assert_close(after, wanted / wanted.sum(-1, keepdim=True))
    assert (after - before["normal"]).abs().max() > 1e-4


def _slope(work, batch):
    """∂L/∂θ up to a constant for each edge, which does not matter: by a softmax dL/dα = θ (∂L/∂θ − Σ θ ∂L/∂θ)."""
    other = search(CELL, gate="softmax")
    other.network.load_state_dict(work.network.state_dict())
    (by_alpha,) = bilevel.first_order(other.engine.loss(other.network, *batch), other.alphas)
    return by_alpha / other.network.probabilities()["normal"].detach()


# --- uniform


class Only(ShortcutSpace):
    """One architecture: a VGG16 with two shortcuts that need no weights."""

    def draw(self, rule, rng, shortcuts=None):
        return Shortcuts("vgg16", ((5, 7), (8, 10)))


@pytest.mark.training
def test_a_space_with_one_architecture_trains_like_that_network_alone():
    space, (_, chosen) = Only("vgg16", 0.0625), settings(SHORTCUT, gate="uniform", epochs=2)
    like = search(SHORTCUT, gate="uniform", epochs=2)
    supernet = space.supernet(10, 1, "sigmoid")
    initialise(supernet, 0, 0)
    work = single_path.of(chosen, space)(space, supernet, like.weights_part, like.alpha_part, like.spec, like.recipe,
                                         like.seeds, like.engine)  # fmt: skip
    network = space.build(space.draw("A", None), 10, 1)
    initialise(network, 0, 0)
    alone = Training(network, like.weights_part, like.recipe.model_copy(update={"epochs": 2}), like.seeds, like.engine)
    for number in (1, 2):
        assert epoch(work, number)["train_loss"] == pytest.approx(epoch(alone, number)["train_loss"], rel=1e-5)
    trained = network.state_dict()
    found = {name: value for name, value in supernet.state_dict().items() if name in trained}
    assert found.keys() == trained.keys()
    torch.testing.assert_close(found, dict(trained), rtol=1e-4, atol=1e-5)


@pytest.mark.training
def test_single_paths_learn_no_alpha_and_say_how_good_paths_are(tmp_path):
    key, chosen = settings(SHORTCUT, gate="uniform", epochs=2)
    assert chosen["search"]["rule"] == "A"
    outcome = returned(run(key, chosen, Place(str(tmp_path), "cpu", 1, 0, None)))
    assert outcome["status"] == "done", outcome["error"]
    assert outcome["snapshots"] == {}
    assert not any("alpha" in point or "entropy" in point for point in outcome["curve"])
    assert outcome["val_accuracy"] == outcome["curve"][-1]["val_accuracy"]


def planned(**changes):
    study = tiny(**changes)
    return make(merged(study), load(study.space, study.space_options).rules, strategy)


def test_a_supernet_of_single_paths_is_one_for_each_rule():
    methods = [{"name": f"{name}-{rule}", "rule": rule, "strategy": name} for rule in "AB"
               for name in ("random-search", "evolution")]  # fmt: skip
    for gate, supernets in (("uniform", 2), ("sigmoid", 1)):
        plan = planned(search={**TINY["search"], "snapshots": [], "score": "supernet", "candidates": 2, "gate": gate},
                       method=methods, seeds={"search": 1})  # fmt: skip
        assert sum(job.kind == "search" for job in plan.jobs.values()) == supernets


def test_keys_are_those_of_before():
    """A way by name or the temperature changes a key only where it is not the default."""
    keys = [next(iter(planned(method=[{"name": "darts", "search": changes}], seeds={"search": 1}).jobs))
            for changes in ({}, {"temperature": [10, 0.1]}, {"temperature": [5, 0.1]}, {"gate": "gumbel"})]  # fmt: skip
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3
