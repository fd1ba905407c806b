"""Convolutions by kernels that are right: the same functions without what oneDNN gets wrong on CPUs (torch 2.14).

Its kernels for 1×1 convolutions of stride 2 in fp32 write past their buffers in channels_last below 16 channels; those
for dilated ones in bf16 leave the weights' gradient unset where more than 16 channels are no multiple of 16.
tests/spaces/test_convolutions.py holds all that the spaces run against float64.
"""

import torch.nn.functional as F
from torch import Tensor, nn

BLOCK = 16  # channels that oneDNN's kernels take at once


def convolve(images: Tensor, kernels: Tensor, stride: int, padding: int, dilation: int = 1, groups: int = 1) -> Tensor:
    """`F.conv2d` without bias; `padding` is a multiple of `dilation`.

    Where stride and dilation are equal, as they are for 1×1 kernels of whatever dilation, only every s-th pixel is
    read. Pooling takes those, since unlike slicing it keeps the layout, of gradients too. Others that are dilated get
    channels of zeros.
    """
    dilation = stride if kernels.shape[-1] == 1 else dilation
    if stride == dilation > 1:
        images, padding, stride, dilation = F.avg_pool2d(images, 1, stride), padding // stride, 1, 1
    if dilation > 1 and groups == 1 and images.device.type == "cpu":
        zeros = (0, 0, 0, 0, 0, -images.shape[1] % BLOCK)
        images, kernels = F.pad(images, zeros), F.pad(kernels, zeros)
    return F.conv2d(images, kernels, None, stride, padding, dilation, groups)


class Pointwise(nn.Conv2d):
    """A 1×1 convolution without bias."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__(inputs, outputs, 1, stride, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        return convolve(images, self.weight, self.stride[0], padding=0)
