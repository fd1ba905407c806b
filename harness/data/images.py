"""Images as uint8 tensors: a data set, scaling, and augmentation per image on the device."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from numbers import Real
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from harness.errors import BadInput
from spaces.counts import count

PADDING = 4  # of the random crop, in pixels (He et al. 2016)
AT_A_TIME = 2**24  # values that are scaled together, as four bytes each


@dataclass(frozen=True)
class Images:
    """`images` uint8 [N, C, H, W], `labels` int64 [N]."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: Tensor) -> "Images":
        return Images(self.images[indices], self.labels[indices])

    def to(self, device: torch.device) -> "Images":
        return Images(self.images.to(device), self.labels.to(device))


@dataclass(frozen=True)
class DataSet:
    """`mean` and `std` of each channel, or one of all, with pixels from 0 to 1."""

    train: Images
    test: Images
    classes: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    drawn: Tensor | None = None  # where the training images are drawn by seed: their indices in the whole set
    labels: tuple[str, ...] = ()  # what the classes are called, in order; empty where nobody says

    def fault(self) -> str:
        """What no study can train on; '' where there is nothing of that kind."""
        if count(self.classes) is None:
            return f"its classes is {self.classes!r}; it must be a whole number from 2 on"
        for what, part in (("training", self.train), ("test", self.test)):
            if not isinstance(part, Images):
                return f"its {what} images are a {type(part).__name__}, and no harness.extend.Images"
            if not all(isinstance(one, Tensor) for one in (part.images, part.labels)):
                return f"its {what} images and their labels are no tensors"
            if part.images.dim() != 4 or part.images.dtype != torch.uint8 or part.labels.shape != part.images.shape[:1]:
                return f"its {what} images are no uint8 [N, C, H, W] with N labels"
            if part.labels.dtype != torch.int64:
                return f"its {what} labels are {part.labels.dtype}; make them torch.int64"
            if not len(part) or part.labels.min() < 0 or part.labels.max() >= self.classes:
                return f"its {what} images have no labels from 0 to {self.classes - 1}"
        if len(self.labels) not in (0, self.classes):
            return f"its classes have {len(self.labels)} names, and there are {self.classes}"
        if len(self.train.labels.unique()) < 2:
            return "its training images are all of one class; there is nothing to tell apart"
        return self._scale_fault()

    def _scale_fault(self) -> str:
        """Of mean and standard deviation, by which images are normalised."""
        for what, values in (("mean", self.mean), ("std", self.std)):
            if not isinstance(values, tuple | list) or len(values) not in (1, self.channels):
                return f"its {what} must be a tuple of {self.channels} numbers, one of each channel, and is {values}"
            if not all(isinstance(one, Real) and isfinite(one) for one in values):
                return f"its {what} has values that are not finite numbers: {values}"
        if not all(0 <= one <= 1 for one in self.mean):
            return (
                f"its mean is {self.mean}, and does not lie between 0 and 1, as pixels do; divide mean and std by 255"
            )
        if not all(0 < one <= 1 for one in self.std):
            return f"its std is {self.std}; each must be above 0 and at most 1, as pixels lie between 0 and 1"
        return ""

    @property
    def names(self) -> tuple[str, ...]:
        """Of each class; its number where nobody says more."""
        return self.labels if len(self.labels) == self.classes else tuple(map(str, range(self.classes)))

    @property
    def scale(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and standard deviation of each channel."""
        mean, std = (tuple(map(float, values)) * (self.channels // len(values)) for values in (self.mean, self.std))
        return mean, std

    @property
    def channels(self) -> int:
        return self.train.images.shape[1]

    @property
    def size(self) -> int:
        return self.train.images.shape[-1]


Loader = Callable[[Path | None, bool], DataSet]  # (data root, download?) → everything


def augmented(images: Tensor, kind: str, cutout: int, seed: int, mean: Tensor) -> Tensor:
    """Per image: a random crop from the padded image, a random flip, a square cut out. uint8 [N, C, H, W] → same.

    `mean` [C, 1, 1], of the images, fills the square: 0 once they are normalised.
    """
    if kind == "none" and not cutout:
        return images
    rng = np.random.default_rng(seed)
    count, _, height, width = images.shape
    device = images.device
    if kind != "none":
        tops, lefts = torch.from_numpy(rng.integers(0, 2 * PADDING + 1, (2, count))).to(device)
        windows = F.pad(images, (PADDING,) * 4).unfold(2, height, 1).unfold(3, width, 1)
        images = windows[torch.arange(count, device=device), :, tops, lefts]
    if kind == "crop-flip":
        flips = torch.from_numpy(rng.random(count) < 0.5).to(device)
        images = torch.where(flips[:, None, None, None], images.flip(3), images)
    return _cut_out(images, cutout, rng, mean) if cutout else images


def _cut_out(images: Tensor, side: int, rng: np.random.Generator, mean: Tensor) -> Tensor:
    """DeVries & Taylor 2017: the square's centre lies anywhere, so that it may reach over the border."""
    count, _, height, width = images.shape
    centres = torch.from_numpy(rng.integers(0, (height, width), (count, 2))).to(images.device)
    y, x = torch.arange(height, device=images.device), torch.arange(width, device=images.device)
    tall = (y >= centres[:, :1] - side // 2) & (y < centres[:, :1] - side // 2 + side)
    wide = (x >= centres[:, 1:] - side // 2) & (x < centres[:, 1:] - side // 2 + side)
    return torch.where((tall[:, :, None] & wide[:, None, :])[:, None], mean.round().to(images.dtype), images)


def memory_bytes() -> int:
    """Of this machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def scaled(part: Images, size: int) -> Images:
    """Every image made `size` pixels wide and high. Raises BadInput where that is more than the machine can hold."""
    if part.images.shape[-2:] == (size, size):
        return part
    count, channels, *_ = part.images.shape
    if (wanted := count * channels * size**2) > (memory := memory_bytes()):
        raise BadInput(f"data.image_size = {size}: {count:,} images of that size take {wanted / 1e9:.1f} GB, and this "
                       f"machine has {memory / 1e9:.1f} GB; make it smaller")  # fmt: skip
    out = torch.empty((count, channels, size, size), dtype=torch.uint8)
    few = max(1, AT_A_TIME // max(part.images.shape[1:].numel(), channels * size**2))
    for start in range(0, count, few):
        pixels = part.images[start : start + few].float()
        pixels = F.interpolate(pixels, (size, size), mode="bilinear", antialias=True, align_corners=False)
        out[start : start + few] = pixels.round().clamp(0, 255)
    return Images(out, part.labels)
