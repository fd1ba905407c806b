"""VGG with every shortcut at once, each behind a gate that α opens.

All shortcuts that need a 1×1 convolution start in an earlier stage than they end in, so their sources are complete
when the target's stage begins: one convolution per stage computes what all of them add. Its weights are the
shortcuts' own, scaled by gate and batch statistics, which follow from the inputs' mean and covariance (BN without
affine parameters is linear once these are known). So nothing is computed per pair on the images themselves.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spaces.architecture import Shortcuts
from spaces.vgg import Block, conv_block, is_identity, pool

EPSILON, MOMENTUM = 1e-5, 0.1  # of batch norm


class Merged(nn.Module):
    """The shortcuts from earlier stages into one stage: gate × BN(conv1×1(source)), summed over sources.

    Parameters are named `i_k.weight`; `mean` and `variance` are running statistics for evaluation.
    """

    def __init__(self, pairs: Sequence[tuple[Block, Block]]) -> None:
        super().__init__()
        self.sources = sorted({s.number for s, _ in pairs})
        self.targets = sorted({t.number for _, t in pairs})
        self.inputs = {s.number: s.channels for s, _ in pairs}
        self.halvings = {s.number: t.stage - s.hands_over_at for s, t in pairs}
        self.outputs = pairs[0][1].channels
        self.links = [[k for k in self.targets if (i, k) in {(s.number, t.number) for s, t in pairs}]
                      for i in self.sources]  # fmt: skip
        self.weights = nn.ParameterDict(
            {f"{s.number}_{t.number}": nn.Parameter(torch.empty(t.channels, s.channels, 1, 1)) for s, t in pairs}
        )
        for weight in self.weights.values():
            nn.init.kaiming_normal_(weight, mode="fan_out")
        rows = [len(links) * self.outputs for links in self.links]
        for index, count in enumerate(rows):
            self.register_buffer(f"mean_{index}", torch.zeros(count))
            self.register_buffer(f"variance_{index}", torch.ones(count))

    def forward(self, handed: dict[int, Tensor], gates: Tensor) -> dict[int, Tensor]:
        """What each target block gets added: {block: [N, C, H, W]}. `gates`: [depth, depth]."""
        images = [pool(handed[i], self.halvings[i]) for i in self.sources]
        weights, biases = zip(*(self._scaled(n, x, gates) for n, x in enumerate(images)), strict=True)
        added = F.conv2d(torch.cat(images, 1), torch.cat(weights, 1)[:, :, None, None], sum(biases))
        return dict(zip(self.targets, added.split(self.outputs, 1), strict=True))

    def _scaled(self, n: int, images: Tensor, gates: Tensor) -> tuple[Tensor, Tensor]:
        """Source n's weights [targets × C, inputs] and bias with BN and gates folded in; zero where no pair is."""
        source, links = self.sources[n], self.links[n]
        with torch.autocast(images.device.type, enabled=False):
            weight = torch.cat([self.weights[f"{source}_{k}"].flatten(1) for k in links])
            mean, variance = self._statistics(n, weight, images)
            gate = gates[source - 1, [k - 1 for k in links]].repeat_interleave(self.outputs)
            scale = gate * torch.rsqrt(variance + EPSILON)
            folded, bias = weight * scale[:, None], -mean * scale
        missing = (len(self.targets) - len(links)) * self.outputs  # a stage's first block has no neighbour's shortcut
        return F.pad(folded, (0, 0, missing, 0)), F.pad(bias, (missing, 0))

    def _statistics(self, n: int, weight: Tensor, images: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and biased variance of every channel of weight @ images, in fp32."""
        running_mean, running_variance = getattr(self, f"mean_{n}"), getattr(self, f"variance_{n}")
        if not self.training:
            return running_mean, running_variance
        flat = images.to(weight.dtype).transpose(0, 1).flatten(1)
        centre = flat.mean(1, keepdim=True)
        centred = flat - centre
        covariance = centred @ centred.T / flat.shape[1]
        mean = (weight @ centre).squeeze(1)
        variance = ((weight @ covariance) * weight).sum(1)
        with torch.no_grad():
            unbiased = flat.shape[1] / max(flat.shape[1] - 1, 1)
            running_mean.lerp_(mean.detach(), MOMENTUM)
            running_variance.lerp_(variance.detach() * unbiased, MOMENTUM)
        return mean, variance


class ShortcutSupernet(nn.Module):
    """`gate`: 'sigmoid' (a gate per pair), or 'softmax' over a block's incoming shortcuts and none.

    α starts at 0: `pairs` [depth, depth] (entries that are no pair stay 0), `none` [depth] (softmax only).
    """

    def __init__(self, plan: list[Block], pairs: list[tuple[int, int]], classes: int, channels: int, gate: str) -> None:
        super().__init__()
        if gate not in ("sigmoid", "softmax"):
            raise ValueError(f"gate = '{gate}' is unknown; there are sigmoid, softmax")
        self.plan, self.gate = plan, gate
        inputs = [channels, *(block.channels for block in plan)]
        self.blocks = nn.ModuleList(conv_block(i, b.channels) for i, b in zip(inputs, plan, strict=False))
        self.classifier = nn.Linear(plan[-1].channels, classes)
        depth = len(plan)
        self.alphas = nn.ParameterDict({"pairs": nn.Parameter(torch.zeros(depth, depth))})
        if gate == "softmax":
            self.alphas["none"] = nn.Parameter(torch.zeros(depth))
        joined = [(plan[i - 1], plan[k - 1]) for i, k in pairs]
        self.possible: Tensor
        possible = torch.zeros(depth, depth, dtype=torch.bool)
        for i, k in pairs:
            possible[i - 1, k - 1] = True
        self.register_buffer("possible", possible, persistent=False)
        self.identities = {b.number: [s.number for s, t in joined if t is b and is_identity(s, t)] for b in plan}
        by_stage = {b.stage: [(s, t) for s, t in joined if t.stage == b.stage and not is_identity(s, t)] for b in plan}
        self.merged = nn.ModuleDict({str(stage): Merged(found) for stage, found in by_stage.items() if found})
        self.starts = {next(b.number for b in plan if str(b.stage) == stage): stage for stage in self.merged}
        self._fixed: Tensor | None = None

    def forward(self, images: Tensor) -> Tensor:
        gates = self._gates() if self._fixed is None else self._fixed
        handed: dict[int, Tensor] = {}
        added: dict[int, Tensor] = {}
        for block, layer in zip(self.plan, self.blocks, strict=True):
            if block.number in self.starts:
                added = self.merged[self.starts[block.number]](handed, gates)
            images = self._block(block, layer, images, handed, added, gates)
            handed[block.number] = images
        logits: Tensor = self.classifier(images.mean((2, 3)))
        return logits

    def _block(self, block: Block, layer: nn.Module, images: Tensor, handed: dict[int, Tensor],
               added: dict[int, Tensor], gates: Tensor) -> Tensor:  # fmt: skip
        images = layer(images)
        for source in self.identities[block.number]:
            images = images + gates[source - 1, block.number - 1].to(images.dtype) * handed[source]
        if block.number in added:
            images = images + added[block.number]
        return pool(images, int(block.pooled))

    def probabilities(self) -> dict[str, Tensor]:
        """sigmoid: independent gates [pairs]; softmax: a row [sources + none] per block, impossible ones 0."""
        if self.gate == "sigmoid":
            return {"pairs": torch.sigmoid(self.alphas["pairs"])[self.possible]}
        return {"pairs": self._softmax().T}

    def _gates(self) -> Tensor:
        if self.gate == "sigmoid":
            return torch.sigmoid(self.alphas["pairs"]) * self.possible
        return self._softmax()[:-1]

    def _softmax(self) -> Tensor:
        """[depth + 1, depth]: column k holds block k's incoming shortcuts, none last."""
        scores = self.alphas["pairs"].masked_fill(~self.possible, -torch.inf)
        return torch.softmax(torch.cat([scores, self.alphas["none"][None]]), 0)

    @contextmanager
    def subnet(self, architecture: Shortcuts) -> Iterator[None]:
        """Within it, exactly the architecture's shortcuts are open."""
        self._fixed = torch.zeros_like(self.alphas["pairs"])
        for i, k in architecture.pairs:
            self._fixed[i - 1, k - 1] = 1.0
        try:
            yield
        finally:
            self._fixed = None
