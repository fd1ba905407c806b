"""A cell of the supernet, run source by source: what all edges of a source have in common is done once.

The same function as every edge for itself (Liu et al. 2018, equation 2), in fewer and larger steps: one ReLU a
source; one convolution for all of an operation's targets; poolings, which are equal for all targets, once; gates as
the scale of the last BatchNorm. `none` takes no work.
"""

from collections.abc import Iterator, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spaces.architecture import Edge
from spaces.cells.graph import Grid, Stage
from spaces.cells.network import name
from spaces.cells.operations import OPERATIONS, Block, Norm, SeparableBlock
from spaces.convolution import convolve

MOMENTUM = 0.1  # of BatchNorm's running statistics
FAULTY = 3 << 19  # rows × columns of bf16 with which oneDNN's matrix product divides by zero on AMX (torch 2.14)

Use = Mapping[int, Mapping[str, tuple[int, ...]]]  # source → operation → targets


def every(grid: Grid) -> Use:
    return {
        source: {operation: tuple(grid.targets_of(source)) for operation in grid.candidates}
        for source in range(grid.targets.stop - 1)
    }


def only(edges: Sequence[Edge]) -> Use:
    use: dict[int, dict[str, tuple[int, ...]]] = {}
    for edge in edges:
        operations = use.setdefault(edge.source, {})
        operations[edge.operation] = (*operations.get(edge.operation, ()), edge.target)
    return use


class MixedCell(nn.Module):
    """All operations on all edges; BatchNorm without affine parameters, with `pooling_norm` after poolings too.

    `inputs` bring each of the cell's inputs to its channels.
    """

    def __init__(self, grid: Grid, concat: Sequence[int], inputs: nn.ModuleDict, stage: Stage,
                 pooling_norm: bool = True) -> None:  # fmt: skip
        super().__init__()
        self.grid, self.concat, self.inputs, self.stride = grid, tuple(concat), inputs, stage.stride(0, grid.inputs)
        self.edges, self.shared = nn.ModuleDict(), nn.ModuleDict()
        for source, target in grid.pairs:
            for operation in grid.candidates:
                module = OPERATIONS[operation](stage.channels, stage.stride(source, grid.inputs), False)
                if any(True for _ in module.parameters()):
                    self.edges[name(Edge(source, target, operation))] = module
                elif isinstance(module, nn.Identity) or not pooling_norm:
                    self.shared[f"{source}_{operation}"] = module
                else:
                    norm = Norm(stage.channels, affine=False)
                    self.shared[f"{source}_{operation}"] = nn.Sequential(module, norm)

    def forward(self, inputs: Sequence[Tensor], use: Use, gates: Tensor | None) -> Tensor:
        """`gates` [edges, operations] weigh every operation in `use`; None: each counts 1, and all others nothing."""
        nodes = {int(node): module(inputs[int(node)]) for node, module in self.inputs.items()}
        for source, operations in sorted(use.items()):
            for target, values in self.leaving(source, nodes[source], operations, gates):
                nodes[target] = nodes[target] + values if target in nodes else values
        some = next((nodes[node] for node in self.concat if node in nodes), None)
        if some is None:  # no edge is used: of the shape that a node would have
            some = nodes[0][..., :: self.stride, :: self.stride]
        return torch.cat([nodes[node] if node in nodes else torch.zeros_like(some) for node in self.concat], dim=1)

    def leaving(
        self, source: int, values: Tensor, operations: Mapping[str, tuple[int, ...]], gates: Tensor | None
    ) -> Iterator[tuple[int, Tensor]]:
        """(target, what it gets from `source`), in pieces that are to be added up."""
        rectified, all_targets = F.relu(values), tuple(self.grid.targets_of(source))
        sums: dict[tuple[int, ...], Tensor] = {}
        same: dict[str, Tensor] = {}
        for operation, targets in operations.items():
            if f"{source}_{operation}" in self.shared:
                same[operation] = self.shared[f"{source}_{operation}"](values)
                continue
            modules = [self.edges[name(Edge(source, target, operation))] for target in targets]
            scale = None if gates is None else self._column(gates, source, operation, targets)
            out = together(modules, rectified, scale)
            sums[targets] = sums[targets] + out if targets in sums else out
        for targets, total in sums.items():
            yield from zip(targets, total.chunk(len(targets), dim=1), strict=True)
        if gates is not None and same and all(operations[one] == all_targets for one in same):
            weights = torch.stack([self._column(gates, source, one, all_targets) for one in same], dim=1)
            yield from zip(all_targets, weighted_sums(list(same.values()), weights), strict=True)
            return
        for operation, out in same.items():
            targets = operations[operation]
            if gates is None:
                yield from ((target, out) for target in targets)
            else:
                weights = self._column(gates, source, operation, targets)
                yield from ((target, out * weight) for target, weight in zip(targets, weights, strict=True))

    def _column(self, gates: Tensor, source: int, operation: str, targets: tuple[int, ...]) -> Tensor:
        """The gates [targets] of one operation on edges of `source`, whose rows lie together if they are all."""
        rows = [self.grid.row(source, target) for target in targets]
        chosen = gates[rows[0] : rows[-1] + 1] if len(rows) == rows[-1] + 1 - rows[0] else gates[rows]
        return chosen[:, self.grid.operations.index(operation)]

    def shares(self, gates: Tensor, source: int, targets: Sequence[int]) -> Tensor | None:
        """[targets]: how much each edge of `source` counts, a last column of `gates`; None where there is none."""
        if gates.shape[1] == len(self.grid.operations):
            return None
        return gates[[self.grid.row(source, target) for target in targets], -1]


def together(modules: Sequence[nn.Module], rectified: Tensor, scale: Tensor | None) -> Tensor:
    """[N, modules × channels, H, W]: several copies of one operation on one input whose ReLU is `rectified`.

    `scale` [modules] multiplies each copy's output.
    """
    copies = [list(module) if isinstance(module, nn.Sequential) else [module] for module in modules]
    values, last = rectified, len(copies[0]) - 1
    for depth, blocks in enumerate(zip(*copies, strict=True)):
        values = _convolve(blocks, F.relu(values) if depth else values, shared=depth == 0)
        values = _normalise([block.norm for block in blocks], values, scale if depth == last else None)
    return values


def _convolve(blocks: Sequence[Block], values: Tensor, shared: bool) -> Tensor:
    """The blocks' convolutions at once; `shared`: all read the same channels, else each its own.

    In reduced precision a depthwise convolution and its 1×1 convolution run as one dense kernel: on matrix units
    that is several times faster, whereas in fp32 the two are cheaper.
    """
    stride, padding, dilation = blocks[0].stride, blocks[0].padding, blocks[0].dilation
    separable = [block for block in blocks if isinstance(block, SeparableBlock)]
    reduced = values.dtype is not torch.float32 or torch.is_autocast_enabled(values.device.type)
    if not separable or reduced:
        kernels = blocks[0].kernels(blocks)
        return convolve(values, kernels, stride, padding, dilation, 1 if shared else len(blocks))
    values = values.repeat(1, len(blocks), 1, 1) if shared else values
    depth = torch.cat([block.depth.weight for block in separable])
    values = F.conv2d(values, depth, None, stride, padding, dilation, len(depth))
    return F.conv2d(values, torch.cat([block.point.weight for block in separable]), groups=len(blocks))


def _normalise(norms: Sequence[Norm], values: Tensor, scale: Tensor | None) -> Tensor:
    """Several BatchNorms side by side, each one's output times its entry of `scale`."""
    first, weight, bias = norms[0], None, None
    if scale is not None:
        weight = scale.repeat_interleave(first.num_features)  # a copy: CPU kernels read a view of stride 0 wrongly
        bias = torch.zeros_like(weight)
    if first.own:
        return F.batch_norm(values, None, None, weight, bias, True, 0.0, first.eps)
    means, variances = ([norm.get_buffer(name) for norm in norms] for name in ("running_mean", "running_var"))
    mean, variance = torch.cat(means), torch.cat(variances)
    values = F.batch_norm(values, mean, variance, weight, bias, first.training, MOMENTUM, first.eps)
    if first.training:
        torch._foreach_copy_([*means, *variances], [*mean.chunk(len(norms)), *variance.chunk(len(norms))])
    return values


def weighted_sums(values: Sequence[Tensor], weights: Tensor) -> Sequence[Tensor]:
    """Σ_p weights[t, p] · values[p] for every t, each [N, C, H, W]: a matrix product, in the values' memory format."""
    last = values[0].is_contiguous(memory_format=torch.channels_last) and not values[0].is_contiguous()
    stacked = torch.stack([value.permute(0, 2, 3, 1) for value in values] if last else list(values))
    sums = _product(weights.to(stacked.dtype), stacked.flatten(1)).view(len(weights), *stacked.shape[1:])
    return (sums.permute(0, 1, 4, 2, 3) if last else sums).unbind(0)


def _product(weights: Tensor, columns: Tensor) -> Tensor:
    if len(weights) * columns.shape[1] == FAULTY:
        return torch.cat([weights @ half for half in columns.chunk(2, dim=1)], dim=1)
    return weights @ columns
