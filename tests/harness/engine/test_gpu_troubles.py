"""A GPU's troubles without a GPU: its errors' words, its memory, its streams, what its checkpoints hold, its driver."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from harness.engine import graphs, lost_gpu, memory, streams
from harness.engine.device import auto_precision, fp32_precision, set_fp32_precision
from harness.engine.gpus import Card, cards
from harness.engine.optimiser import restore
from harness.engine.packing import in_turn
from harness.training import run_job
from harness.training.place import Place

CUDA = torch.device("cuda")
DEAD = ["CUDA error: an illegal memory access was encountered", "CUDA error: unspecified launch failure",
        "CUDA error: uncorrectable ECC error encountered", "CUDA error: device-side assert triggered"]  # fmt: skip


@pytest.mark.parametrize("said", DEAD)
def test_a_lost_context_ends_the_process_and_is_no_failed_row(
    said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trial(*_: Any) -> Iterator[None]:
        yield None
        raise torch.AcceleratorError(said)

    monkeypatch.setattr(run_job, "kind", lambda _: trial)
    turns = run_job.turns("k", {}, Place(str(tmp_path), "cpu", 1, 0, None))
    next(turns)
    with pytest.raises(lost_gpu.ContextLost, match=r"cannot be used by this process any more .* carries on"):
        next(turns)


def test_a_context_that_does_not_answer_is_lost_whatever_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: torch.device) -> None:
        raise RuntimeError("CUDA error")

    assert lost_gpu.lost(ValueError("a mistake"), "cuda", "host") is None
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda _: None)
    assert lost_gpu.lost(ValueError("a mistake"), "cuda", "host") is None
    monkeypatch.setattr(torch.cuda, "synchronize", fails)
    assert lost_gpu.lost(ValueError("a mistake"), "cuda", "host")
    assert lost_gpu.lost(ValueError("a mistake"), "cpu", "host") is None


class Full:
    def warm(self, step: Any, batch: Any) -> Any:
        return step(*batch)

    def capture(self, step: Any, batch: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


def test_running_out_of_memory_within_a_capture_is_just_that() -> None:
    captured = graphs.Captured(lambda batch: batch, lambda: None, Full())
    for _ in range(graphs.WARM):
        captured(torch.zeros(1))
    with pytest.raises(torch.OutOfMemoryError):
        captured(torch.zeros(1))


@pytest.mark.parametrize(("share", "allowed"), [(1.0, 1.0), (0.5, 0.4), (0.25, 0.15), (0.05, 0.0), (2.0, 1.0)])
def test_a_share_bounds_the_memory_with_the_context_counted(
    share: float, allowed: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []
    for name in ("init", "empty_cache", "reset_peak_memory_stats"):
        monkeypatch.setattr(torch.cuda, name, lambda *_: None)
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", lambda part, _: asked.append(part))
    card = SimpleNamespace(total_memory=10 * memory.CONTEXT)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: card)
    memory.start("cuda", share)
    assert asked == [pytest.approx(allowed)]


class Stream:
    made = 0

    def __init__(self, device: torch.device) -> None:
        Stream.made += 1

    def wait_stream(self, other: object) -> None:
        pass


class Failing:
    """Stands in for torch.cuda.graph where a capture cannot be ended: its stream stays the current one."""

    def __init__(self, graph: Any, stream: Any, capture_error_mode: str) -> None:
        self.stream = stream

    def __enter__(self) -> None:
        torch.cuda.set_stream(self.stream)

    def __exit__(self, *_: object) -> None:
        raise RuntimeError("operation failed due to a previous error during capture")


@pytest.fixture
def current(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The current stream, of a made-up GPU."""
    here: list[Any] = ["first"]
    monkeypatch.setattr(streams, "FREE", type(streams.FREE)(list))
    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", object)
    monkeypatch.setattr(torch.cuda, "graph", Failing)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda _=None: here[0])
    monkeypatch.setattr(torch.cuda, "set_stream", lambda stream: here.__setitem__(0, stream))
    return here


def test_a_failed_capture_leaves_the_current_stream_as_it_was(current: list[Any]) -> None:
    with pytest.raises(RuntimeError, match="during capture"):
        graphs.CudaGraphs(CUDA).capture(lambda: torch.zeros(()), ())
    assert current == ["first"]


def test_captured_steps_have_streams_of_their_own_that_later_ones_take_over(current: list[Any]) -> None:
    Stream.made = 0
    for _ in range(50):  # trials of an old process, each with two captured steps
        pair = [graphs.CudaGraphs(CUDA), graphs.CudaGraphs(CUDA)]
        used = [streams.own(user, CUDA) for user in (SimpleUser(), SimpleUser())]
        del pair, used
    assert Stream.made <= 4
    first, second = SimpleUser(), SimpleUser()
    assert streams.own(first, CUDA) is not streams.own(second, CUDA)


class SimpleUser:
    """Anything that wants a stream."""


def test_trials_in_one_process_multiply_each_with_its_own_precision() -> None:
    def trial(precision: str) -> Iterator[None]:
        set_fp32_precision(precision)
        for _ in range(3):
            yield None
            assert fp32_precision() == precision
            assert torch.backends.cudnn.conv.fp32_precision == precision  # type: ignore[attr-defined]

    before = fp32_precision(), torch.backends.cudnn.conv.fp32_precision  # type: ignore[attr-defined]
    try:
        trials: Any = {precision: trial(precision) for precision in ("tf32", "ieee")}
        assert sorted(name for name, _, ended in in_turn(trials, torch.device("cpu")) if ended) == ["ieee", "tf32"]
    finally:
        torch.backends.cuda.matmul.fp32_precision = before[0]
        torch.backends.cudnn.conv.fp32_precision = before[1]  # type: ignore[attr-defined]


@pytest.mark.training
@pytest.mark.parametrize("saved", [True, False])
def test_a_checkpoint_of_another_device_leaves_how_this_one_computes(saved: bool) -> None:
    weight = torch.nn.Parameter(torch.ones(2))
    weight.grad = torch.ones(2)
    first, second = (torch.optim.Adam([weight], 0.1, capturable=False) for _ in range(2))
    first.step()
    state = first.state_dict()
    state["param_groups"][0] |= {"capturable": saved, "lr": torch.tensor(0.05)}
    restore(second, state)
    assert second.param_groups[0]["capturable"] is False
    assert second.param_groups[0]["lr"] == pytest.approx(0.05)
    assert isinstance(second.param_groups[0]["lr"], float)
    second.step()


@pytest.mark.training
@pytest.mark.parametrize("later", [torch.channels_last, torch.contiguous_format])
def test_a_checkpoint_of_another_path_goes_on_as_it_would_have_there(later: torch.memory_format) -> None:
    """A fused step reads weights, gradients and momenta in the order of their memory."""
    start = torch.arange(24.0).view(2, 3, 2, 2)

    def optimiser(layout: torch.memory_format) -> torch.optim.SGD:
        weight = torch.nn.Parameter(start.clone(memory_format=torch.preserve_format).contiguous(memory_format=layout))
        return torch.optim.SGD([weight], 0.1, 0.9, fused=True)

    def weight_after(one: torch.optim.SGD, layout: torch.memory_format) -> torch.Tensor:
        weight: torch.Tensor = one.param_groups[0]["params"][0]
        weight.grad = start.square().contiguous(memory_format=layout)
        one.step()
        return weight.detach()

    first, second = optimiser(torch.contiguous_format), optimiser(later)
    for one, layout in ((first, torch.contiguous_format), (second, later)):
        weight_after(one, layout)
    restore(second, first.state_dict())
    assert torch.equal(weight_after(second, later), weight_after(first, torch.contiguous_format))


@pytest.mark.parametrize(("index", "precision"), [(0, "bf16"), (1, "fp32")])
def test_bf16_is_asked_of_the_card_that_is_used(index: int, precision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: [(9, 0), (7, 5)][device.index])
    assert auto_precision(torch.device("cuda", index), torch.nn.Linear(1, 1)) == precision


def driver(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Makes NVIDIA's driver up."""
    command = folder / "nvidia-smi"
    command.write_text(f"#!/bin/sh\n{script}\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/bin:/usr/bin")


def test_cards_are_what_the_driver_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver(tmp_path, monkeypatch, "echo 'NVIDIA H100, 9.0'; echo 'Tesla T4, 7.5'")
    found = cards()
    assert found == [Card("NVIDIA H100", (9, 0)), Card("Tesla T4", (7, 5))]
    assert [card.multiplies_bf16 for card in found] == [True, False]
    driver(tmp_path, monkeypatch, "exit 9")
    with pytest.raises(OSError, match="nvidia-smi does not say which GPUs there are"):
        cards()
