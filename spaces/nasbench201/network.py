"""The published network around a cell of NAS-Bench-201, with the cell built in full, dead edges among them.

Stem, three stages of cells, a residual block of stride 2 between stages, BatchNorm, ReLU, pooling, linear layer
(Dong & Yang 2020, section 2.1). Counts of parameters depend on the numbers of 1×1 and 3×3 convolutions alone.
"""

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spaces.architecture import BenchCell
from spaces.cells.graph import Stage
from spaces.cells.network import name
from spaces.cells.operations import OPERATIONS, Norm, PlainBlock

STAGES = 3
NODES = 4


class Residual(nn.Module):
    """Halves the image and doubles the channels: two 3×3 blocks beside average pooling and a 1×1 convolution."""

    def __init__(self, inputs: int, outputs: int, affine: bool) -> None:
        super().__init__()
        self.first = PlainBlock(inputs, outputs, 3, stride=2, affine=affine)
        self.second = PlainBlock(outputs, outputs, 3, affine=affine)
        self.pool = nn.AvgPool2d(2)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        halved: Tensor = self.shortcut(self.pool(images)) + self.second(self.first(images))
        return halved


class BenchCellModule(nn.Module):
    """Every edge of the cell, whether the output depends on it or not; a node is the sum of what enters it."""

    def __init__(self, architecture: BenchCell, channels: int) -> None:
        super().__init__()
        self.order = architecture.normal
        self.edges = nn.ModuleDict(
            {name(edge): OPERATIONS[edge.operation](channels, 1, True) for edge in architecture.normal}
        )

    def forward(self, images: Tensor) -> Tensor:
        nodes = {0: images}
        for edge in self.order:  # by source: a node is complete before it is used
            source = nodes[edge.source] if edge.source in nodes else torch.zeros_like(images)
            values = self.edges[name(edge)](source)
            nodes[edge.target] = nodes[edge.target] + values if edge.target in nodes else values
        return nodes[NODES - 1] if NODES - 1 in nodes else torch.zeros_like(images)


class Frame(nn.Module):
    """What stands around the cells; `cell(stage)` makes one, `channels` are the first stage's."""

    def __init__(self, cell: Callable[[Stage], nn.Module], per_stage: int, channels: int, classes: int,
                 image_channels: int, affine: bool) -> None:  # fmt: skip
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(image_channels, channels, 3, padding=1, bias=False), Norm(channels))
        self.cells, self.reductions = nn.ModuleList(), nn.ModuleList()
        for number in range(STAGES):
            here = channels << number
            if number:
                self.reductions.append(Residual(here // 2, here, affine))
            self.cells.extend(cell(Stage(here, False, False)) for _ in range(per_stage))
        self.last = Norm(channels << STAGES - 1)
        self.classifier = nn.Linear(channels << STAGES - 1, classes)
        self.per_stage = per_stage

    def steps(self) -> Iterator[tuple[bool, nn.Module]]:
        """(whether it is a cell, the module), in order."""
        for index, cell in enumerate(self.cells):
            if index and index % self.per_stage == 0:
                yield False, self.reductions[index // self.per_stage - 1]
            yield True, cell

    def classify(self, values: Tensor) -> Tensor:
        logits: Tensor = self.classifier(F.relu(self.last(values)).mean(dim=(2, 3)))
        return logits


class BenchNetwork(nn.Module):
    """Images [N, C, H, W] → logits [N, classes]."""

    def __init__(self, architecture: BenchCell, per_stage: int, channels: int, classes: int,
                 image_channels: int) -> None:  # fmt: skip
        super().__init__()
        self.frame = Frame(lambda stage: BenchCellModule(architecture, stage.channels), per_stage, channels, classes,
                           image_channels, affine=True)  # fmt: skip

    def forward(self, images: Tensor) -> Tensor:
        values = self.frame.stem(images)
        for _, module in self.frame.steps():
            values = module(values)
        return self.frame.classify(values)


def parameters(architecture: BenchCell, classes: int, per_stage: int = 5, channels: int = 16,
               image_channels: int = 3) -> int:  # fmt: skip
    """Of the built network, by formula: exactly what it has."""
    widths = [channels << number for number in range(STAGES)]
    kinds = [edge.operation for edge in architecture.normal]
    small, large = kinds.count("nor_conv_1x1"), kinds.count("nor_conv_3x3")
    cells = per_stage * sum(small * (c * c + 2 * c) + large * (9 * c * c + 2 * c) for c in widths)
    stem = 9 * image_channels * channels + 2 * channels
    halving = sum(9 * (c // 2) * c + 9 * c * c + 4 * c + (c // 2) * c for c in widths[1:])
    return stem + cells + halving + 2 * widths[-1] + widths[-1] * classes + classes
