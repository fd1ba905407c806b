"""The one-shot network of NAS-Bench-201: mixed cells in the published frame.

BatchNorm of cells and of the blocks between them has no affine parameters; in published searches those between have.
"""

from torch import Tensor, nn

from spaces.cells.graph import Grid, Stage
from spaces.cells.mixing import PLAIN, Mixing
from spaces.cells.supernet import MixedNetwork
from spaces.nasbench201.network import NODES, Frame


class BenchSupernet(MixedNetwork):
    """Images [N, C, H, W] → logits [N, classes]; α: {"normal": [6 edges, 5 operations]}.

    Poolings have no BatchNorm of their own, as in the benchmark's published searches.
    """

    def __init__(self, grid: Grid, per_stage: int, channels: int, gate: str, classes: int,
                 image_channels: int, mixing: Mixing = PLAIN) -> None:  # fmt: skip
        super().__init__(grid, (NODES - 1,), ("normal",), gate, mixing)

        def cell(stage: Stage) -> nn.Module:
            return mixing.cell(grid, self.concat, nn.ModuleDict({"0": nn.Identity()}), stage, pooling_norm=False)

        self.frame = Frame(cell, per_stage, channels, classes, image_channels, affine=False)

    def forward(self, images: Tensor) -> Tensor:
        uses, gates = self.in_use()
        values = self.frame.stem(images)
        for mixed, module in self.frame.steps():
            values = module([values], uses["normal"], gates.get("normal")) if mixed else module(values)
        return self.frame.classify(values)
