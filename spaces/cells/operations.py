"""Candidate operations of cells: blocks of ReLU, convolution and BatchNorm, poolings, skips; how deep each is.

All follow DARTS (Liu et al. 2018, section 3.1.1 and its published code); convolutions have no bias. The kernels
of many like blocks can be had as one, by which supernets run them at once.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spaces.convolution import Pointwise

Factory = Callable[[int, int, bool], nn.Module]  # (channels, stride, affine) → module


class Norm(nn.BatchNorm2d):
    """BatchNorm; with `own` it uses the batch's own statistics in evaluation too, and leaves the running ones alone."""

    own = False

    def forward(self, images: Tensor) -> Tensor:
        if self.own:
            return F.batch_norm(images, None, None, self.weight, self.bias, True, 0.0, self.eps)
        return super().forward(images)


class Block(nn.Module):
    """ReLU, convolution, BatchNorm; the convolution keeps the size at stride 1."""

    def __init__(self, outputs: int, affine: bool, stride: int, padding: int, dilation: int = 1) -> None:
        super().__init__()
        self.stride, self.padding, self.dilation = stride, padding, dilation  # of `kernels()`
        self.norm = Norm(outputs, affine=affine)

    def forward(self, images: Tensor) -> Tensor:
        values: Tensor = self.norm(self.convolve(F.relu(images)))
        return values

    def convolve(self, images: Tensor) -> Tensor:
        raise NotImplementedError

    @staticmethod
    def kernels(blocks: Sequence[Any]) -> Tensor:
        """[blocks × outputs, inputs, k, k]: what the convolutions of like blocks do, as dense kernels."""
        raise NotImplementedError


class PlainBlock(Block):
    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, affine: bool = True) -> None:
        super().__init__(outputs, affine, stride, kernel // 2)
        self.conv = (
            Pointwise(inputs, outputs, stride)
            if kernel == 1
            else nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        )

    def convolve(self, images: Tensor) -> Tensor:
        values: Tensor = self.conv(images)
        return values

    @staticmethod
    def kernels(blocks: Sequence[Any]) -> Tensor:
        return torch.cat([block.conv.weight for block in blocks])


class SeparableBlock(Block):
    """Its convolution is a depthwise one and then a 1×1."""

    def __init__(self, channels: int, kernel: int, stride: int, affine: bool, dilation: int = 1) -> None:
        padding = dilation * (kernel // 2)
        super().__init__(channels, affine, stride, padding, dilation)
        self.depth = nn.Conv2d(channels, channels, kernel, stride, padding, dilation, groups=channels, bias=False)
        self.point = nn.Conv2d(channels, channels, 1, bias=False)

    def convolve(self, images: Tensor) -> Tensor:
        values: Tensor = self.point(self._depthwise(images))
        return values

    def _depthwise(self, images: Tensor) -> Tensor:
        """Dilated, on a CPU, never in bf16: oneDNN's gradient of the weights is wrong there (torch 2.14)."""
        if not torch.is_autocast_enabled("cpu"):
            plain: Tensor = self.depth(images)
            return plain
        exact = self.dilation > 1 and images.device.type == "cpu"
        with torch.autocast("cpu", enabled=torch.is_autocast_enabled("cpu") and not exact):
            values: Tensor = self.depth(images.to(self.depth.weight.dtype) if exact else images)
        return values

    @staticmethod
    def kernels(blocks: Sequence[Any]) -> Tensor:
        points = torch.stack([block.point.weight for block in blocks])
        depths = torch.stack([block.depth.weight for block in blocks])
        return (points * depths.transpose(1, 2)).flatten(0, 1)


class FactorizedReduce(Block):
    """Halves the image: two 1×1 convolutions of stride 2, the second one pixel further down and to the right."""

    def __init__(self, inputs: int, outputs: int, affine: bool) -> None:
        super().__init__(outputs, affine, stride=2, padding=1)
        self.even = Pointwise(inputs, outputs - outputs // 2, stride=2)
        self.odd = Pointwise(inputs, outputs // 2, stride=2)

    def convolve(self, images: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        further = F.pad(images, (-1, width % 2, -1, height % 2))
        return torch.cat([self.even(images), self.odd(further)], dim=1)

    @staticmethod
    def kernels(blocks: Sequence[Any]) -> Tensor:
        even = F.pad(torch.stack([block.even.weight for block in blocks]), (1, 1, 1, 1))
        odd = F.pad(torch.stack([block.odd.weight for block in blocks]), (2, 0, 2, 0))
        return torch.cat([even, odd], dim=1).flatten(0, 1)


def _plain(kernel: int) -> Factory:
    return lambda channels, stride, affine: PlainBlock(channels, channels, kernel, stride, affine)


def _separable(kernel: int) -> Factory:
    return lambda channels, stride, affine: nn.Sequential(
        SeparableBlock(channels, kernel, stride, affine), SeparableBlock(channels, kernel, 1, affine)
    )


def _dilated(kernel: int) -> Factory:
    return lambda channels, stride, affine: SeparableBlock(channels, kernel, stride, affine, dilation=2)


def _skip(channels: int, stride: int, affine: bool) -> nn.Module:
    return nn.Identity() if stride == 1 else FactorizedReduce(channels, channels, affine)


OPERATIONS: dict[str, Factory] = {
    "conv_1x1": _plain(1),
    "conv_3x3": _plain(3),
    "conv_5x5": _plain(5),
    "nor_conv_1x1": _plain(1),  # NAS-Bench-201's names
    "nor_conv_3x3": _plain(3),
    "sep_conv_3x3": _separable(3),
    "sep_conv_5x5": _separable(5),
    "sep_conv_7x7": _separable(7),
    "dil_conv_3x3": _dilated(3),
    "dil_conv_5x5": _dilated(5),
    "avg_pool_3x3": lambda channels, stride, affine: nn.AvgPool2d(3, stride, 1, count_include_pad=False),
    "max_pool_3x3": lambda channels, stride, affine: nn.MaxPool2d(3, stride, 1),
    "skip_connect": _skip,
}


def layers(operation: str, stride: int = 1) -> int:
    """Convolutions one after the other in an operation; pooling counts nothing, FactorizedReduce's pair is one."""
    with torch.device("meta"):
        module = OPERATIONS[operation](2, stride, False)
    if isinstance(module, FactorizedReduce):
        return 1
    return sum(isinstance(part, nn.Conv2d) for part in module.modules())


def drop_path(values: Tensor, probability: float) -> Tensor:
    """Drops a path for whole images and scales the others up (Larsson et al. 2017); uses the global generator.

    What is dropped is sampled in fp32 whatever the values are, so that it is the same in every precision.
    """
    keep = torch.rand(len(values), 1, 1, 1, device=values.device) >= probability
    return values * keep.to(values.dtype).div_(1 - probability)
