"""A skip connection beside every mixed operation, which is not part of the search (DARTS−, Chu et al. 2021)."""

from collections.abc import Iterator, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spaces.cells.graph import Grid, Stage
from spaces.cells.mixed import MixedCell, together
from spaces.cells.operations import FactorizedReduce


class AuxiliaryCell(MixedCell):
    """Every edge adds `coefficient` × its input to what its mixed operation gives; an edge of stride 2 has a
    FactorizedReduce of its own for that, as in the authors' code. A subnet has none of it.

    `coefficient` is a buffer, so that a captured step reads what the epoch has set.
    """

    def __init__(self, grid: Grid, concat: Sequence[int], inputs: nn.ModuleDict, stage: Stage,
                 pooling_norm: bool = True) -> None:  # fmt: skip
        super().__init__(grid, concat, inputs, stage, pooling_norm)
        self.coefficient: Tensor
        self.register_buffer("coefficient", torch.zeros(()), persistent=False)
        halved = [pair for pair in grid.pairs if stage.stride(pair[0], grid.inputs) == 2]
        self.auxiliary = nn.ModuleDict(
            {f"{i}_{j}": FactorizedReduce(stage.channels, stage.channels, affine=False) for i, j in halved}
        )

    def leaving(
        self, source: int, values: Tensor, operations: Mapping[str, tuple[int, ...]], gates: Tensor | None
    ) -> Iterator[tuple[int, Tensor]]:
        yield from super().leaving(source, values, operations, gates)
        if gates is None:
            return
        targets = tuple(self.grid.targets_of(source))
        shares = self.shares(gates, source, targets)
        weights = self.coefficient.expand(len(targets)) if shares is None else self.coefficient * shares
        if f"{source}_{targets[0]}" in self.auxiliary:
            modules = [self.auxiliary[f"{source}_{target}"] for target in targets]
            halved = together(modules, F.relu(values), weights)
            yield from zip(targets, halved.chunk(len(targets), dim=1), strict=True)
        elif shares is None:
            same = values * self.coefficient.to(values.dtype)
            yield from ((target, same) for target in targets)
        else:
            yield from ((target, values * own) for target, own in zip(targets, weights.to(values.dtype), strict=True))
