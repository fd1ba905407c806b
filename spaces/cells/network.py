"""The network that a cell architecture stands for, for training from scratch."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spaces.architecture import Cells, Edge
from spaces.cells.graph import Part, Stage, built, parts, stages
from spaces.cells.operations import OPERATIONS, FactorizedReduce, Norm, PlainBlock, drop_path, layers


@dataclass(frozen=True)
class Layout:
    """The settings of a network around its cells; `stem` multiplies the channels."""

    cells: int
    channels: int
    stem: int = 1
    reduction: bool = False
    auxiliary: float = 0.0
    drop_path: float = 0.0

    @property
    def stages(self) -> list[Stage]:
        return stages(self.cells, self.channels, self.reduction)

    def make_stem(self, image_channels: int) -> nn.Sequential:
        outputs = self.stem * self.channels
        return nn.Sequential(nn.Conv2d(image_channels, outputs, 3, padding=1, bias=False), Norm(outputs))


def preprocessing(inputs: Sequence[int], nodes: Sequence[int], stage: Stage, affine: bool) -> nn.ModuleDict:
    """What brings a cell's inputs to its channel count; the older of two is halved after a reduction cell."""
    modules = nn.ModuleDict()
    for node in nodes:
        if stage.shrunk and node < len(inputs) - 1:
            modules[str(node)] = FactorizedReduce(inputs[node], stage.channels, affine)
        else:
            modules[str(node)] = PlainBlock(inputs[node], stage.channels, 1, affine=affine)
    return modules


def name(edge: Edge) -> str:
    """The module name of an edge, the same in every network: what decides its start values."""
    return f"{edge.source}_{edge.target}_{edge.operation}"


class Cell(nn.Module):
    """The live part of a cell; `inputs` are the channels of its inputs."""

    def __init__(self, part: Part, inputs: Sequence[int], stage: Stage) -> None:
        super().__init__()
        self.part = part
        self.inputs = preprocessing(inputs, part.used, stage, affine=True)
        self.edges = nn.ModuleDict()
        for edge in part.edges:
            stride = stage.stride(edge.source, len(inputs))
            self.edges[name(edge)] = OPERATIONS[edge.operation](stage.channels, stride, True)

    def forward(self, inputs: Sequence[Tensor], drop: float) -> Tensor:
        nodes = {int(node): module(inputs[int(node)]) for node, module in self.inputs.items()}
        for edge in self.part.edges:  # by source: a node is complete before it is used
            operation = self.edges[name(edge)]
            values = operation(nodes[edge.source])
            if drop and not isinstance(operation, nn.Identity):
                values = drop_path(values, drop)
            nodes[edge.target] = nodes[edge.target] + values if edge.target in nodes else values
        return torch.cat([nodes[node] for node in self.part.concat], dim=1)


class AuxiliaryHead(nn.Module):
    """A second classifier half way, for training alone; on 8×8 maps it is exactly DARTS's."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(channels, 128, 1, bias=False), nn.BatchNorm2d(128), nn.ReLU(),
            nn.Conv2d(128, 768, 2, bias=False), nn.BatchNorm2d(768), nn.ReLU(),
        )  # fmt: skip
        self.classifier = nn.Linear(768, classes)

    def forward(self, values: Tensor) -> Tensor:
        values = F.relu(values)
        small = min(values.shape[-2:]) < 8
        values = F.adaptive_avg_pool2d(values, 2) if small else F.avg_pool2d(values, 5, stride=3)
        logits: Tensor = self.classifier(self.features(values).mean(dim=(2, 3)))
        return logits


class CellNetwork(nn.Module):
    """Stem, cells, global average pooling, linear layer: images [N, C, H, W] → logits [N, classes].

    In training mode with an auxiliary head: (logits, auxiliary logits), the latter to be weighed by
    `auxiliary_weight`. `drop_path` is the probability in use; a trainer raises it from 0 to `drop_path_max`.
    What the output does not depend on (nodes, inputs, whole cells) is not built.
    """

    def __init__(self, architecture: Cells, layout: Layout, classes: int, image_channels: int) -> None:
        super().__init__()
        self.count, self.inputs = layout.cells, architecture.inputs
        self.auxiliary_weight, self.drop_path_max, self.drop_path = layout.auxiliary, layout.drop_path, 0.0
        self.stem, self.cells = layout.make_stem(image_channels), nn.ModuleDict()
        kinds = parts(architecture)
        row = [kinds[stage.cell] for stage in layout.stages]
        alive = built([part.used for part in row], self.inputs)
        outputs = [layout.stem * layout.channels] * self.inputs
        for index, (stage, part) in enumerate(zip(layout.stages, row, strict=True)):
            if index in alive:
                self.cells[str(index)] = Cell(part, outputs[index : index + self.inputs], stage)
            outputs.append(len(part.concat) * stage.channels)
        self.middle = max(index for index in alive if index <= 2 * layout.cells // 3)
        if self.auxiliary_weight:
            self.auxiliary = AuxiliaryHead(outputs[self.middle + self.inputs], classes)
        self.classifier = nn.Linear(outputs[-1], classes)

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        drop = self.drop_path if self.training else 0.0
        recent = [self.stem(images)] * self.inputs
        for index in range(self.count):
            output = self.cells[str(index)](recent, drop) if str(index) in self.cells else recent[-1]
            recent = [*recent[1:], output]
            if index == self.middle:
                middle = output
        logits: Tensor = self.classifier(recent[-1].mean(dim=(2, 3)))
        if self.training and self.auxiliary_weight:
            return logits, self.auxiliary(middle)
        return logits


def depth(architecture: Cells, layout: Layout) -> int:
    """Convolutions and linear layers on the longest live path: stem, preprocessing, operations, classifier."""
    kinds = parts(architecture)
    outputs = [1] * architecture.inputs
    for stage in layout.stages:
        part = kinds[stage.cell]
        nodes = {node: outputs[node - architecture.inputs] + 1 for node in part.used}
        for edge in part.edges:
            length = layers(edge.operation, stage.stride(edge.source, architecture.inputs))
            nodes[edge.target] = max(nodes.get(edge.target, 0), nodes[edge.source] + length)
        outputs.append(max((nodes[node] for node in part.concat), default=0))
    return outputs[-1] + 1
