"""Partial channels: one in K goes through the mixed operations, the others pass by (PC-DARTS, Xu et al. 2020)."""

from collections.abc import Iterator, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spaces.cells.graph import Stage
from spaces.cells.mixed import MixedCell, Use


class PartialCell(nn.Module):
    """The first 1/K of each node's channels go through `mixed`, a cell of that many channels; the others go on as they
    are, through a 2×2 max pooling on edges of stride 2. Each edge then shuffles its channels, so that others come
    first at the next. `inputs` bring each of the cell's inputs to `stage.channels`, which K divides.

    A shuffle is the same for all edges, so that a node sums its edges first and shuffles once. With K = 1 it is
    `mixed` itself, bit for bit. Of a subnet, edges without an operation pass nothing by.
    """

    def __init__(self, mixed: MixedCell, inputs: nn.ModuleDict, stage: Stage, partial: int) -> None:
        super().__init__()
        self.mixed, self.inputs, self.stage, self.partial = mixed, inputs, stage, partial
        self.width = stage.channels // partial

    def forward(self, inputs: Sequence[Tensor], use: Use, gates: Tensor | None) -> Tensor:
        """As `MixedCell`; `gates` may have a column more, the edges' shares, which weigh what passes by too."""
        nodes = {int(node): module(inputs[int(node)]) for node, module in self.inputs.items()}
        operated: dict[int, Tensor] = {}
        passed: dict[int, Tensor] = {}
        for source, operations in sorted(use.items()):
            if source not in nodes:
                nodes[source] = self._node(source, operated, passed)
            front = nodes[source] if self.partial == 1 else nodes[source][:, : self.width]
            for target, out in self.mixed.leaving(source, front, operations, gates):
                operated[target] = operated[target] + out if target in operated else out
            for target, rest in self._rests(source, nodes[source], operations, gates):
                passed[target] = passed[target] + rest if target in passed else rest
        for node in operated.keys() - nodes.keys():
            nodes[node] = self._node(node, operated, passed)
        some = next((nodes[node] for node in self.mixed.concat if node in nodes), nodes[0])
        every = [nodes[node] if node in nodes else torch.zeros_like(some) for node in self.mixed.concat]
        return torch.cat(every, dim=1)

    def _rests(self, source: int, values: Tensor, operations: Mapping[str, tuple[int, ...]],
               gates: Tensor | None) -> Iterator[tuple[int, Tensor]]:  # fmt: skip
        """(target, what passes by the mixed operation on its edge from `source`); nothing where K = 1."""
        if self.partial == 1:
            return
        targets = tuple(sorted(set().union(*operations.values())))
        rest = values[:, self.width :]
        if self.stage.stride(source, self.mixed.grid.inputs) == 2:
            rest = F.max_pool2d(rest, 2, ceil_mode=True)
        shares = None if gates is None else self.mixed.shares(gates, source, targets)
        every = [rest] * len(targets) if shares is None else [rest * share for share in shares.to(rest.dtype)]
        yield from zip(targets, every, strict=True)

    def _node(self, node: int, operated: dict[int, Tensor], passed: dict[int, Tensor]) -> Tensor:
        rests = passed[node].split(self.width, dim=1) if node in passed else ()
        return shuffled([operated[node], *rests])


def shuffled(groups: Sequence[Tensor]) -> Tensor:
    """[N, K × C, H, W] of K groups [N, C, H, W]: the first channel of each group, then the second of each, and so on,
    in the groups' memory format. One group is as it was."""
    if len(groups) == 1:
        return groups[0]
    if groups[0].is_contiguous(memory_format=torch.channels_last) and not groups[0].is_contiguous():
        return torch.stack([group.permute(0, 2, 3, 1) for group in groups], dim=4).flatten(3).permute(0, 3, 1, 2)
    return torch.stack(list(groups), dim=2).flatten(1, 2)
