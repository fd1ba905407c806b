"""Checkpoints of a made-up GPU: each tensor comes back where a captured step reads it, also from another device."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import unset_fake_temporarily

from harness.storage import checkpoint
from tests.gpu.pretended import pretended
from tests.gpu.works import on_cpu, run, searching, training

pytestmark = [pytest.mark.training, pytest.mark.long]
CPU = torch.device("cpu")


def saved(state: Any, folder: Path) -> Any:
    """Through a real checkpoint."""
    whole = checkpoint.Checkpoints(folder)
    whole.claim()
    whole.save(1, on_cpu(state))
    with unset_fake_temporarily():
        found = whole.load()
    assert found
    return found[1]


def optimisers(work: Any) -> list[torch.optim.Optimizer]:
    return [value for name, value in vars(work).items() if name.endswith("optimiser")]


def layout(value: Tensor) -> list[int]:
    """Strides, but of dimensions of one element, which have no place in memory."""
    return [stride for size, stride in zip(value.shape, value.stride(), strict=True) if size > 1]


def placed(optimiser: torch.optim.Optimizer) -> tuple[Any, ...]:
    """Device, layout and kind of each tensor that a step reads."""
    rates = [getattr(group["lr"], "device", float) for group in optimiser.param_groups]
    states = [{name: (value.device.type, layout(value), value.dtype) for name, value in state.items()
               if isinstance(value, Tensor)} for state in optimiser.state.values()]  # fmt: skip
    return rates, states


def check(make: Callable[[], Any], folder: Path) -> None:
    with pretended() as card:
        first, second = make(), make()
        run(first)
        read = [group["lr"] for one in optimisers(second) for group in one.param_groups]
        second.restore(saved(first.state(), folder))
        assert list(map(placed, optimisers(first))) == list(map(placed, optimisers(second)))
        again = [group["lr"] for one in optimisers(second) for group in one.param_groups]
        assert all(a is b for a, b in zip(read, again, strict=True) if isinstance(a, Tensor))
        run(second)
        card.check()


def test_a_training_goes_on_where_it_was(tmp_path: Path) -> None:
    check(lambda: training(epochs=1), tmp_path)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*capturable=True")
def test_a_search_goes_on_where_it_was(tmp_path: Path) -> None:
    check(searching, tmp_path)


@pytest.mark.slow
@pytest.mark.filterwarnings("error:the step cannot be one CUDA graph")
def test_a_search_goes_from_a_cpu_to_a_gpu_and_back(tmp_path: Path) -> None:
    work = searching(path="eager contiguous", precision="fp32", device=CPU)
    run(work)
    with pretended() as card:
        there = searching()
        there.restore(saved(work.state(), tmp_path / "there"))
        run(there)
        assert card.captures
        card.check()
        back = saved(there.state(), tmp_path / "back")
    work.restore(back)
    next(work.steps(1))
    assert work.alpha_optimiser.param_groups[0]["capturable"] is False
