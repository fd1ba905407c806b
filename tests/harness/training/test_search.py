"""Bilevel search on real digits: what it may change and when, what it records, and that it can be resumed exactly."""

import io
import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks.ours import epoch
from harness.data import datasets
from harness.data.splits import split
from harness.engine.device import fp32_precision, set_fp32_precision
from harness.engine.engine import Engine, batch_statistics
from harness.plan.make import make
from harness.plan.methods import merged
from harness.plan.settings import recipe_of, search_of
from harness.plan.strategies import strategy
from harness.seeding import Seeds
from harness.training import bilevel, job_kinds, single_path, supernets
from harness.training.epochs import returned
from harness.training.initialise import initialise
from harness.training.place import Place
from harness.training.run_job import run
from harness.training.search import Search, collapse, entropy, zero_one
from spaces.cells.mixed import weighted_sums
from spaces.registry import load
from spaces.shortcuts.space import ShortcutSpace
from tests.studies import TINY, tiny

SHORTCUT = {"space": "shortcut-vgg11", "space_options": {"width": 0.0625}, "data": TINY["data"]}
CELL = {"space": "cell-study1", "space_options": {"channels": 4, "cells": 2},
        "data": {"name": "digits", "train_images": 96, "test_images": 64}}  # fmt: skip
FAMILIES = pytest.mark.parametrize("family", [SHORTCUT, CELL], ids=["shortcut", "cell"])


def settings(family, recipe=None, **search):
    """Of the search job in a planned study."""
    search = {**TINY["search"], "snapshots": [], **search}
    rule = {"shortcut-vgg11": "A", "cell-study1": "node-wise"}.get(family["space"])
    study = tiny(**family, search=search, recipe={**TINY["recipe"], **(recipe or {})},
                 method=[{"name": "darts", "rule": rule}])  # fmt: skip
    plan = make(merged(study), load(study.space, study.space_options).rules, strategy)
    return next((key, job.settings) for key, job in plan.jobs.items() if job.kind == "search")


def search(family, **changes):
    _, chosen = settings(family, **changes)
    spec = search_of(chosen)
    found = datasets.load(chosen["data"], None)
    space = load(chosen["space"], chosen["space_options"])
    supernet = supernets.built(space, found.classes, found.channels, spec)
    initialise(supernet, 0, 0)
    seeds = Seeds.of(chosen)
    job_kinds._noise(supernet, spec.alpha_noise, seeds)
    engine = Engine.choose(torch.device("cpu"), "fp32", found)
    part = split(len(found.train), 0, 0, 0.5)
    weights, alpha = (found.train.take(indices) for indices in (part.weights, part.alpha))
    kind = single_path.of(chosen, space) if spec.gate == "uniform" else Search
    return kind(space, supernet, weights, alpha, spec, recipe_of(chosen), seeds, engine)


def copied(network):
    return {name: value.clone() for name, value in network.state_dict().items()}


def changed(before, network):
    return {name for name, value in network.state_dict().items() if not torch.equal(before[name], value)}


@pytest.mark.training
@FAMILIES
def test_warm_up_trains_the_weights_alone(family):
    work = search(family, warmup_epochs=1)
    before = copied(work.network)
    point = epoch(work, 1)
    moved = changed(before, work.network)
    assert not any(name.startswith("alphas.") for name in moved)
    assert "classifier.weight" in moved
    assert set(point) == {"train_loss", "lr", "val_accuracy"}
    epoch(work, 2)
    assert any(name.startswith("alphas.") for name in changed(before, work.network))
    assert work.epochs == 3


@FAMILIES
def test_each_parameter_has_one_optimiser(family):
    work = search(family)
    weights, alphas = ({id(p) for group in optimiser.param_groups for p in group["params"]}
                       for optimiser in (work.weight_optimiser, work.alpha_optimiser))  # fmt: skip
    assert alphas == {id(alpha) for alpha in work.network.alphas.values()}
    assert weights == {id(p) for p in work.network.parameters()} - alphas


@pytest.mark.training
@FAMILIES
@pytest.mark.parametrize("order", [1, 2])
def test_a_search_resumed_from_its_state_goes_on_bit_by_bit(family, order):
    spec = {"order": order, "warmup_epochs": 1, "epochs": 2, "alpha_noise": 0.01}
    whole = search(family, **spec)
    points = [epoch(whole, number) for number in (1, 2, 3)]
    first = search(family, **spec)
    assert [epoch(first, number) for number in (1, 2)] == points[:2]
    file = io.BytesIO()
    torch.save(first.state(), file)
    file.seek(0)
    second = search(family, **spec)
    second.restore(torch.load(file, weights_only=True))
    assert epoch(second, 3) == points[2]
    assert not changed(copied(whole.network), second.network)
    ends = [json.dumps(_plain(work.state())) for work in (whole, second)]
    assert ends[0] == ends[1]


def _plain(state):
    if isinstance(state, torch.Tensor):
        return state.tolist()
    if isinstance(state, dict):
        return {str(name): _plain(value) for name, value in state.items()}
    return [_plain(value) for value in state] if isinstance(state, list | tuple) else state


@pytest.mark.training
@FAMILIES
def test_the_second_order_gradient_differs_from_the_first(family):
    alphas = []
    for order in (1, 2):
        work = search(family, order=order, epochs=1)
        epoch(work, 1)
        alphas.append(torch.cat([alpha.flatten() for alpha in work.network.alphas.values()]))
    assert torch.isfinite(alphas[1]).all()
    assert not torch.equal(*alphas)


@pytest.mark.training
@FAMILIES
def test_the_second_order_gradient_is_taken_in_full_precision(family):
    """bf16 would not see how far its difference quotient moves the weights."""
    gradients = []
    for precision in ("fp32", "bf16"):
        work = search(family, order=2, epochs=1)
        work.engine = replace(work.engine, precision=precision)
        batch = next(work.engine.batches(work.alpha_part, 8))
        work._alpha_step(batch, batch)
        gradients.append([alpha.grad for alpha in work.alphas])
    torch.testing.assert_close(*gradients, rtol=0, atol=0)


@pytest.mark.training
@FAMILIES
@pytest.mark.parametrize("gate", ["sigmoid", "softmax"])
def test_both_gates_search(family, gate):
    work = search(family, gate=gate, epochs=1)
    point = epoch(work, 1)
    assert all(alpha.abs().sum() > 0 for alpha in work.network.alphas.values())
    if gate == "softmax":
        for p in work.network.probabilities().values():
            torch.testing.assert_close(p.sum(-1), torch.ones(p.shape[:-1]), rtol=0, atol=1e-5)
    most = 1.0 if gate == "sigmoid" else math.log2(max(p.shape[-1] for p in work.network.probabilities().values()))
    assert 0 < point["entropy"] <= most
    assert set(point["counts"]) == set(point["discretised_accuracy"]) == set(work.space.rules)


@pytest.mark.training
@FAMILIES
def test_the_zero_one_loss_pushes_gates_to_their_ends(family):
    spread = []
    for weight in (0.0, 100.0):
        work = search(family, gate="sigmoid", zero_one=weight, alpha_noise=0.1, alpha_lr=0.2, epochs=2)
        for number in (1, 2):
            epoch(work, number)
        spread.append(torch.cat([p.flatten() for p in work.network.probabilities().values()]).sub(0.5).abs().mean())
    assert spread[1] > 1.2 * spread[0]
    assert spread[1] > 0.1


def test_zero_one_by_hand():
    gates = {"a": torch.tensor([[0.5, 1.0]]), "b": torch.tensor([0.0, 0.25])}
    assert zero_one(gates).item() == pytest.approx(-(0 + 0.25 + 0.25 + 0.0625) / 4)


def test_entropy_by_hand():
    assert entropy({"a": torch.tensor([0.5, 0.0, 1.0, 0.25])}, True) == pytest.approx((1 + 0 + 0 + 0.8112781) / 4)
    rows = torch.tensor([[0.25, 0.25, 0.25, 0.25], [1.0, 0.0, 0.0, 0.0]])
    assert entropy({"a": rows, "b": torch.tensor([[0.5, 0.5, 0.0, 0.0]])}, False) == pytest.approx((2 + 0 + 1) / 3)


@FAMILIES
def test_entropy_at_the_start_is_the_highest(family):
    independent, expected = (True, 1.0) if family is SHORTCUT else (False, math.log2(6))
    assert entropy(search(family).network.probabilities(), independent) == pytest.approx(expected)


# --- a subnet inside its supernet


@FAMILIES
def test_batch_statistics_leave_every_buffer_and_the_mode(family):
    work = search(family, epochs=1)
    network = work.network.eval()
    before = copied(network)
    with batch_statistics(network):
        assert network.training
        with torch.no_grad():
            network(work.engine.pixels(work.alpha_part.images))
        assert changed(before, network), "the statistics inside are the batch's"
    assert not network.training
    assert not changed(before, network)
    with pytest.raises(RuntimeError, match="channels"), batch_statistics(network):
        network(torch.zeros(2, 7, 32, 32))
    assert not network.training
    assert not changed(before, network)


def test_an_eigenvalue_is_of_exact_products(monkeypatch):
    seen, before = [], torch.backends.cudnn.conv.fp32_precision
    monkeypatch.setattr(bilevel, "largest_eigenvalue", lambda *_: seen.append(fp32_precision()) or 1.0)
    work = search(SHORTCUT, early_stop=True)
    matmul = fp32_precision()
    set_fp32_precision("tf32")
    try:
        work._telemetry(True)
        assert (seen, fp32_precision()) == (["ieee"], "tf32")
    finally:
        torch.backends.cuda.matmul.fp32_precision, torch.backends.cudnn.conv.fp32_precision = matmul, before


@FAMILIES
def test_telemetry_changes_nothing(family):
    work = search(family, early_stop=True)
    before = copied(work.network)
    point = work._telemetry(True)
    assert not changed(before, work.network)
    assert math.isfinite(point["eigenvalue"])


@pytest.mark.training
@pytest.mark.parametrize(
    ("family", "epochs", "spec"),
    [
        ({**SHORTCUT, "data": {**SHORTCUT["data"], "train_images": 600}}, 5, {"recipe": {"lr": 0.05}}),
        ({**CELL, "space_options": {"channels": 8, "cells": 1}, "data": {**CELL["data"], "train_images": 1200}}, 6,
         {"recipe": {"lr": 0.2}, "alpha_lr": 0.3}),
    ],
    ids=["shortcut", "cell"],
)  # fmt: skip
def test_a_trained_supernets_subnet_is_judged_far_above_chance(family, epochs, spec):
    """Chance is 10 %, with a standard error of 1.7 % on 300 images at the most."""
    work = search(family, epochs=epochs, **spec)
    for number in range(1, epochs + 1):
        point = epoch(work, number)
    assert min(point["discretised_accuracy"].values()) > 20


@pytest.mark.training
def test_a_subnets_accuracy_does_not_depend_on_how_its_images_are_sorted():
    """Batches are spread over the part, so that a folder's images by class are no special case."""
    work = search({**SHORTCUT, "data": {**TINY["data"], "train_images": 1200}}, epochs=1)
    epoch(work, 1)
    part, architecture = work.alpha_part, work.space.baseline()
    by_class = part.take(part.labels.argsort(stable=True))
    mixed, ordered = (work.engine.evaluate_subnet(work.network, architecture, p)[1] for p in (part, by_class))
    assert ordered == pytest.approx(mixed, rel=0.1)


def test_a_product_that_onednn_cannot_take_in_bf16():
    """Three operations without weights into three nodes, 64 images of 8 × 32 × 32: a crash of the process on AMX."""
    values = [torch.ones(64, 8, 32, 32, dtype=torch.bfloat16, requires_grad=True) for _ in range(3)]
    weights = torch.full((3, 3), 0.5, requires_grad=True)
    sums = weighted_sums(values, weights)
    torch.stack(list(sums)).float().mean().backward()
    assert sums[0].dtype == torch.bfloat16
    assert weights.grad.sum().item() == pytest.approx(3, rel=0.01)


# --- the end of a search


def finished(tmp_path, monkeypatch=None, eigenvalues=None, **spec):
    """The outcome of a search job, run as executors run it."""
    key, chosen = settings(SHORTCUT, **spec)
    if eigenvalues:
        values = iter(eigenvalues)
        monkeypatch.setattr(bilevel, "largest_eigenvalue", lambda *_: next(values))
    outcome = returned(run(key, chosen, Place(str(tmp_path), "cpu", 1, 0, None)))
    assert outcome["status"] == "done", outcome["error"]
    return outcome


@pytest.mark.training
def test_early_stopping_goes_back_and_says_so(tmp_path, monkeypatch):
    eigenvalues = [1.0] * 6 + [1.1, 1.5, 2.5, 4.0, 8.0, 16.0, 32.0, 64.0]
    outcome = finished(tmp_path, monkeypatch, eigenvalues, epochs=14, snapshots=[2, 7, 14], early_stop=True,
                       warmup_epochs=1)  # fmt: skip
    means = [sum(eigenvalues[e - 5 : e]) / 5 for e in range(5, 15)]
    stopped = next(e for e in range(10, 15) if means[e - 10] / means[e - 5] < 0.75)
    assert (outcome["stopped_at"], outcome["returned_to"]) == (stopped, stopped - 7)
    assert outcome["epochs"] == 1 + stopped
    alphas = {point["epoch"] - 1: point["alpha"] for point in outcome["curve"] if "alpha" in point}
    assert outcome["snapshots"] == {"2": alphas[2], "7": alphas[stopped - 7], "14": alphas[stopped - 7]}
    assert f"stopped at epoch {stopped}" in outcome["warnings"][0]


@pytest.mark.training
def test_a_flat_eigenvalue_stops_nothing(tmp_path, monkeypatch):
    outcome = finished(tmp_path, monkeypatch, [1.0] * 11, epochs=11, early_stop=True)
    assert outcome["epochs"] == 11
    assert "stopped_at" not in outcome


@pytest.mark.training
def test_a_collapse_reaches_the_rows_warnings(tmp_path, monkeypatch):
    monkeypatch.setattr(ShortcutSpace, "most_shortcuts", lambda space, rule: {"A": -1, "B": None}[rule])
    (warning,) = finished(tmp_path, epochs=1)["warnings"]
    assert warning.startswith("collapse: read by A, ")


def test_shortcuts_collapse_where_hardly_any_is_left_out():
    space = load("shortcut-vgg11")
    assert collapse({"counts": {"A": 21, "B": 6}}, space) == [
        "collapse: read by A, 21 shortcuts, where more than 18 are too many",
        "collapse: read by B, 6 shortcuts, where more than 5 are too many",
    ]
    assert collapse({"counts": {"A": 18, "B": 5}}, space) == []


def test_cells_collapse_where_most_edges_are_skips():
    space = load("cell-darts")
    assert [space.most_shortcuts(rule) for rule in space.rules] == [4, 7, 2]
    assert len(collapse({"counts": {"darts-top2": 5}}, space)) == 1
    assert collapse({"counts": {"darts-top2": 4}}, space) == []


def test_a_cell_full_of_skips_is_a_collapse_whatever_the_other_one_has():
    space = load("cell-darts")
    alpha = {name: np.zeros((14, len(space.operations))) for name in ("normal", "reduction")}
    alpha["normal"][:, space.operations.index("skip_connect")] = 1
    alpha["reduction"][:, space.operations.index("max_pool_3x3")] = 1
    assert collapse({"counts": {"darts-top2": 8}, "alpha": alpha}, space) == [
        "collapse: read by darts-top2, 8 shortcuts in the normal cell, where more than 4 are too many"
    ]
