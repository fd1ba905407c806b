"""How a step runs on the hardware: device, precision, path, and what feeds it.

The data stay on the device as uint8, an epoch's augmentation is one gather, and losses are added up on the device,
so that nothing waits for Python per image. Timing never chooses a precision: `auto` follows from device and network;
it may choose among the paths of a precision (harness.paths).
"""

import math
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.errors import BadInput
from harness.graphs import Captured, CudaGraphs
from harness.images import DataSet, Images, augmented
from harness.instructions import WITH_BF16, instruction_set
from harness.products import by_products
from harness.study import Recipe

EVALUATION_BATCH = 256


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
    """bf16 where the device multiplies it (harness.instructions) and the network's convolutions gain by it, else fp32.

    Depthwise and other grouped convolutions are slower in bf16 on a CPU (measured; see benchmarks), but for those of a
    network that runs them as dense ones then and says so by `dense_when_reduced`.
    """
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    if device.type != "cpu" or instruction_set() not in WITH_BF16:
        return "fp32"
    grouped = any(module.groups > 1 for module in network.modules() if isinstance(module, nn.Conv2d))
    return "fp32" if grouped and not getattr(network, "dense_when_reduced", False) else "bf16"


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


@dataclass(frozen=True)
class Engine:
    """One way to run steps. `path` is one of `paths`."""

    device: torch.device
    precision: str
    path: str
    mean: Tensor
    std: Tensor

    @classmethod
    def choose(cls, device: torch.device, precision: str, data: DataSet, path: str | None = None) -> "Engine":
        """By the default where this device and precision have no such `path`."""
        known = paths(device, precision)
        if device.type == "cuda":
            _deterministic(device)
        mean, std = (torch.tensor(values, device=device)[:, None, None] * 255 for values in (data.mean, data.std))
        return cls(device, precision, path if path in known else known[0], mean, std)

    def place(self, network: nn.Module) -> nn.Module:
        if "products" in self.path:
            by_products(network)
        rounded_products("tf32" if "tf32" in self.path else "ieee")
        return network.to(self.device, memory_format=self._format)  # type: ignore[call-overload,no-any-return]

    def repeated(self, step: Callable[..., Tensor], network: nn.Module) -> Callable[..., Tensor]:
        """`step`, which trains `network` on batches, as it runs fastest when it is called again and again."""
        if "graphs" not in self.path:
            return step
        return Captured(step, lambda: getattr(network, "drop_path", None), CudaGraphs())

    def autocast(self) -> AbstractContextManager[object]:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16")

    @contextmanager
    def exact(self) -> Iterator["Engine"]:
        """This engine in fp32 without rounded products, for what small differences decide."""
        before = torch.backends.cuda.matmul.fp32_precision
        rounded_products("ieee")
        try:
            yield replace(self, precision="fp32")
        finally:
            rounded_products(before)

    def pixels(self, images: Tensor) -> Tensor:
        """uint8 → normalised fp32 in this engine's layout."""
        return ((images.float() - self.mean) / self.std).contiguous(memory_format=self._format)

    def batches(self, part: Images, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        for start in range(0, len(part), size):
            yield self.pixels(part.images[start : start + size]), part.labels[start : start + size]

    def epoch(self, part: Images, order: Tensor, recipe: Recipe, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Augmented batches of `part` in this order. A single image left over is dropped: batch norm needs two."""
        order = order[: len(order) - (len(order) % recipe.batch_size == 1)] if len(order) > 1 else order
        chosen = part.take(order.to(self.device))
        images = augmented(chosen.images, recipe.augment, recipe.cutout, seed, self.mean)
        return self.batches(Images(images, chosen.labels), recipe.batch_size)

    def loss(self, network: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
        """Mean cross entropy; an auxiliary head's counts by its network's `auxiliary_weight`."""
        with self.autocast():
            out = network(images)
        logits, auxiliary = out if isinstance(out, tuple) else (out, None)
        loss = F.cross_entropy(logits.float(), labels)
        if auxiliary is not None:
            loss = loss + network.auxiliary_weight * F.cross_entropy(auxiliary.float(), labels)  # type: ignore[operator]
        return loss

    def evaluate(self, network: nn.Module, part: Images) -> tuple[float, float]:
        """(accuracy in percent, mean cross entropy), in evaluation mode."""
        was_training = network.training
        network.eval()
        judged = self._judge(network, self.batches(part, EVALUATION_BATCH))
        network.train(was_training)
        return judged

    def evaluate_subnet(self, supernet: Any, architecture: Any, part: Images) -> tuple[float, float]:
        """As `evaluate`, of one architecture inside a supernet whose running statistics are those of the mixture.

        The batches are alike: equally large, and each spread over the whole part.
        """
        count = math.ceil(len(part) / EVALUATION_BATCH)
        places = (torch.arange(first, len(part), count, device=self.device) for first in range(count))
        batches = ((self.pixels(batch.images), batch.labels) for batch in map(part.take, places))
        with supernet.subnet(architecture), batch_statistics(supernet):
            return self._judge(supernet, batches)

    @torch.no_grad()
    def _judge(self, network: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> tuple[float, float]:
        hits, total, count = torch.zeros((), device=self.device), torch.zeros((), device=self.device), 0
        for images, labels in batches:
            with self.autocast():
                logits = network(images).float()
            hits += (logits.argmax(1) == labels).sum()
            total += F.cross_entropy(logits, labels, reduction="sum")
            count += len(labels)
        return 100 * hits.item() / count, total.item() / count

    @property
    def _format(self) -> torch.memory_format:
        return torch.channels_last if "channels_last" in self.path else torch.contiguous_format


@contextmanager
def batch_statistics(network: nn.Module) -> Iterator[None]:
    """Within it, `network` normalises by each batch's own statistics; afterwards its buffers and mode are as before.

    A subnet needs statistics of its own (Guo et al. 2020, section 3.4, calculate them anew for every architecture).
    """
    was_training, before = network.training, [buffer.clone() for buffer in network.buffers()]
    network.train()
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, value in zip(network.buffers(), before, strict=True):
                buffer.copy_(value)
        network.train(was_training)


def rounded_products(precision: str) -> None:
    """How CUDA takes fp32 products, in the whole process: 'ieee' or 'tf32'."""
    torch.backends.cudnn.conv.fp32_precision = precision  # type: ignore[attr-defined]
    torch.backends.cuda.matmul.fp32_precision = precision


def _deterministic(device: torch.device) -> None:
    """The same bits for the same seed; and what is made without naming a card is made on this one."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cudnn.deterministic = True
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    if device.index is not None:
        torch.cuda.set_device(device)


def restore(optimiser: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Loads `state`. A learning rate that a CUDA graph reads stays the tensor that it is and takes the saved value."""
    rates = [group["lr"] for group in optimiser.param_groups]
    optimiser.load_state_dict(state)
    for group, rate in zip(optimiser.param_groups, rates, strict=True):
        if isinstance(rate, Tensor):
            group["lr"] = rate.fill_(float(group["lr"]))


def sgd(parameters: list[nn.Parameter], recipe: Recipe) -> torch.optim.SGD:
    """The learning rate is a tensor where a CUDA graph may have to read it anew."""
    device = parameters[0].device
    lr = torch.tensor(recipe.lr, device=device) if device.type == "cuda" else recipe.lr
    return torch.optim.SGD(parameters, lr, recipe.momentum, weight_decay=recipe.weight_decay, fused=True)


def learning_rate(recipe: Recipe, epoch: int, epochs: int) -> float:
    """For `epoch` from 1: constant; × γ after every `step` epochs; or half a cosine to 0 (Loshchilov & Hutter 2017)."""
    lr, scheduler = recipe.lr, recipe.scheduler
    if scheduler.kind == "cosine":
        return lr * (1 + math.cos(math.pi * (epoch - 1) / epochs)) / 2
    if scheduler.kind == "step":
        step = scheduler.step if scheduler.step >= 1 else scheduler.step * epochs
        return lr * float(scheduler.gamma ** ((epoch - 1) // max(1, round(step))))
    return lr
