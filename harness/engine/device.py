"""Which device, which precision, and which ways there are to run a step.

Timing never chooses a precision: `auto` follows from device and network; it may choose among the paths of a precision
(harness/run/engine_paths.py).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from harness.engine.instructions import WITH_BF16, instruction_set
from harness.engine.switches import switched
from harness.errors import BadInput

BF16_CAPABILITY = (8, 0)  # Ampere's: older GPUs emulate bf16


def device_named(name: str) -> torch.device:
    """auto, cpu, cuda, cuda:1 or mps. Raises BadInput where this machine has no such device."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise BadInput(f"--device {name}: write auto, cpu, cuda, cuda:1 or mps") from None
    found = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
    if (device.index or 0) >= found.get(device.type, 0):
        raise BadInput(f"--device {name}: this machine has {found.get(device.type, 0)} of {device.type}")
    return device


def auto_precision(device: torch.device, network: nn.Module) -> str:
    """bf16 where the device multiplies it (instructions.py) and the network's convolutions gain by it, else fp32.

    Depthwise and other grouped convolutions are slower in bf16 on a CPU (measured; see benchmarks), but for those of a
    network that runs them as dense ones then and says so by `dense_when_reduced`.
    """
    if not multiplies_bf16(device):
        return "fp32"
    if device.type == "cuda":
        return "bf16"
    grouped = any(module.groups > 1 for module in network.modules() if isinstance(module, nn.Conv2d))
    return "fp32" if grouped and not getattr(network, "dense_when_reduced", False) else "bf16"


def multiplies_bf16(device: torch.device) -> bool:
    """Whether a GPU or a CPU does; others are not known to."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= BF16_CAPABILITY
    return device.type == "cpu" and instruction_set() in WITH_BF16


def paths(device: torch.device, precision: str) -> tuple[str, ...]:
    """The ways to run a step; the first is the default. Results differ between them in rounding alone.

    `products`: convolutions of small images as matrix products; `graphs`: a step is one CUDA graph; `tf32`: CUDA
    rounds what it multiplies of an fp32 recipe, elsewhere not.
    """
    if device.type == "cuda" and precision == "fp32":
        return ("eager channels_last tf32", "graphs channels_last tf32", "eager contiguous")
    if device.type == "cuda":
        return ("eager channels_last", "graphs channels_last")
    if device.type != "cpu":
        return ("eager contiguous",)
    faster = ("products channels_last",)
    return (
        ("eager channels_last", *faster)
        if precision == "bf16"
        else ("eager contiguous", "eager channels_last", *faster)
    )


def known_paths(device: torch.device, precision: str) -> tuple[str, ...]:
    """`paths`, and those that are there by name alone."""
    measured = paths(device, precision)
    return (*measured, *switched(measured, precision))


def fp32_precision() -> str:
    """What `set_fp32_precision` set."""
    return str(torch.backends.cuda.matmul.fp32_precision)


def set_fp32_precision(precision: str) -> None:
    """Sets how CUDA multiplies in fp32, for the whole process: 'ieee' or 'tf32'."""
    torch.backends.cudnn.conv.fp32_precision = precision  # type: ignore[attr-defined]
    torch.backends.cuda.matmul.fp32_precision = precision


def make_deterministic(device: torch.device) -> None:
    """The same bits for the same seed; and what is made without naming a card is made on this one."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cudnn.deterministic = True
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    if device.index is not None:
        torch.cuda.set_device(device)


@contextmanager
def torch_kept() -> Iterator[None]:
    """After it, torch is for the whole process as it was: threads, chance, determinism, precision, the current card."""
    backends: Any = torch.backends
    conv, product = backends.cudnn.conv, backends.cuda.matmul
    determined: Any = torch.utils.deterministic
    threads, precisions = torch.get_num_threads(), (conv.fp32_precision, product.fp32_precision)
    flags = backends.cudnn.deterministic, determined.fill_uninitialized_memory
    algorithms = torch.get_deterministic_debug_mode()
    cards = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    current = torch.cuda.current_device() if cards else None
    try:
        with torch.random.fork_rng(cards):
            yield
    finally:
        torch.set_num_threads(threads)
        conv.fp32_precision, product.fp32_precision = precisions
        backends.cudnn.deterministic, determined.fill_uninitialized_memory = flags
        torch.set_deterministic_debug_mode(algorithms)
        if current is not None:
            torch.cuda.set_device(current)
