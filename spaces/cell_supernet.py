"""The one-shot network of a cell space: every edge mixes all its operations (Liu et al. 2018, equation 2)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from spaces.architecture import Cells
from spaces.cell_graph import Grid, Stage
from spaces.cell_network import Layout, preprocessing
from spaces.operations import OPERATIONS


class MixedOperation(nn.Module):
    def __init__(self, grid: Grid, channels: int, stride: int) -> None:
        super().__init__()
        self.columns = [grid.operations.index(operation) for operation in grid.candidates]
        self.operations = nn.ModuleList()
        for operation in grid.candidates:
            module = OPERATIONS[operation](channels, stride, False)
            if "pool" in operation:
                module = nn.Sequential(module, nn.BatchNorm2d(channels, affine=False))
            self.operations.append(module)

    def forward(self, values: Tensor, gates: Tensor) -> Tensor:
        return sum(gates[column] * module(values) for column, module in zip(self.columns, self.operations))


class MixedCell(nn.Module):
    def __init__(self, grid: Grid, concat: Sequence[int], inputs: Sequence[int], stage: Stage) -> None:
        super().__init__()
        self.grid, self.concat = grid, tuple(concat)
        self.inputs = preprocessing(inputs, range(grid.inputs), stage, affine=False)
        self.edges = nn.ModuleDict({
            f"{source}_{target}": MixedOperation(grid, stage.channels, stage.stride(source, grid.inputs))
            for source, target in grid.pairs
        })

    def forward(self, inputs: Sequence[Tensor], gates: Tensor) -> Tensor:
        nodes = {int(node): module(inputs[int(node)]) for node, module in self.inputs.items()}
        for row, (source, target) in enumerate(self.grid.pairs):
            values = self.edges[f"{source}_{target}"](nodes[source], gates[row])
            nodes[target] = nodes[target] + values if target in nodes else values
        return torch.cat([nodes[node] for node in self.concat], dim=1)


class CellSupernet(nn.Module):
    """Images [N, C, H, W] → logits [N, classes]; α is [edges, operations] in `Grid.pairs`' order, 0 at the start."""

    def __init__(
        self, grid: Grid, concat: Sequence[int], layout: Layout, gate: str, classes: int, image_channels: int
    ) -> None:
        super().__init__()
        self.grid, self.gate = grid, gate
        self._fixed: dict[str, Tensor] | None = None
        self.kinds = [stage.cell for stage in layout.stages]
        names = ("normal", "reduction") if layout.reduction else ("normal",)
        shape = len(grid.pairs), len(grid.operations)
        self.alphas = nn.ParameterDict({name: nn.Parameter(torch.zeros(shape)) for name in names})
        self.stem, self.cells = layout.make_stem(image_channels), nn.ModuleList()
        outputs = [layout.stem * layout.channels] * grid.inputs
        for index, stage in enumerate(layout.stages):
            self.cells.append(MixedCell(grid, concat, outputs[index : index + grid.inputs], stage))
            outputs.append(len(concat) * stage.channels)
        self.classifier = nn.Linear(outputs[-1], classes)

    def probabilities(self) -> dict[str, Tensor]:
        return {
            name: torch.sigmoid(alpha) if self.gate == "sigmoid" else torch.softmax(alpha, dim=-1)
            for name, alpha in self.alphas.items()
        }

    @contextmanager
    def subnet(self, architecture: Cells) -> Iterator[None]:
        """Inside the context only the architecture's operations are in use, each with weight 1."""
        before, self._fixed = self._fixed, self._one_hot(architecture)
        try:
            yield
        finally:
            self._fixed = before

    def _one_hot(self, architecture: Cells) -> dict[str, Tensor]:
        gates = {name: torch.zeros_like(alpha) for name, alpha in self.alphas.items()}
        for name in gates:
            for edge in getattr(architecture, name):
                row, column = self.grid.row(edge.source, edge.target), self.grid.operations.index(edge.operation)
                gates[name][row, column] = 1
        return gates

    def forward(self, images: Tensor) -> Tensor:
        gates = self._fixed or self.probabilities()
        recent = [self.stem(images)] * self.grid.inputs
        for kind, cell in zip(self.kinds, self.cells, strict=True):
            recent = [*recent[1:], cell(recent, gates[kind])]
        return self.classifier(recent[-1].mean(dim=(2, 3)))
