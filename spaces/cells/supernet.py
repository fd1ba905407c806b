"""The one-shot network of a cell space: α decides how much each operation counts."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from spaces.architecture import Cells, Edge
from spaces.cells.auxiliary import AuxiliaryCell
from spaces.cells.graph import NONE, Grid, betas_of, live, parts
from spaces.cells.mixed import Use, every, only
from spaces.cells.mixing import PLAIN, Mixing, elsewhere, shares
from spaces.cells.network import Layout, preprocessing
from spaces.cells.operations import Norm
from spaces.gates.gated import Gated
from spaces.gates.way import Draw


class MixedNetwork(Gated):
    """What supernets of mixed cells share: α [edges, operations] in `Grid.pairs`' order, 0 at the start, and subnets.

    `gate` names the way from an edge's α to the weights of its operations (spaces.gates). With edge normalisation
    there is β [edges, 1] beside each α.
    """

    def __init__(self, grid: Grid, concat: Sequence[int], kinds: Sequence[str], gate: str, mixing: Mixing) -> None:
        super().__init__(gate)
        self.grid, self.concat, self.independent = grid, tuple(concat), self.way.independent
        self.parts = tuple(kinds)
        shape = len(grid.pairs), len(grid.operations)
        self.alphas = nn.ParameterDict({name: nn.Parameter(torch.zeros(shape)) for name in kinds})
        self._subnet: dict[str, Use] | None = None
        self._left: dict[str, Use] = {}  # of the kinds of cells some of whose weights are given
        self.normalised = mixing.edge_normalisation
        if self.normalised:
            self.alphas.update({betas_of(name): nn.Parameter(torch.zeros(shape[0], 1)) for name in kinds})
            self.elsewhere: Tensor
            self.register_buffer("elsewhere", elsewhere(grid), persistent=False)

    def probabilities(self) -> dict[str, Tensor]:
        """What α says, [edges, operations] for each kind of cell."""
        return self._weights(None)

    def _weights(self, draw: Draw | None) -> dict[str, Tensor]:
        return {
            name: self.way.weights(self.alphas[name], -1, draw and draw.of(number))
            for number, name in enumerate(self.parts)
        }

    def _shared(self, kind: str, weights: Tensor) -> Tensor:
        """With edge normalisation weights × the edges' shares, and those as one column more."""
        if not self.normalised:
            return weights
        own = shares(self.alphas[betas_of(kind)], self.elsewhere, self.way)
        return torch.cat([weights * own, own], dim=1)

    def skip(self, coefficient: float) -> None:
        """How much auxiliary skip connections count from now on."""
        for module in self.modules():
            if isinstance(module, AuxiliaryCell):
                module.coefficient.fill_(coefficient)

    @contextmanager
    def subnet(self, architecture: Cells) -> Iterator[None]:
        """Within it, exactly the architecture's operations count, each with weight 1, and no others are computed.

        BatchNorm then takes the batch's own statistics, in evaluation too: the running ones are the mixture's, with
        which a subnet guesses at random (Guo et al. 2020 recompute them for every architecture).
        """
        self._limit({kind: only(part.edges) for kind, part in parts(architecture).items()})
        try:
            yield
        finally:
            self._limit(None)

    def _limit(self, subnet: dict[str, Use] | None) -> None:
        self._subnet = subnet
        for module in self.modules():
            if isinstance(module, Norm):
                module.own = subnet is not None

    def in_use(self) -> tuple[dict[str, Use], dict[str, Tensor]]:
        """For each kind of cell what it computes, and the weights of it; none within a subnet."""
        if self._subnet is not None:
            return self._subnet, {}
        weights = {name: self.counting(name, values) for name, values in self._weights(self.draw).items()}
        if self.draw is not None and self.way.single:
            return {kind: only(self._path(chosen)) for kind, chosen in weights.items()}, weights
        shared = {kind: self._shared(kind, own) for kind, own in weights.items()}
        return {**dict.fromkeys(self.parts, every(self.grid)), **self._left}, shared

    @contextmanager
    def fixed(self, given: Mapping[str, Tensor]) -> Iterator[None]:
        """Operations of weight 0 are not computed."""
        before, self._left = self._left, {kind: only(self._live(weights)) for kind, weights in given.items()}
        try:
            with super().fixed(given):
                yield
        finally:
            self._left = before

    def _live(self, given: Tensor) -> list[Edge]:
        """The edges that the output depends on, with each operation that counts, in the order of `every`."""
        columns = [(self.grid.operations.index(name), name) for name in self.grid.candidates]
        edges = [Edge(*pair, name) for pair, row in zip(self.grid.pairs, given.tolist(), strict=True)
                 for column, name in columns if row[column] != 0]  # fmt: skip
        order = self.grid.candidates.index
        return sorted(live(edges, self.grid.inputs, self.concat), key=lambda edge: order(edge.operation))

    def _path(self, weights: Tensor) -> tuple[Edge, ...]:
        """Of one-hot weights, the edges that the output depends on."""
        names = (self.grid.operations[column] for column in weights.detach().argmax(-1).tolist())
        edges = [Edge(*pair, name) for pair, name in zip(self.grid.pairs, names, strict=True) if name != NONE]
        return live(edges, self.grid.inputs, self.concat)


class CellSupernet(MixedNetwork):
    """Images [N, C, H, W] → logits [N, classes]."""

    dense_when_reduced = True  # its depthwise convolutions, in reduced precision (spaces.cells.mixed)

    def __init__(
        self, grid: Grid, concat: Sequence[int], layout: Layout, gate: str, classes: int, image_channels: int,
        mixing: Mixing = PLAIN,
    ) -> None:  # fmt: skip
        super().__init__(grid, concat, ("normal", "reduction") if layout.reduction else ("normal",), gate, mixing)
        self.kinds = [stage.cell for stage in layout.stages]
        self.stem, self.cells = layout.make_stem(image_channels), nn.ModuleList()
        outputs = [layout.stem * layout.channels] * grid.inputs
        for index, stage in enumerate(layout.stages):
            inputs = preprocessing(outputs[index : index + grid.inputs], range(grid.inputs), stage, affine=False)
            self.cells.append(mixing.cell(grid, concat, inputs, stage))
            outputs.append(len(concat) * stage.channels)
        self.classifier = nn.Linear(outputs[-1], classes)

    def forward(self, images: Tensor) -> Tensor:
        uses, gates = self.in_use()
        recent = [self.stem(images)] * self.grid.inputs
        for kind, cell in zip(self.kinds, self.cells, strict=True):
            recent = [*recent[1:], cell(recent, uses[kind], gates.get(kind))]
        logits: Tensor = self.classifier(recent[-1].mean(dim=(2, 3)))
        return logits
