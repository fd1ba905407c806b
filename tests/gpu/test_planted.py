"""The made-up GPU finds what is wrong: faults that the engine had, and others that a change might bring."""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from harness.engine import engine, graphs
from harness.engine.engine import Engine
from harness.engine.packing import in_turn
from harness.training.train import Training
from tests.gpu.card import FREED, Card
from tests.gpu.pretended import pretended
from tests.gpu.works import CUDA, GRAPHS, made_up, run, training, trial

pytestmark = [pytest.mark.training, pytest.mark.long]


class SharedStream(graphs.CudaGraphs):
    """As they were at first: torch's one stream for captures, a new one for each warm step."""

    def warm(self, step: graphs.Step, batch: tuple[Tensor, ...]) -> Tensor:
        here, aside = torch.cuda.current_stream(), torch.cuda.Stream()
        aside.wait_stream(here)
        with torch.cuda.stream(aside):
            loss = step(*batch)
        here.wait_stream(aside)
        return loss

    def capture(self, step: graphs.Step, batch: tuple[Tensor, ...]) -> tuple[Callable[[], None], Tensor]:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            loss = step(*batch)
        return graph.replay, loss


class NotWaiting(graphs.CudaGraphs):
    """Forgets that what a step reads is written on another stream."""

    def warm(self, step: graphs.Step, batch: tuple[Tensor, ...]) -> Tensor:
        with torch.cuda.stream(self._aside):
            return step(*batch)


def shared(monkeypatch: pytest.MonkeyPatch, kind: type[graphs.CudaGraphs]) -> None:
    monkeypatch.setattr(engine, "CudaGraphs", kind)


def pack() -> Card:
    """Two captured trainings in turn, of which the first ends an epoch earlier."""
    with pretended() as card:
        makes = {str(seed): partial(training, seed=seed, epochs=1 + seed, images=6 * 4) for seed in range(2)}
        list(in_turn({seed: trial(make) for seed, make in makes.items()}, CUDA))
    return card


def test_one_capture_stream_for_all_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their graphs share a cuBLAS workspace: two streams write it, and the first graph that goes frees it."""
    pack().check()
    shared(monkeypatch, SharedStream)
    card = pack()
    assert any("mm on stream" in race for race in card.order.races)
    assert card.hazards[FREED] > 0
    with pytest.raises(AssertionError):
        card.check()


def workspaces() -> int:
    with pretended() as card:
        for seed in range(3):
            run(training(seed=seed, epochs=1, images=16))
    return len(card.workspaces)


def test_a_workspace_for_each_warm_step_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    assert workspaces() <= 1
    shared(monkeypatch, SharedStream)
    assert workspaces() >= 9


def test_a_step_that_does_not_wait_for_its_batch_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    shared(monkeypatch, NotWaiting)
    with pretended() as card:
        run(training(epochs=1))
    assert card.order.races


class Reading(nn.Module):
    """Its step depends on a value of the GPU: it cannot be a graph."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 10)

    def forward(self, images: Tensor) -> Tensor:
        mean = images.mean((2, 3))
        return self.linear(mean if float(mean.sum()) > -1e9 else -mean)


class Stranger(Reading):
    """Multiplies by numbers that lie on the CPU: a graph would keep the first ones for ever."""

    def forward(self, images: Tensor) -> Tensor:
        return self.linear(images.mean((2, 3)).mul_(torch.ones(())))


def stepped(network: nn.Module) -> tuple[Card, list[str]]:
    with pretended() as card, warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        data = made_up(20)
        how = Engine.choose(CUDA, "bf16", data, GRAPHS)
        work = training()
        run(Training(how.place(network), data.train.to(CUDA), work.recipe, work.seeds, how))
    return card, [str(one.message) for one in said]


def test_a_step_that_waits_within_its_capture_is_found_and_runs_eagerly_where_it_was() -> None:
    card, said = stepped(Reading())
    assert any("the step cannot be one CUDA graph" in text for text in said)
    assert any("a value is read" in fault for fault in card.faults)
    assert card.current.number == 0
    assert not card.order.races


def test_a_stream_left_behind_by_a_failed_capture_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    shared(monkeypatch, SharedStream)
    assert stepped(Reading())[0].current.number != 0


def test_a_cpu_tensor_in_a_capture_is_found() -> None:
    card, _ = stepped(Stranger())
    assert any("mul_ keeps a CPU tensor" in fault for fault in card.faults)
    with pytest.raises(AssertionError, match="within a capture"):
        card.check()


def test_a_batch_that_is_stepped_twice_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a capture's step counted as one."""

    class Twice(graphs.CudaGraphs):
        def capture(self, step: graphs.Step, batch: tuple[Tensor, ...]) -> Any:
            step(*batch)
            return super().capture(step, batch)

    shared(monkeypatch, Twice)
    with pretended() as card:
        steps = run(training(images=16))
    assert card.kernels["_fused_sgd_"] - card.captures + card.replays == steps + 1
