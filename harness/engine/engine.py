"""How a step runs on the hardware: in which precision, by which path, and what feeds it.

The data stay on the device as uint8, an epoch's augmentation is one gather, and losses are added up on the device,
so that nothing waits for Python per image.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.data.images import DataSet, Images, augmented
from harness.engine import switches
from harness.engine.device import fp32_precision, known_paths, make_deterministic, set_fp32_precision
from harness.engine.graphs import Captured, CudaGraphs
from harness.engine.small_convolutions import by_products
from harness.study.schema import Recipe

EVALUATION_BATCH = 256


class Judged(NamedTuple):
    accuracy: float  # percent
    loss: float  # mean cross entropy
    predicted: Tensor  # classes [N], on the device


@dataclass(frozen=True)
class Engine:
    """One way to run steps. `path` is one of `known_paths`."""

    device: torch.device
    precision: str
    path: str
    mean: Tensor
    std: Tensor

    @classmethod
    def choose(cls, device: torch.device, precision: str, data: DataSet, path: str | None = None) -> "Engine":
        """By the default where this device and precision have no such `path`."""
        known = known_paths(device, precision)
        if device.type == "cuda":
            make_deterministic(device)
        mean, std = (torch.tensor(values, device=device)[:, None, None] * 255 for values in (data.mean, data.std))
        return cls(device, precision, path if path in known else known[0], mean, std)

    def place(self, network: nn.Module) -> nn.Module:
        if "products" in self.path:
            by_products(network)
        switches.apply(network, self.path)
        set_fp32_precision("tf32" if "tf32" in self.path else "ieee")
        return network.to(self.device, memory_format=self._format)  # type: ignore[call-overload,no-any-return]

    def repeated(self, step: Callable[..., Tensor], network: nn.Module) -> Callable[..., Tensor]:
        """`step`, which trains `network` on batches, as it runs fastest when it is called again and again."""
        if "graphs" not in self.path:
            return step
        return Captured(step, lambda: getattr(network, "drop_path", None), CudaGraphs(self.device))

    def autocast(self) -> AbstractContextManager[object]:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16")

    @contextmanager
    def exact(self) -> Iterator["Engine"]:
        """This engine in fp32 without rounded products, for what small differences decide."""
        before = fp32_precision()
        set_fp32_precision("ieee")
        try:
            yield replace(self, precision="fp32")
        finally:
            set_fp32_precision(before)

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

    def loss(self, network: nn.Module, images: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
        """Mean cross entropy; an auxiliary head's counts by its network's `auxiliary_weight`.

        `smoothing`: of each label's weight the part that is spread over all classes alike (Szegedy et al. 2016).
        """
        with self.autocast():
            out = switches.forward(network, images, self.path if self.precision == "bf16" else "")
        logits, auxiliary = out if isinstance(out, tuple) else (out, None)
        loss = F.cross_entropy(logits.float(), labels, label_smoothing=smoothing)
        if auxiliary is not None:
            aside = F.cross_entropy(auxiliary.float(), labels, label_smoothing=smoothing)
            loss = loss + network.auxiliary_weight * aside  # type: ignore[operator]
        return loss

    def evaluate(self, network: nn.Module, part: Images) -> tuple[float, float]:
        """(accuracy in percent, mean cross entropy), in evaluation mode."""
        return self.judge(network, part)[:2]

    def judge(self, network: nn.Module, part: Images) -> Judged:
        """As `evaluate`, with the class that the network gives each image."""
        was_training = network.training
        network.eval()
        judged = self._judge(network, self.batches(part, EVALUATION_BATCH))
        network.train(was_training)
        return judged

    def evaluate_subnet(self, supernet: Any, architecture: Any, part: Images) -> tuple[float, float]:
        """As `evaluate`, of one architecture inside a supernet whose running statistics are its own as a whole.

        The batches are alike: equally large, and each spread over the whole part.
        """
        return self.evaluate_within(supernet, supernet.subnet(architecture), part)

    def evaluate_within(self, supernet: Any, limit: AbstractContextManager[None], part: Images) -> tuple[float, float]:
        """As `evaluate_subnet`, of what is left of the supernet within `limit`."""
        count = math.ceil(len(part) / EVALUATION_BATCH)
        places = (torch.arange(first, len(part), count, device=self.device) for first in range(count))
        batches = ((self.pixels(batch.images), batch.labels) for batch in map(part.take, places))
        with limit, batch_statistics(supernet):
            return self._judge(supernet, batches)[:2]

    @torch.no_grad()
    def _judge(self, network: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> Judged:
        hits, total, said = torch.zeros((), device=self.device), torch.zeros((), device=self.device), []
        for images, labels in batches:
            with self.autocast(), switches.evaluating(self.path):
                logits = network(images).float()
            said.append(logits.argmax(1))
            hits += (said[-1] == labels).sum()
            total += F.cross_entropy(logits, labels, reduction="sum")
        predicted = torch.cat(said)
        return Judged(100 * hits.item() / len(predicted), total.item() / len(predicted), predicted)

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
