"""What a supernet's cells may have beside the mixed operations of DARTS: PC-DARTS's and DARTS−'s settings."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from spaces.cells.auxiliary import AuxiliaryCell
from spaces.cells.graph import Grid, Stage
from spaces.cells.mixed import MixedCell
from spaces.cells.partial import PartialCell
from spaces.gates import exponentiated, softmax
from spaces.gates.way import Way


@dataclass(frozen=True)
class Mixing:
    """`partial` = K: one channel in K goes through the mixed operations (PC-DARTS, Xu et al. 2020), 1: all of them.
    `edge_normalisation`: a learned share for each edge among those that enter the same node (the same, section 3.3).
    `auxiliary`: a skip connection beside each mixed operation (DARTS−, Chu et al. 2021). By default a cell is DARTS's.
    """

    partial: int = 1
    edge_normalisation: bool = False
    auxiliary: bool = False

    def cell(self, grid: Grid, concat: Sequence[int], inputs: nn.ModuleDict, stage: Stage,
             pooling_norm: bool = True) -> nn.Module:  # fmt: skip
        kind = AuxiliaryCell if self.auxiliary else MixedCell
        if self.partial == 1:
            return kind(grid, concat, inputs, stage, pooling_norm)
        narrow = replace(stage, channels=stage.channels // self.partial)
        return PartialCell(kind(grid, concat, nn.ModuleDict(), narrow, pooling_norm), inputs, stage, self.partial)


PLAIN = Mixing()


def mixings(space: Any) -> tuple[Mixing, ...]:
    """One of each kind that `space` offers beside DARTS's own, for checks."""
    if not getattr(space, "mixes", False):
        return ()
    k = 2 if space.channels % 2 == 0 else 1
    return Mixing(k), Mixing(1, edge_normalisation=True), Mixing(auxiliary=True), Mixing(k, True, True)


def elsewhere(grid: Grid) -> Tensor:
    """[nodes, edges], true where the edge does not enter that node."""
    return torch.tensor([[pair[1] != target for pair in grid.pairs] for target in grid.targets])


def shares(betas: Tensor, elsewhere: Tensor, way: Way) -> Tensor:
    """[edges, 1] from β of this shape: a softmax over the edges that enter the same node (`elsewhere`: the others).

    Multiplicative steps have β as they have α (GAEA, Li et al. 2021).
    """
    scores = betas.T.expand(elsewhere.shape).masked_fill(elsewhere, -torch.inf)
    found: Tensor = (exponentiated if way.multiplicative else softmax).weights(scores, 1)
    return found.sum(0)[:, None]
