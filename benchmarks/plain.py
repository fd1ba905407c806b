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
    """A shortcut supernet's logits: a 1×1 convolution and a batch norm per pair, of a single path per open pair.

    `gates` in place of what its way makes of α.
    """
    gates, opened = supernet.in_use() if gates is None else (gates, None)
    handed: dict[int, Tensor] = {}
    for block, layer in zip(supernet.plan, supernet.blocks, strict=True):
        images = layer(images)
        for i in range(1, block.number - 1):
            if opened is None or (i, block.number) in opened:
                images = images + gates[i - 1, block.number - 1] * _shortcut(supernet, block, i, handed[i])
        images = pool(images, int(block.pooled))
        handed[block.number] = images
    logits: Tensor = supernet.classifier(images.mean((2, 3)))
    return logits


def _shortcut(supernet: Any, block: Any, i: int, handed: Tensor) -> Tensor:
    source = supernet.plan[i - 1]
    added = pool(handed, block.stage - source.hands_over_at)
    if is_identity(source, block):
        return added
    weight = supernet.merged[str(block.stage)].weights[f"{i}_{block.number}"]
    return F.batch_norm(F.conv2d(added, weight), None, None, training=True)


def cell_forward(supernet: Any, images: Tensor, gates: Mapping[str, Tensor] | None = None) -> Tensor:
    """A cell supernet's logits: every edge by itself, every operation by itself, then the sum."""
    terms = _terms(supernet, gates)
    recent = [supernet.stem(images)] * supernet.grid.inputs
    for kind, cell in zip(supernet.kinds, supernet.cells, strict=True):
        recent = [*recent[1:], _cell(cell, recent, terms[kind])]
    logits: Tensor = supernet.classifier(F.adaptive_avg_pool2d(recent[-1], 1).flatten(1))
    return logits


def mixing_forward(supernet: Any, images: Tensor) -> Tensor:
    """As `cell_forward`, with partial channels, edge normalisation or auxiliary skip connections, edge by edge as the
    papers have it."""
    recent = [supernet.stem(images)] * supernet.grid.inputs
    weights = supernet.probabilities()
    for kind, cell in zip(supernet.kinds, supernet.cells, strict=True):
        betas = supernet.alphas[f"{kind} edges"] if supernet.normalised else None
        recent = [*recent[1:], _edge_by_edge(cell, recent, weights[kind], betas)]
    logits: Tensor = supernet.classifier(F.adaptive_avg_pool2d(recent[-1], 1).flatten(1))
    return logits


def _edge_by_edge(cell: Any, inputs: Sequence[Tensor], weights: Tensor, betas: Tensor | None) -> Tensor:
    mixed = getattr(cell, "mixed", cell)
    nodes: list[Any] = [cell.inputs[str(node)](inputs[node]) for node in range(mixed.grid.inputs)]
    for target in mixed.grid.targets:
        rows = [mixed.grid.row(source, target) for source in range(target)]
        shares = [1.0] * target if betas is None else torch.softmax(betas[rows, 0], 0)
        nodes.append(sum(share * _partly(cell, mixed, nodes, source, target, weights[row])
                         for share, source, row in zip(shares, range(target), rows, strict=True)))  # fmt: skip
    return torch.cat([nodes[node] for node in mixed.concat], dim=1)


def _partly(cell: Any, mixed: Any, nodes: Sequence[Tensor], source: int, target: int, weights: Tensor) -> Tensor:
    values, k = nodes[source], getattr(cell, "partial", 1)
    width = values.shape[1] // k
    front, rest = {source: values[:, :width]}, values[:, width:]
    named = zip(weights, mixed.grid.operations, strict=True)
    out: Any = sum(weight * _operation(mixed, front, source, target, op) for weight, op in named if op != "none")
    if hasattr(mixed, "auxiliary"):
        halving = mixed.auxiliary[f"{source}_{target}"] if f"{source}_{target}" in mixed.auxiliary else nn.Identity()
        out = out + mixed.coefficient * halving(front[source])
    if k == 1:
        return out
    rest = rest if rest.shape[2:] == out.shape[2:] else F.max_pool2d(rest, 2)
    return torch.cat([out, rest], 1).unflatten(1, (k, width)).transpose(1, 2).flatten(1, 2)


def bench_forward(supernet: Any, images: Tensor) -> Tensor:
    """As `cell_forward`, of NAS-Bench-201's supernet."""
    terms, values = _terms(supernet, None), supernet.frame.stem(images)
    for mixed, module in supernet.frame.steps():
        values = _cell(module, [values], terms["normal"]) if mixed else module(values)
    logits: Tensor = supernet.frame.classify(values)
    return logits


Terms = Mapping[tuple[int, int], Sequence[tuple[Any, str]]]  # edge → (weight, operation) of each that is computed


def _terms(supernet: Any, gates: Mapping[str, Tensor] | None) -> Mapping[str, Terms]:
    """Of each kind of cell."""
    grid = supernet.grid
    if gates is None:
        uses, weights = supernet.in_use()
        return {kind: _in_use(grid, use, weights.get(kind)) for kind, use in uses.items()}
    columns = [(column, operation) for column, operation in enumerate(grid.operations) if operation != "none"]
    return {kind: {pair: [(own[row, column], operation) for column, operation in columns]
                   for row, pair in enumerate(grid.pairs)}
            for kind, own in gates.items()}  # fmt: skip


def _in_use(grid: Any, use: Any, gates: Tensor | None) -> Terms:
    found: dict[tuple[int, int], list[tuple[Any, str]]] = {}
    for source, operations in use.items():
        for operation, targets in operations.items():
            column = grid.operations.index(operation)
            for target in targets:
                weight = 1 if gates is None else gates[grid.row(source, target), column]
                found.setdefault((source, target), []).append((weight, operation))
    return found


def _cell(cell: Any, inputs: Sequence[Tensor], terms: Terms) -> Tensor:
    nodes: list[Any] = [cell.inputs[str(node)](inputs[node]) for node in range(cell.grid.inputs)]
    for target in cell.grid.targets:
        into = [weight * _operation(cell, nodes, source, target, operation)
                for source in range(target) for weight, operation in terms.get((source, target), ())]  # fmt: skip
        nodes.append(sum(into) if into else None)
    some = next((nodes[node] for node in cell.concat if nodes[node] is not None), nodes[0])
    return torch.cat([torch.zeros_like(some) if nodes[node] is None else nodes[node] for node in cell.concat], dim=1)


def _operation(cell: Any, nodes: Any, source: int, target: int, operation: str) -> Any:
    key, shared = name(Edge(source, target, operation)), f"{source}_{operation}"
    return cell.edges[key](nodes[source]) if key in cell.edges else cell.shared[shared](nodes[source])
