"""Every step of a training or search on a made-up GPU: no races, no waits in a capture, each batch stepped once."""

import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from harness.engine.device import paths
from harness.study.schema import Scheduler
from tests.gpu.card import Card
from tests.gpu.pretended import pretended
from tests.gpu.works import BATCH, CUDA, EAGER, GRAPHS, run, searching, training

pytestmark = [pytest.mark.training, pytest.mark.long]
PATHS = [(precision, path) for precision in ("bf16", "fp32") for path in paths(CUDA, precision)]


@pytest.fixture(autouse=True)
def no_step_is_run_eagerly_for_want_of_a_graph() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*capturable=True")
        warnings.filterwarnings("error", "the step cannot be one CUDA graph")
        yield


def check_training(name: str, precision: str, path: str, **recipe: Any) -> Card:
    with pretended() as card:
        work = training(name, path, precision, epochs=3, **recipe)
        steps = run(work)
        assert steps == 3 * 4
        assert card.kernels["_fused_sgd_"] - card.captures + card.replays == steps
        work.engine.evaluate(work.network, work.part)
        card.check()
    return card


def test_a_training_by_graphs_steps_on_every_batch_once() -> None:
    card = check_training("tiny", "bf16", GRAPHS)
    assert card.captures == 1
    assert card.replays == 3 * 4 - 3 - 3  # without the warm steps and the smaller last ones


def test_a_graph_takes_nesterovs_steps_on_a_smoothed_loss_at_every_epochs_learning_rate() -> None:
    scheduler = Scheduler(kind="cosine", min_lr=0.001, warmup_epochs=1)
    card = check_training("tiny", "bf16", GRAPHS, nesterov=True, label_smoothing=0.1, scheduler=scheduler)
    assert (card.captures, card.replays) == (1, 3 * 4 - 3 - 3)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tiny", "vgg19", "cells"])
@pytest.mark.parametrize(("precision", "path"), PATHS)
def test_every_path_of_every_network_steps_on_every_batch_once(name: str, precision: str, path: str) -> None:
    card = check_training(name, precision, path)
    assert (card.replays > 0) == ("graphs" in path)


def test_nothing_waits_for_a_step() -> None:
    """The host may wait for data before an epoch, and for the loss after it."""
    with pretended() as card:
        work = training(epochs=2)
        list(work.steps(1))
        steps = work.steps(2)
        next(steps)
        before = len(card.syncs)
        next(steps)
        next(steps)
        assert card.syncs[before:] == []


def check_search(name: str, path: str, precision: str = "bf16", **spec: Any) -> Card:
    with pretended() as card:
        work = searching(name, path, precision, **spec)
        steps = run(work)
        card.check()
        assert steps == work.epochs * -(-len(work.weights_part) // BATCH)
    return card


@pytest.mark.parametrize("name", ["shortcut", pytest.param("darts", marks=pytest.mark.slow)])
def test_both_steps_of_a_search_are_one_graph(name: str) -> None:
    with pretended() as card:
        steps = searching(name, GRAPHS, images=14 * BATCH).steps(1)
        for _ in range(5):
            next(steps)
        card.check()
    assert (card.captures, card.replays) == (1, 5 - 3)


FEW = 5 * BATCH  # images: two whole steps and a smaller one; a graph's first are not yet replayed, so it needs more
SEARCHES: list[tuple[str, dict[str, Any]]] = [
    (EAGER, {"order": 1, "zero_one": 0.1, "warmup_epochs": 1, "images": FEW}),
    (GRAPHS, {"order": 1, "zero_one": 0.1, "epochs": 2}),
    (GRAPHS, {"order": 2, "warmup_epochs": 1}),
    ("eager channels_last tf32", {"order": 2, "precision": "fp32", "images": FEW}),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "gate"), [("shortcut", "sigmoid"), ("shortcut", "softmax"), ("cell", "sigmoid"),
                                            ("cell", "softmax")])  # fmt: skip
@pytest.mark.parametrize(("path", "spec"), SEARCHES)
def test_every_kind_of_search(name: str, gate: str, path: str, spec: dict[str, Any]) -> None:
    card = check_search(name, path, gate=gate, **spec)
    assert (card.replays > 0) == ("graphs" in path)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["shortcut", "one cell"])
def test_a_search_that_stops_early_takes_exact_eigenvalues(name: str) -> None:
    check_search(name, EAGER, images=4 * BATCH, early_stop=True)
