"""What the hardware allows at best: operations over its measured matrix rate, bytes over its measured bandwidth."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from spaces.cost import cost

# Over an activation: convolution, norm and ReLU each read and write it forward; back, each reads two and writes one.
PASSES = 15
STATE = 6  # reads and writes of a parameter in a step: weight, gradient, momentum
SIZES = (1024, 2048, 4096)  # of the square products that are tried
COPIED = 2**28  # bytes


@dataclass(frozen=True)
class Hardware:
    """Measured rates of all cores, or of the GPU: FLOP/s of matrix products in a precision, bytes/s of a copy."""

    matrix: float
    memory: float

    def values(self) -> dict[str, str]:
        return {name: f"{value:.3g}" for name, value in asdict(self).items()}

    @classmethod
    def measured(cls, device: torch.device, precision: str) -> "Hardware":
        dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        matrix = max(2 * size**3 / _product(size, device, dtype) for size in SIZES)
        source = torch.ones(COPIED // 4, device=device)
        target = torch.empty_like(source)
        return cls(matrix, 2 * COPIED / _best(lambda: target.copy_(source), device))


def of(network: nn.Module, hardware: Hardware, precision: str, batch: int, rate: float) -> dict[str, Any]:
    """How far `rate`, trained images/s, is from the floor of a step on `batch` CIFAR-10 images."""
    parameters, macs = cost(network, 3, 32)
    moved = PASSES * _activations(network) * (2 if precision == "bf16" else 4) + STATE * 4 * parameters / batch
    operations = 3 * 2 * macs  # forward, and twice that back
    seconds = {"by operations": operations / hardware.matrix, "by bytes": moved / hardware.memory}
    return {"images/s": round(rate), "GFLOP an image": round(operations / 1e9, 3),
            "MB an image": round(moved / 1e6, 2), "of the matrix peak": round(rate * operations / hardware.matrix, 3),
            **{f"images/s {what}": round(1 / value) for what, value in seconds.items()},
            "times the floor": round(1 / rate / max(seconds.values()), 2), "hardware": hardware.values()}  # fmt: skip


def of_step(step: Callable[[], Any], hardware: Hardware, seconds: float) -> dict[str, Any]:
    """How much of the matrix rate a step of any kind reaches that takes `seconds`; its products are counted."""
    with FlopCounterMode(display=False) as counter:
        step()
    operations = counter.get_total_flops()
    return {"GFLOP": round(operations / 1e9, 2), "of the matrix peak": round(operations / hardware.matrix / seconds, 3),
            "hardware": hardware.values()}  # fmt: skip


def _activations(network: nn.Module) -> int:
    """Elements that the norms of `network` put out for one image."""
    sizes: list[int] = []

    def note(_: nn.Module, __: Any, out: Tensor) -> None:
        sizes.append(out.numel())

    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    hooks = [module.register_forward_hook(note) for module in norms]
    cost(network, 3, 32)
    for hook in hooks:
        hook.remove()
    return sum(sizes)


def _product(size: int, device: torch.device, dtype: torch.dtype) -> float:
    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    return _best(lambda: a @ b, device)


def _best(call: Callable[[], Any], device: torch.device, times: int = 10) -> float:
    """Seconds of the quickest of several calls."""
    found = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        found.append(time.perf_counter() - start)
    return min(found)
