"""Searches with noise on weights, partial channels, edge normalisation and auxiliary skip connections: what is DARTS
bit for bit, on every space and gate, resumed, and what they plan."""

import math

import pytest
import torch
from torch import nn

from benchmarks.ours import epoch
from harness.plan.make import make
from harness.plan.methods import merged
from harness.plan.settings import search_of
from harness.plan.strategies import strategy
from harness.training import alpha as of_alpha
from harness.training import supernets
from harness.training.epochs import returned
from harness.training.place import Place
from harness.training.run_job import run
from spaces.cells.mixed import MixedCell
from spaces.cells.mixing import Mixing
from spaces.cells.partial import PartialCell
from spaces.registry import load
from tests.harness.training.test_gates import BENCH, REDUCED, goes_on_bit_by_bit, slowly
from tests.harness.training.test_search import CELL, SHORTCUT, search, settings
from tests.studies import tiny

FAMILIES = {"shortcut": SHORTCUT, "cell": CELL, "bench": BENCH, "darts": REDUCED}
PC_DARTS = {"partial": 4, "edge_normalisation": True}
SETTINGS = {"perturb": {"perturb": 0.3}, "pc-darts": PC_DARTS, "partial": {"partial": 2},
            "edges": {"edge_normalisation": True}, "skip": {"auxiliary_skip": 1.0},
            "all": {**PC_DARTS, "auxiliary_skip": 1.0, "auxiliary_decay": "cosine"}}  # fmt: skip
GATES = ("softmax", "sigmoid", "dirichlet", "exponentiated")
CELLS = [(family, name, gate, order) for family in ("cell", "bench", "darts") for name in SETTINGS for gate in GATES
         for order in (1, 2) if gate == "softmax" or (order == 1 and family != "darts")
         if (name, gate) != ("perturb", "dirichlet")]  # fmt: skip
POSSIBLE = [*CELLS, *(("shortcut", "perturb", gate, order) for gate in ("sigmoid", "softmax") for order in (1, 2))]
QUICK = [("cell", "perturb", "softmax", 1), ("bench", "pc-darts", "softmax", 1), ("cell", "skip", "softmax", 1)]


@pytest.mark.training
@pytest.mark.parametrize(("family", "name", "gate", "order"), slowly(POSSIBLE, QUICK))
def test_every_possible_combination_searches(family, name, gate, order):
    work = search(FAMILIES[family], gate=gate, order=order, epochs=1, alpha_lr=0.1, **SETTINGS[name])
    point = epoch(work, 1)
    assert all(alpha.detach().abs().sum() > 0 for alpha in work.network.alphas.values())
    assert all(torch.isfinite(alpha).all() for alpha in work.network.alphas.values())
    assert math.isfinite(point["train_loss"])
    assert set(point["counts"]) == set(work.space.rules)


def trained(**changes):
    """(points, α and weights) of a search of two epochs."""
    work = search(CELL, epochs=2, recipe={"clip": 5.0}, **changes)
    points = [epoch(work, number) for number in (1, 2)]
    return points, {name.replace("mixed.", ""): value for name, value in work.network.state_dict().items()}


@pytest.mark.training
def test_a_search_whose_noise_is_0_is_darts_bit_for_bit(monkeypatch):
    """But for how batch norm counts where the supernet is judged: where noise may move weights, by each batch."""
    monkeypatch.setattr(of_alpha, "noise", lambda *_: 0.0)
    (noisy, there), (plain, here) = trained(perturb=0.3), trained()
    judged = [[point.pop("val_accuracy") for point in points] for points in (noisy, plain)]
    assert judged[0] != judged[1]
    torch.testing.assert_close((noisy, there), (plain, here), rtol=0, atol=0)


@pytest.mark.training
def test_a_search_of_all_channels_as_partial_ones_is_darts_bit_for_bit(monkeypatch):
    plain = trained()

    def cell(self, grid, concat, inputs, stage, pooling_norm=True):
        return PartialCell(MixedCell(grid, concat, nn.ModuleDict(), stage, pooling_norm), inputs, stage, 1)

    named_alike(monkeypatch)
    monkeypatch.setattr(Mixing, "cell", cell)
    torch.testing.assert_close(trained(), plain, rtol=0, atol=0)


def named_alike(monkeypatch):
    """Start values follow from names: those of cells within cells are made the same."""
    found = nn.Module.named_parameters

    def without(self, *arguments, **others):
        return ((name.replace("mixed.", ""), value) for name, value in found(self, *arguments, **others))

    monkeypatch.setattr(nn.Module, "named_parameters", without)


@pytest.mark.training
def test_a_search_whose_skips_count_0_is_darts_bit_for_bit(monkeypatch):
    plain = trained()
    monkeypatch.setattr(of_alpha, "coefficient", lambda *_: 0.0)
    torch.testing.assert_close(trained(auxiliary_skip=1.0), plain, rtol=0, atol=0)


RESUMED = [("cell", "perturb"), ("bench", "pc-darts"), ("darts", "all"), ("shortcut", "perturb")]


@pytest.mark.training
@pytest.mark.parametrize(("family", "name"), slowly(RESUMED, [("cell", "perturb"), ("bench", "pc-darts")]))
def test_a_search_goes_on_bit_by_bit(family, name):
    spec = {"warmup_epochs": 1, "epochs": 2, **SETTINGS[name]}
    goes_on_bit_by_bit(family, spec)


@pytest.mark.training
def test_noise_moves_what_weights_learn_and_not_what_alpha_does():
    """After one step of each, α is that of DARTS and the weights are not."""
    works = [search(CELL, perturb=noise, alpha_lr=0.1) for noise in (0.0, 0.5)]
    for work in works:
        work.draws = of_alpha.draws(work.seeds, 1, work.spec)
        batches = [next(work.engine.batches(part, 16)) for part in (work.weights_part, work.alpha_part)]
        work.network.train()
        work._both_steps(*batches[0], *batches[1])
    plain, noisy = (dict(work.network.named_parameters()) for work in works)
    assert torch.equal(plain["alphas.normal"], noisy["alphas.normal"])
    assert not torch.equal(plain["classifier.weight"], noisy["classifier.weight"])
    assert not works[1].repeats


def test_the_noise_rises_linearly_to_its_setting():
    spec = search_of({"search": {"epochs": 4, "warmup_epochs": 1, "perturb": 0.3}})
    assert [of_alpha.noise(spec, number) for number in range(1, 6)] == pytest.approx([0.03, 0.03, 0.12, 0.21, 0.3])


@pytest.mark.parametrize(("decay", "wanted"), [
    ("linear", [2, 2, 1.5, 1, 0.5]), ("cosine", [2, 2, 1 + math.cos(math.pi / 4), 1, 1 - math.cos(math.pi / 4)]),
])  # fmt: skip
def test_the_auxiliary_coefficient_falls_to_0(decay, wanted):
    spec = search_of({"search": {"epochs": 4, "warmup_epochs": 1, "auxiliary_skip": 2.0, "auxiliary_decay": decay}})
    assert [of_alpha.coefficient(spec, number) for number in range(1, 6)] == pytest.approx(wanted)


@pytest.mark.training
def test_each_epoch_has_its_coefficient():
    work = search(CELL, auxiliary_skip=1.0, epochs=2)
    found = []
    for number in (1, 2):
        epoch(work, number)
        found += [module.coefficient.item() for module in work.network.modules() if hasattr(module, "coefficient")]
    assert found == [1, 1, 0.5, 0.5]


@pytest.mark.training
def test_a_job_reads_what_it_has_learned_of_edges(tmp_path):
    """Its row has β beside α at each snapshot."""
    key, chosen = settings(CELL, **PC_DARTS, epochs=1)
    outcome = returned(run(key, chosen, Place(str(tmp_path), "cpu", 1, 0, None)))
    assert outcome["status"] == "done", outcome["error"]
    (learned,) = outcome["snapshots"].values()
    assert set(learned) == {"normal", "normal edges"}
    assert len(learned["normal edges"]) == len(learned["normal"])


def test_keys_are_those_of_before():
    defaults = {"perturb": 0.0, "partial": 1, "edge_normalisation": False, "auxiliary_skip": 0.0,
                "auxiliary_decay": "linear"}  # fmt: skip
    keys = []
    for changes in ({}, defaults, *SETTINGS.values()):
        study = tiny(**CELL, method=[{"name": "darts", "search": changes}], seeds={"search": 1})
        rules = load(study.space, study.space_options).rules
        keys.append(next(iter(make(merged(study), rules, strategy).jobs)))
    assert keys[0] == keys[1]
    assert len(set(keys[1:])) == 1 + len(SETTINGS)
    assert not defaults.keys() & tiny().search.model_dump().keys()


def test_a_partial_supernet_is_a_fraction_of_the_whole():
    """Of its cells' operations, a quarter of the channels: a sixteenth of a convolution's weights."""
    space = load("cell-study1", {"channels": 8, "operations": ["conv_3x3", "none"], "cells": 1})
    whole, part = (supernets.built(space, 10, 3, search_of({"search": {"partial": k}})) for k in (1, 4))
    sizes = [sum(p.numel() for n, p in net.named_parameters() if ".edges." in n) for net in (whole, part)]
    assert sizes[0] == 16 * sizes[1]
