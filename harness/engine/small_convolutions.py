"""3×3 convolutions of small images as matrix products.

On images of 4×4 pixels and below, a CPU's convolution kernels use a tenth of its matrix units, least for the weights'
gradient. Written as products of image patches and kernels they are several times faster (benchmarks/README.md).
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.grad import conv2d_input

SMALL = 16  # pixels of an image; above, patches cost more than they save
TINY = 4  # pixels up to which output and images' gradient are faster as products whatever the kernel
CACHE = 2**21  # bytes; a kernel larger than a core's second cache makes them so on all small images


class SmallConvolution(torch.autograd.Function):
    """conv2d(images, kernel, bias, padding=1) for kernels [O, C, 3, 3]; can be differentiated twice."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(images, kernel)
        if not _by_product(images, kernel):
            return F.conv2d(images, kernel, bias, padding=1)
        return _product(images, kernel.permute(0, 2, 3, 1).flatten(1).T, bias)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        images, kernel = ctx.saved_tensors
        to_images = to_kernel = to_bias = None
        if ctx.needs_input_grad[0] and _by_product(images, kernel):
            to_images = _product(gradient, kernel.flip(2, 3).permute(2, 3, 0, 1).flatten(0, 2))
        elif ctx.needs_input_grad[0]:
            to_images = conv2d_input(images.shape, kernel, gradient, padding=1)
        if ctx.needs_input_grad[1]:
            flat = gradient.permute(0, 2, 3, 1).flatten(0, 2).T @ _patches(images)
            to_kernel = flat.unflatten(1, (3, 3, -1)).permute(0, 3, 1, 2)
        if ctx.needs_input_grad[2]:
            to_bias = gradient.sum((0, 2, 3))
        return to_images, to_kernel, to_bias


class Convolution(nn.Conv2d):
    """What `by_products` makes of an `nn.Conv2d`; parameters and their names stay."""

    def forward(self, images: Tensor) -> Tensor:
        if images.shape[2] * images.shape[3] > SMALL:
            return super().forward(images)
        device = images.device.type
        dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else images.dtype
        bias = None if self.bias is None else self.bias.to(dtype)
        convolved: Tensor = SmallConvolution.apply(images.to(dtype), self.weight.to(dtype), bias)
        return convolved


def by_products(network: nn.Module) -> None:
    """Turns the plain 3×3 convolutions of `network` into ones that use matrix products where images are small."""
    for module in network.modules():
        if type(module) is nn.Conv2d and _plain(module):
            module.__class__ = Convolution


def _plain(conv: nn.Conv2d) -> bool:
    shape = (conv.kernel_size, conv.stride, conv.padding, conv.dilation, conv.groups, conv.padding_mode)
    return shape == ((3, 3), (1, 1), (1, 1), (1, 1), 1, "zeros")


def _by_product(images: Tensor, kernel: Tensor) -> bool:
    return images.shape[2] * images.shape[3] <= TINY or kernel.nbytes > CACHE


def _product(images: Tensor, matrix: Tensor, bias: Tensor | None = None) -> Tensor:
    """[N, O, H, W]: every pixel's patch times `matrix` [9 × C, O]."""
    patches = _patches(images)
    rows = patches @ matrix if bias is None else torch.addmm(bias, patches, matrix)
    count, _, height, width = images.shape
    return rows.view(count, height, width, -1).permute(0, 3, 1, 2)


def _patches(images: Tensor) -> Tensor:
    """[N × H × W, 9 × C]: each pixel's 3×3 neighbourhood, zero beyond the border; by row, column, channel."""
    padded = F.pad(images.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1))
    return padded.unfold(1, 3, 1).unfold(2, 3, 1).permute(0, 1, 2, 4, 5, 3).flatten(3).flatten(0, 2)
