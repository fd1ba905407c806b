"""What users write without a harness: the training loop, and supernets edge by edge. Tests compare with these too."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset

from spaces.architecture import Edge
from spaces.cells.network import name
from spaces.shortcuts.vgg import is_identity, pool

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)  # of CIFAR-10's channels


def loader(root: Path, indices: Sequence[int], batch_size: int = 64, workers: int = 2) -> DataLoader[Any]:
    """CIFAR-10's training images `indices` as PyTorch's tutorials load them, transforms per image in workers."""
    from torchvision.datasets import CIFAR10
    from torchvision.transforms import v2

    steps = [v2.ToImage(), v2.RandomCrop(32, padding=4), v2.RandomHorizontalFlip(),
             v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]  # fmt: skip
    images = Subset(CIFAR10(str(root), train=True, transform=v2.Compose(steps)), indices)
    return DataLoader(images, batch_size, shuffle=True, num_workers=workers, persistent_workers=workers > 0)


@contextmanager
def as_torch_comes() -> Iterator[None]:
    """Within it, CUDA multiplies as torch does by itself: convolutions in TF32, nothing deterministic."""
    conv, products = torch.backends.cudnn.conv, torch.backends.cuda.matmul
    before = (conv.fp32_precision, products.fp32_precision)  # type: ignore[attr-defined]
    fixed = (torch.backends.cudnn.deterministic, torch.are_deterministic_algorithms_enabled())
    conv.fp32_precision, products.fp32_precision = "tf32", "none"  # type: ignore[attr-defined]
    torch.backends.cudnn.deterministic = False
    torch.use_deterministic_algorithms(False)
    try:
        yield
    finally:
        conv.fp32_precision, products.fp32_precision = before  # type: ignore[attr-defined]
        torch.backends.cudnn.deterministic = fixed[0]
        torch.use_deterministic_algorithms(fixed[1], warn_only=True)


@as_torch_comes()
def train(network: nn.Module, batches: Iterator[Any], optimiser: torch.optim.Optimizer) -> list[float]:
    """One pass over `batches`, in fp32; the loss of every step."""
    network.train()
    losses = []
    for images, labels in batches:
        optimiser.zero_grad()
        loss = F.cross_entropy(network(images), labels)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


def shortcut_forward(supernet: Any, images: Tensor, gates: Tensor | None = None) -> Tensor:
    """A shortcut supernet's logits: a 1×1 convolution and a batch norm per pair. `gates` in place of what α says."""
    gates = torch.sigmoid(supernet.alphas["pairs"]) if gates is None else gates
    handed: dict[int, Tensor] = {}
    for block, layer in zip(supernet.plan, supernet.blocks, strict=True):
        images = layer(images)
        for i in range(1, block.number - 1):
            source = supernet.plan[i - 1]
            added = pool(handed[i], block.stage - source.hands_over_at)
            if not is_identity(source, block):
                weight = supernet.merged[str(block.stage)].weights[f"{i}_{block.number}"]
                added = F.batch_norm(F.conv2d(added, weight), None, None, training=True)
            images = images + gates[i - 1, block.number - 1] * added
        images = pool(images, int(block.pooled))
        handed[block.number] = images
    logits: Tensor = supernet.classifier(images.mean((2, 3)))
    return logits


def cell_forward(supernet: Any, images: Tensor, gates: Mapping[str, Tensor] | None = None) -> Tensor:
    """A cell supernet's logits: every edge by itself, every operation by itself, then the sum."""
    gates = gates or supernet.probabilities()
    recent = [supernet.stem(images)] * supernet.grid.inputs
    for kind, cell in zip(supernet.kinds, supernet.cells, strict=True):
        recent = [*recent[1:], _cell(cell, recent, gates[kind])]
    logits: Tensor = supernet.classifier(F.adaptive_avg_pool2d(recent[-1], 1).flatten(1))
    return logits


def _cell(cell: Any, inputs: Sequence[Tensor], gates: Tensor) -> Tensor:
    grid = cell.grid
    nodes = [cell.inputs[str(node)](inputs[node]) for node in range(grid.inputs)]
    for target in grid.targets:
        nodes.append(sum(_edge(cell, nodes, source, target, gates) for source in range(target)))
    return torch.cat([nodes[node] for node in cell.concat], dim=1)


def _edge(cell: Any, nodes: Sequence[Tensor], source: int, target: int, gates: Tensor) -> Any:
    row = gates[cell.grid.pairs.index((source, target))]
    weighed = zip(row, cell.grid.operations, strict=True)
    return sum(weight * _operation(cell, nodes, source, target, op) for weight, op in weighed if op != "none")


def _operation(cell: Any, nodes: Sequence[Tensor], source: int, target: int, operation: str) -> Any:
    key, shared = name(Edge(source, target, operation)), f"{source}_{operation}"
    return cell.edges[key](nodes[source]) if key in cell.edges else cell.shared[shared](nodes[source])
