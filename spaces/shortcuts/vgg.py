"""VGG with batch norm and one linear layer (Simonyan & Zisserman 2015), with or without shortcuts."""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from spaces.architecture import LAYERS, Shortcuts


@dataclass(frozen=True)
class Block:
    """Where one conv-BN-ReLU block stands. Blocks are numbered from 1, stages from 0."""

    number: int
    stage: int
    channels: int
    pooled: bool  # its output is pooled before the next block

    @property
    def hands_over_at(self) -> int:
        """The stage whose image size the next block gets."""
        return self.stage + self.pooled


def blocks(vgg: str, width: float) -> list[Block]:
    """The blocks of `vgg` with every channel count times `width`."""
    found: list[Block] = []
    for stage, channels in enumerate(LAYERS[vgg]):
        for position, count in enumerate(channels, 1):
            scaled = max(1, round(count * width))
            found.append(Block(len(found) + 1, stage, scaled, position == len(channels)))
    return found


def conv_block(inputs: int, outputs: int) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, 3, padding=1)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


def is_identity(source: Block, target: Block) -> bool:
    """Whether a shortcut joins equal shapes and so needs no weights (docs/studies.md)."""
    return source.hands_over_at == target.stage and source.channels == target.channels


def pool(images: Tensor, halvings: int) -> Tensor:
    """Max pooling of max pooling is max pooling, so one call takes all `halvings` at once."""
    return F.max_pool2d(images, 2**halvings) if halvings else images


class Shortcut(nn.Module):
    """What block `source` hands over, made to fit block `target`: pooling, then a 1×1 convolution with BN."""

    def __init__(self, source: Block, target: Block) -> None:
        super().__init__()
        self.halvings = target.stage - source.hands_over_at
        self.fit: nn.Module = nn.Identity()
        if not is_identity(source, target):
            conv = nn.Conv2d(source.channels, target.channels, 1, bias=False)
            self.fit = nn.Sequential(conv, nn.BatchNorm2d(target.channels))

    def forward(self, images: Tensor) -> Tensor:
        fitted: Tensor = self.fit(pool(images, self.halvings))
        return fitted


class VGG(nn.Module):
    """Images [N, channels, 32, 32] to logits [N, classes]; smaller sizes work down to what the poolings allow."""

    def __init__(self, architecture: Shortcuts, classes: int, channels: int, width: float) -> None:
        super().__init__()
        self.plan = blocks(architecture.vgg, width)
        inputs = [channels, *(block.channels for block in self.plan)]
        self.blocks = nn.ModuleList(conv_block(i, block.channels) for i, block in zip(inputs, self.plan, strict=False))
        self.shortcuts = nn.ModuleDict(
            {f"{i}_{k}": Shortcut(self.plan[i - 1], self.plan[k - 1]) for i, k in architecture.pairs}
        )
        self.sources = {b.number: [i for i, k in architecture.pairs if k == b.number] for b in self.plan}
        self.classifier = nn.Linear(self.plan[-1].channels, classes)

    def forward(self, images: Tensor) -> Tensor:
        handed: dict[int, Tensor] = {}
        for block, layer in zip(self.plan, self.blocks, strict=True):
            images = layer(images)
            for source in self.sources[block.number]:
                images = images + self.shortcuts[f"{source}_{block.number}"](handed[source])
            images = pool(images, int(block.pooled))
            handed[block.number] = images
        logits: Tensor = self.classifier(images.mean((2, 3)))
        return logits
