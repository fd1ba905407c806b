"""All shortcuts from earlier stages into one stage of a VGG, as one matrix product.

Batch norm without affine parameters is linear once mean and variance are known, and those of a 1×1 convolution's
output follow from its input's mean and covariance. So gates and statistics are folded into the weights, and nothing
is computed per pair on the images themselves.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spaces.shortcuts.vgg import Block

EPSILON, MOMENTUM = 1e-5, 0.1  # of batch norm
FEW = 4  # one in so many pairs, or fewer, are computed faster one by one: VGG19 at width 0.125, forwards and backwards
Pairs = Collection[tuple[int, int]]  # (source, target)


@dataclass(frozen=True)
class Group:
    """Sources of equal channels that stand side by side."""

    sources: tuple[int, ...]
    channels: int


class Merged(nn.Module):
    """gate × BN(conv1×1(source)) for all `pairs`, summed over the sources.

    Parameters are named `i_k.weight`; `mean` and `variance` [sources, targets × channels] are running statistics.
    """

    def __init__(self, sources: Sequence[Block], pairs: Sequence[tuple[Block, Block]]) -> None:
        super().__init__()
        self.targets = sorted({target.number for _, target in pairs})
        self.outputs = pairs[0][1].channels
        self.weights = nn.ParameterDict(
            {f"{s.number}_{t.number}": nn.Parameter(torch.empty(t.channels, s.channels, 1, 1)) for s, t in pairs}
        )
        for weight in self.weights.values():
            nn.init.kaiming_normal_(weight, mode="fan_out")
        alike = [list(group) for _, group in groupby(sources, lambda source: source.channels)]
        self.groups = [Group(tuple(source.number for source in group), group[0].channels) for group in alike]
        self.columns: Tensor
        self.rows: Tensor
        self.register_buffer("columns", torch.tensor(self.targets) - 1, persistent=False)
        self.register_buffer("rows", torch.tensor([s.number for s in sources])[:, None] - 1, persistent=False)
        for width in {group.channels for group in self.groups}:
            self.register_buffer(f"nothing_{width}", torch.zeros(self.outputs, width, 1, 1), persistent=False)
        shape = len(sources), len(self.targets) * self.outputs
        self.mean: Tensor
        self.variance: Tensor
        self.register_buffer("mean", torch.zeros(shape))
        self.register_buffer("variance", torch.ones(shape))

    def forward(self, bank: Tensor, gates: Tensor, opened: Pairs | None = None) -> dict[int, Tensor]:
        """What each target block gets added: {block: [N, C, H, W]}.

        `bank` [N, all sources' channels, H, W] is what the sources hand over; `gates` [depth, depth]. Where only the
        pairs `opened` have gates that are not 0, no others get a gradient in training, and running statistics, which
        are those of a mixture, stay as they are.
        """
        if opened is not None and self.training:
            opened = [pair for pair in opened if f"{pair[0]}_{pair[1]}" in self.weights]
            if len(opened) * FEW <= len(self.weights):
                return self._one_by_one(bank, gates, opened)
        rows = bank.permute(0, 2, 3, 1).flatten(0, 2)
        with torch.autocast(bank.device.type, enabled=False):
            weight, bias = self._folded(rows, gates[self.rows, self.columns], opened)
        added = F.linear(rows, weight, bias).unflatten(0, (len(bank), *bank.shape[2:]))
        return dict(zip(self.targets, added.permute(0, 3, 1, 2).split(self.outputs, 1), strict=True))

    def _one_by_one(self, bank: Tensor, gates: Tensor, opened: Pairs) -> dict[int, Tensor]:
        channels = [group.channels for group in self.groups for _ in group.sources]
        images = dict(zip((i for group in self.groups for i in group.sources), bank.split(channels, 1), strict=True))
        added: dict[int, Tensor] = {}
        for i, k in opened:
            weight = self.weights[f"{i}_{k}"]
            scale = gates[i - 1, k - 1].expand(len(weight)).contiguous()  # CPU kernels read a view of stride 0 wrongly
            one = F.batch_norm(F.conv2d(images[i], weight), None, None, scale, None, True, 0.0, EPSILON)
            added[k] = added[k] + one if k in added else one
        return added

    def _folded(self, rows: Tensor, gates: Tensor, opened: Pairs | None) -> tuple[Tensor, Tensor]:
        """Weights [targets × channels, sources × channels] and bias with BN and gates in them."""
        counts = [len(group.sources) for group in self.groups]
        sizes = [len(group.sources) * group.channels for group in self.groups]
        pieces = zip(self.groups, accumulate(counts, initial=0), rows.to(gates.dtype).split(sizes, 1),
                     gates.split(counts), strict=False)  # fmt: skip
        weights, biases = [], []
        for group, first, images, gate in pieces:
            weight = self._stacked(group, opened)
            images = images.unflatten(1, (len(gate), -1)).transpose(0, 1)
            mean, variance = self._statistics(first, weight, images, opened is None)
            scale = gate.repeat_interleave(self.outputs, 1) * torch.rsqrt(variance + EPSILON)
            weights.append((weight * scale[..., None]).to(rows.dtype).transpose(0, 1).flatten(1))
            biases.append((mean * scale).sum(0))
        return torch.cat(weights, 1), -torch.stack(biases).sum(0)

    def _stacked(self, group: Group, opened: Pairs | None) -> Tensor:
        """[sources, targets × channels, inputs]; 0 where no shortcut is, as from a block to the very next."""
        names = [f"{i}_{k}" if opened is None or (i, k) in opened else "" for i in group.sources for k in self.targets]
        nothing = self.get_buffer(f"nothing_{group.channels}")
        found = torch.cat([self.weights.get(name, nothing) for name in names])
        return found.view(len(group.sources), -1, group.channels)

    def _statistics(self, first: int, weight: Tensor, images: Tensor, keep: bool) -> tuple[Tensor, Tensor]:
        """Mean and biased variance [sources, outputs] of weight @ images; `images` [sources, pixels, inputs].

        `keep`: the running ones follow them.
        """
        running = [buffer[first : first + len(weight)] for buffer in (self.mean, self.variance)]
        if not self.training:
            return running[0], running[1]
        centre = images.mean(1, keepdim=True)
        mean = (weight @ centre.transpose(1, 2)).squeeze(2)
        variance = ((weight @ Covariance.apply(images, centre)) * weight).sum(2)
        if keep:
            with torch.no_grad():
                pixels = images.shape[1]
                running[0].lerp_(mean, MOMENTUM)
                running[1].lerp_(variance * (pixels / max(pixels - 1, 1)), MOMENTUM)
        return mean, variance


class Covariance(torch.autograd.Function):
    """[S, M, C] and its mean over M, [S, 1, C] → [S, C, C], biased. All of the gradient goes to the first.

    By hand, because autograd would take the product of a symmetric matrix twice; can be differentiated twice.
    """

    @staticmethod
    def forward(ctx: Any, images: Tensor, centre: Tensor) -> Tensor:
        ctx.save_for_backward(images, centre)
        square = centre.transpose(1, 2) @ centre
        return torch.baddbmm(square, images.transpose(1, 2), images, beta=-1, alpha=1 / images.shape[1])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        images, centre = ctx.saved_tensors
        both = (gradient + gradient.transpose(1, 2)) / images.shape[1]
        return torch.baddbmm(centre @ both, images, both, beta=-1), None
