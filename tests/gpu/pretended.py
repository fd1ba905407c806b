"""Pretends that there is one CUDA GPU: its tensors have shapes and devices, no values; the CPU's are real."""

import contextlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch._dynamo  # which notes what torch.cuda holds when it is imported
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.optim import optimizer

from harness.engine import streams
from harness.engine.device import fp32_precision, set_fp32_precision
from tests.gpu.card import Card, Graph, Within
from tests.gpu.no_driver import no_context
from tests.gpu.watch import Watch

PROPERTIES = SimpleNamespace(total_memory=80 * 2**30, major=9, minor=0, name="made-up GPU", multi_processor_count=132)


class NoDriver(FakeTensorMode):
    avoid_device_init = True  # whatever torch.cuda.is_available says


@contextlib.contextmanager
def pretended() -> Iterator[Card]:
    """The GPU, and within it the only one. Afterwards all is as it was."""
    card = Card()
    with pytest.MonkeyPatch.context() as patch, _settings_kept(), no_context():
        for name, value in (_questions() | _answers(card)).items():
            patch.setattr(torch.cuda, name, value)
        patch.setattr(torch._C, "_host_emptyCache", lambda: None)
        patch.setattr(torch.cuda.graph, "default_capture_stream", None)
        patch.setattr(torch.accelerator, "current_accelerator", lambda check_available=False: torch.device("cuda"))
        patch.setattr(torch.accelerator, "current_stream", lambda device=None: card.current)
        patch.setattr(optimizer, "_foreach_supported_types", [*optimizer._foreach_supported_types, FakeTensor])
        patch.setattr(streams, "FREE", type(streams.FREE)(list))
        fake = NoDriver(allow_non_fake_inputs=True, allow_fallback_kernels=False)
        with fake, Watch(card), torch.autograd.set_multithreading_enabled(False):
            yield card


@contextlib.contextmanager
def _settings_kept() -> Iterator[None]:
    before = fp32_precision(), torch.backends.cudnn.deterministic, torch.are_deterministic_algorithms_enabled()
    filled = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    try:
        yield
    finally:
        set_fp32_precision(before[0])
        torch.backends.cudnn.deterministic = before[1]
        torch.use_deterministic_algorithms(before[2])
        torch.utils.deterministic.fill_uninitialized_memory = filled  # type: ignore[attr-defined]


def _questions() -> dict[str, Any]:
    """What does not depend on what was done."""
    found = dict.fromkeys(("init", "_lazy_init", "empty_cache", "set_device", "reset_peak_memory_stats",
                           "set_per_process_memory_fraction"), lambda *_, **__: None)  # fmt: skip
    return found | {
        "is_available": lambda: True, "is_initialized": lambda: True, "device_count": lambda: 1,
        "current_device": lambda: 0, "is_bf16_supported": lambda including_emulation=True: True,
        "get_device_properties": lambda device=None: PROPERTIES, "get_device_capability": lambda device=None: (9, 0),
        "get_device_name": lambda device=None: PROPERTIES.name, "max_memory_reserved": lambda device=None: 2**30,
    }  # fmt: skip


def _answers(card: Card) -> dict[str, Any]:
    def seed(value: int) -> None:
        card.random = (value % 2**40, 0)

    def restore(state: torch.Tensor, device: Any = None) -> None:
        seed, offset = state.view(torch.float64).tolist()
        card.random = (int(seed), int(offset))

    def make_current(stream: Any) -> None:
        card.current = stream

    return {
        "synchronize": lambda device=None: card.order.host_waits_for_all(), "manual_seed": seed,
        "manual_seed_all": seed, "Stream": card.stream, "stream": Within, "set_stream": make_current,
        "current_stream": lambda device=None: card.current, "CUDAGraph": lambda: Graph(card),
        "get_rng_state": lambda device=None: torch.tensor(card.random, dtype=torch.float64).view(torch.uint8),
        "set_rng_state": restore, "is_current_stream_capturing": lambda: card.capturing is not None,
    }  # fmt: skip
