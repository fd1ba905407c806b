"""Candidate operations: ReLU-Conv-BN blocks, poolings, skips, and how many layers deep each is.

All follow DARTS (Liu et al. 2018, section 3.1 and its published code): convolutions have no bias, ReLU comes first.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Factory = Callable[[int, int, bool], nn.Module]  # (channels, stride, affine) → module


def relu_conv_bn(inputs: int, outputs: int, kernel: int, stride: int, affine: bool) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)
    return nn.Sequential(nn.ReLU(), convolution, nn.BatchNorm2d(outputs, affine=affine))


class FactorizedReduce(nn.Module):
    """Halves the image: two 1×1 convolutions of stride 2, the second one pixel further down and to the right."""

    def __init__(self, inputs: int, outputs: int, affine: bool) -> None:
        super().__init__()
        self.even = nn.Conv2d(inputs, outputs - outputs // 2, 1, stride=2, bias=False)
        self.odd = nn.Conv2d(inputs, outputs // 2, 1, stride=2, bias=False)
        self.norm = nn.BatchNorm2d(outputs, affine=affine)

    def forward(self, images: Tensor) -> Tensor:
        images = F.relu(images)
        return self.norm(torch.cat([self.even(images), self.odd(shifted(images))], dim=1))


def shifted(images: Tensor) -> Tensor:
    """One pixel down and to the right; padded with zeros where an odd size would come out one short."""
    height, width = images.shape[-2:]
    if height % 2 or width % 2:
        images = F.pad(images, (0, width % 2, 0, height % 2))
    return images[:, :, 1:, 1:]


def _plain(kernel: int) -> Factory:
    return lambda channels, stride, affine: relu_conv_bn(channels, channels, kernel, stride, affine)


def _depthwise(channels: int, kernel: int, stride: int, dilation: int, affine: bool) -> list[nn.Module]:
    padding = dilation * (kernel // 2)
    return [
        nn.ReLU(),
        nn.Conv2d(channels, channels, kernel, stride, padding, dilation, groups=channels, bias=False),
        nn.Conv2d(channels, channels, 1, bias=False),
        nn.BatchNorm2d(channels, affine=affine),
    ]


def _separable(kernel: int) -> Factory:
    return lambda channels, stride, affine: nn.Sequential(
        *_depthwise(channels, kernel, stride, 1, affine), *_depthwise(channels, kernel, 1, 1, affine)
    )


def _dilated(kernel: int) -> Factory:
    return lambda channels, stride, affine: nn.Sequential(*_depthwise(channels, kernel, stride, 2, affine))


def _crossed(channels: int, stride: int, affine: bool) -> nn.Module:
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(channels, channels, (1, 7), (1, stride), (0, 3), bias=False),
        nn.Conv2d(channels, channels, (7, 1), (stride, 1), (3, 0), bias=False),
        nn.BatchNorm2d(channels, affine=affine),
    )


def _skip(channels: int, stride: int, affine: bool) -> nn.Module:
    return nn.Identity() if stride == 1 else FactorizedReduce(channels, channels, affine)


OPERATIONS: dict[str, Factory] = {
    "conv_1x1": _plain(1),
    "conv_3x3": _plain(3),
    "conv_5x5": _plain(5),
    "sep_conv_3x3": _separable(3),
    "sep_conv_5x5": _separable(5),
    "sep_conv_7x7": _separable(7),
    "dil_conv_3x3": _dilated(3),
    "dil_conv_5x5": _dilated(5),
    "conv_7x1_1x7": _crossed,
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
    """Drops a whole path per image and scales the rest up (Larsson et al. 2017); draws from the global generator."""
    keep = torch.empty(len(values), *[1] * (values.ndim - 1), dtype=values.dtype, device=values.device)
    return values * keep.bernoulli_(1 - probability).div_(1 - probability)
