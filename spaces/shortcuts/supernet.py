"""VGG with every shortcut at once, each behind a gate that α opens.

All shortcuts that need a 1×1 convolution start in an earlier stage than they end in, so their sources are complete
when the target's stage begins. They stand side by side in a bank, which is pooled once a stage, and one matrix
product computes what all of them add (spaces.shortcuts.merged).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import groupby

import torch
from torch import Tensor, nn

from spaces.architecture import Shortcuts
from spaces.gates.gated import Gated
from spaces.gates.way import Draw
from spaces.shortcuts.merged import Merged
from spaces.shortcuts.vgg import Block, conv_block, is_identity, pool


class ShortcutSupernet(Gated):
    """`gate` names the way from α to gates (spaces.gates): 'softmax' chooses among a block's incoming shortcuts and
    none, all others between each pair and none.

    α starts at 0: `pairs` [depth, depth] (entries that are no pair stay 0); `none` is [depth] of softmax,
    [depth, depth] where each pair's none has an α of its own, and else counts as 0.
    """

    def __init__(self, plan: list[Block], pairs: list[tuple[int, int]], classes: int, channels: int, gate: str) -> None:
        super().__init__(gate)
        self.plan, self.by_block = plan, gate == "softmax"
        self.independent = not self.by_block
        inputs = [channels, *(block.channels for block in plan)]
        self.blocks = nn.ModuleList(conv_block(i, b.channels) for i, b in zip(inputs, plan, strict=False))
        self.classifier = nn.Linear(plan[-1].channels, classes)
        depth = len(plan)
        self.alphas = nn.ParameterDict({"pairs": nn.Parameter(torch.zeros(depth, depth))})
        if self.by_block or self.way.absolute:
            self.alphas["none"] = nn.Parameter(torch.zeros(depth) if self.by_block else torch.zeros(depth, depth))
        self.possible: Tensor
        self.register_buffer("possible", _marked(pairs, depth), persistent=False)
        choices = _with_none(self.possible) if self.by_block else self.possible
        self.choices: Tensor
        self.register_buffer("choices", choices.T.flatten().nonzero().flatten(), persistent=False)
        self.choosing = {f"block {k}": int(n) for k, n in enumerate(choices.sum(0), start=1) if n}
        joined = [(plan[i - 1], plan[k - 1]) for i, k in pairs]
        self.identities = [(s.number, t.number) for s, t in joined if is_identity(s, t)]
        self.identity: Tensor
        self.register_buffer("identity", _marked(self.identities, depth).nonzero(), persistent=False)
        fitted = [(s, t) for s, t in joined if not is_identity(s, t)]
        self.banked = sorted({source for source, _ in fitted}, key=lambda block: block.number)
        self.stages = [list(stage) for _, stage in groupby(plan, lambda block: block.stage)]
        self.merged = nn.ModuleDict()
        for stage in range(len(self.stages)):
            if into := [(s, t) for s, t in fitted if t.stage == stage]:
                self.merged[str(stage)] = Merged([b for b in self.banked if b.stage < stage], into)
        self._fixed: Tensor | None = None
        self._pairs: set[tuple[int, int]] = set()  # of the subnet

    def forward(self, images: Tensor) -> Tensor:
        gates, pairs = self.in_use()
        opened = dict(zip(self.identities, gates[self.identity.unbind(1)].unbind(), strict=True))
        if pairs is not None:
            opened = {pair: gate for pair, gate in opened.items() if pair in pairs}
        handed: dict[int, Tensor] = {}
        bank: Tensor | None = None
        for number, stage in enumerate(self.stages):
            bank = self._bank(number, bank, handed)
            added = self.merged[str(number)](bank, gates, pairs) if str(number) in self.merged else {}
            for block in stage:
                images = self._block(block, images, handed, added, opened)
                handed[block.number] = images
        logits: Tensor = self.classifier(images.mean((2, 3)))
        return logits

    def _block(self, block: Block, images: Tensor, handed: Mapping[int, Tensor], added: Mapping[int, Tensor],
               opened: Mapping[tuple[int, int], Tensor]) -> Tensor:  # fmt: skip
        images = self.blocks[block.number - 1](images)
        for (source, target), gate in opened.items():
            if target == block.number:
                images = torch.addcmul(images, handed[source], gate.to(images.dtype))
        if block.number in added:
            images = images + added[block.number]
        return pool(images, int(block.pooled))

    def _bank(self, stage: int, bank: Tensor | None, handed: Mapping[int, Tensor]) -> Tensor | None:
        """What all blocks before `stage` hand over, as far as it needs weights, at that stage's size."""
        before = [block for block in self.banked if block.stage == stage - 1]
        larger = [] if bank is None else [bank]
        larger += [handed[block.number] for block in before if not block.pooled]
        pieces = [pool(torch.cat(larger, 1), 1)] if larger else []
        pieces += [handed[block.number] for block in before if block.pooled]
        return torch.cat(pieces, 1) if pieces else None

    def probabilities(self) -> dict[str, Tensor]:
        """Per block that shortcuts can reach: its gates [sources], of a softmax [sources + none], that one last."""
        every = self._over_blocks(None) if self.by_block else self._gates(None)
        found = every.T.flatten()[self.choices].split(list(self.choosing.values()))
        return dict(zip(self.choosing, found, strict=True))

    def in_use(self) -> tuple[Tensor, set[tuple[int, int]] | None]:
        """The gates [depth, depth], and the pairs that are open where only those are to be trained."""
        if self._fixed is not None:
            return self._fixed, self._pairs if torch.is_grad_enabled() else None
        gates = self.counting("pairs", self._gates(self.draw))
        if self.draw is None or not self.way.single:
            return gates, None
        return gates, {(i + 1, k + 1) for i, k in (gates.detach() > 0.5).nonzero().tolist()}

    def _gates(self, draw: Draw | None) -> Tensor:
        """[depth, depth]."""
        if self.by_block:
            return self._over_blocks(draw)[:-1]
        pairs = self.alphas["pairs"]
        if self.way.independent:
            return self.way.weights(pairs, 0, draw) * self.possible
        none = self.alphas["none"] if self.way.absolute else torch.zeros_like(pairs)
        return self.way.weights(torch.stack([pairs, none]), 0, draw)[0] * self.possible

    def _over_blocks(self, draw: Draw | None) -> Tensor:
        """[depth + 1, depth]: column k holds block k's incoming shortcuts, none last."""
        scores = self.alphas["pairs"].masked_fill(~self.possible, -torch.inf)
        return self.way.weights(torch.cat([scores, self.alphas["none"][None]]), 0, draw)

    @contextmanager
    def subnet(self, architecture: Shortcuts) -> Iterator[None]:
        """Within it, exactly the architecture's shortcuts are open."""
        self._fixed, self._pairs = torch.zeros_like(self.alphas["pairs"]), set(architecture.pairs)
        for i, k in architecture.pairs:
            self._fixed[i - 1, k - 1] = 1.0
        try:
            yield
        finally:
            self._fixed = None


def _with_none(possible: Tensor) -> Tensor:
    """[depth + 1, depth]: where there is a choice, none is one."""
    return torch.cat([possible, possible.any(0, keepdim=True)])


def _marked(pairs: list[tuple[int, int]], depth: int) -> Tensor:
    """[depth, depth], true at the pairs (source, target), which are counted from 1."""
    marked = torch.zeros(depth, depth, dtype=torch.bool)
    for i, k in pairs:
        marked[i - 1, k - 1] = True
    return marked
