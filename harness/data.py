"""Data sets as uint8 tensors; splits; augmentation per image on the device."""

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from harness.errors import BadInput
from harness.plan import LEFT_OUT
from harness.streams import stream
from spaces.space import imported

DATA_ROOT = "NAS_HARNESS_DATA"  # environment variable: where data sets lie unless --data-root says otherwise
PADDING = 4  # of the random crop, in pixels (He et al. 2016)


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
    """`mean` and `std` per channel, in units of the full range [0, 1]."""

    train: Images
    test: Images
    classes: int
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def channels(self) -> int:
        return self.train.images.shape[1]

    @property
    def size(self) -> int:
        return self.train.images.shape[-1]


Loader = Callable[[Path | None, bool], DataSet]  # (data root, download?) → everything


def data_root(given: str | None) -> Path | None:
    """--data-root, or the environment variable."""
    root = given or os.environ.get(DATA_ROOT)
    return Path(root).expanduser().resolve() if root else None


@lru_cache(maxsize=2)
def _whole(name: str, root: Path | None, download: bool, size: int | None) -> DataSet:
    return loader(name, size)(root, download)


def load(data: Mapping[str, Any], root: Path | None, download: bool = False) -> DataSet:
    """The data of a study: a fixed part of the training images, drawn evenly and the same for every seed.

    Raises BadInput where the data are missing or corrupt.
    """
    size = data.get("image_size")
    whole = _whole(data["name"], root, download, size)
    train = _part(whole.train, data.get("train_images"), "train_images", data["name"], data.get(LEFT_OUT, False))
    test = _part(whole.test, data.get("test_images"), "test_images", data["name"])
    if size:
        train, test = scaled(train, size), scaled(test, size)
    return DataSet(train, test, whole.classes, whole.mean, whole.std)


def loader(name: str, size: int | None = None) -> Loader:
    """The loader behind a data set's name; `size` is for those whose images differ in size. Raises BadInput."""
    from harness import other_data

    if known := LOADERS.get(name) or other_data.loader(name, size):
        return known
    there = ", ".join((*LOADERS, "torchvision:NAME", "folder"))
    try:
        found: Loader = imported(name, f"data.name '{name}' is unknown; there are {there}")
    except ValueError as error:
        raise BadInput(str(error)) from None
    return found


def digits(root: Path | None, download: bool) -> DataSet:
    """scikit-learn's 1,797 handwritten digits, 8×8 in 17 grey levels; the last 500 are the test set."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = torch.from_numpy((bunch.images * (255 / 16)).round().astype(np.uint8))[:, None]
    labels = torch.from_numpy(bunch.target.astype(np.int64))
    train, test = Images(images[:-500], labels[:-500]), Images(images[-500:], labels[-500:])
    return DataSet(train, test, 10, (0.305,), (0.378,))


def cifar10(root: Path | None, download: bool) -> DataSet:
    """Krizhevsky 2009, through torchvision's loader, which compares checksums."""
    from torchvision.datasets import CIFAR10

    if root is None:
        raise BadInput(f"cifar10 needs --data-root DIR (or {DATA_ROOT}=DIR); add --download to fetch it there")
    try:
        parts = [CIFAR10(str(root), train=train, download=download) for train in (True, False)]
    except (RuntimeError, OSError, EOFError, KeyError) as error:
        raise BadInput(f"cifar10 in {root}: {first_line(error)}; add --download to fetch it there") from None
    train, test = (from_torchvision(part) for part in parts)
    return DataSet(train, test, 10, (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))


def from_torchvision(part: Any) -> Images:
    """Any torchvision data set of equally large images, without transforms."""
    if hasattr(part, "data") and hasattr(part, "targets"):
        pixels = torch.as_tensor(np.asarray(part.data))
        labels = torch.as_tensor(np.asarray(part.targets))
    else:
        pixels = torch.stack([torch.from_numpy(np.array(image)) for image, _ in part])
        labels = torch.tensor([label for _, label in part])
    pixels = pixels[..., None] if pixels.dim() == 3 else pixels
    return Images(pixels.permute(0, 3, 1, 2).contiguous(), labels.long())


LOADERS: dict[str, Loader] = {"digits": digits, "cifar10": cifar10}


@dataclass(frozen=True)
class Split:
    """Indices into a study's training images: for the weights, and for α (empty where all go to the weights)."""

    weights: Tensor
    alpha: Tensor

    def digest(self) -> str:
        text = hashlib.sha256(self.weights.numpy().tobytes())
        text.update(b"|" + self.alpha.numpy().tobytes())
        return text.hexdigest()[:16]


def split(images: int, study_seed: int, seed: int, alpha_portion: float | None) -> Split:
    """Searches, scoring and tuning hold an α part out; final training (None) uses everything."""
    if alpha_portion is None:
        return Split(torch.arange(images), torch.arange(0))
    order = torch.from_numpy(np.random.default_rng(stream(study_seed, seed, "split")).permutation(images))
    cut = min(max(round(images * alpha_portion), 1), images - 1)
    return Split(order[cut:].sort().values, order[:cut].sort().values)


def order(images: int, study_seed: int, seed: int, purpose: str, epoch: int) -> Tensor:
    """The order in which an epoch visits the images."""
    rng = np.random.default_rng(stream(study_seed, seed, purpose, epoch))
    return torch.from_numpy(rng.permutation(images))


def augmented(images: Tensor, kind: str, cutout: int, seed: int) -> Tensor:
    """Per image: a random crop from the padded image, a random flip, a square cut out. uint8 [N, C, H, W] → same."""
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
    return _cut_out(images, cutout, rng) if cutout else images


def _cut_out(images: Tensor, side: int, rng: np.random.Generator) -> Tensor:
    """DeVries & Taylor 2017: the square's centre lies anywhere, so that it may reach over the border."""
    count, _, height, width = images.shape
    centres = torch.from_numpy(rng.integers(0, (height, width), (count, 2))).to(images.device)
    y, x = torch.arange(height, device=images.device), torch.arange(width, device=images.device)
    tall = (y >= centres[:, :1] - side // 2) & (y < centres[:, :1] - side // 2 + side)
    wide = (x >= centres[:, 1:] - side // 2) & (x < centres[:, 1:] - side // 2 + side)
    return images.masked_fill((tall[:, :, None] & wide[:, None, :])[:, None], 0)


def _part(whole: Images, count: int | None, field: str, name: str, left_out: bool = False) -> Images:
    """`count` of the images, or as many again of those that are not among them."""
    if left_out and (count is None or 2 * count > len(whole)):
        raise BadInput(f"recipe.pretrained = '{LEFT_OUT}' needs data.{field}, and as many again in {name}")
    if count is None or count == len(whole):
        return whole
    if count > len(whole):
        raise BadInput(f"data.{field} = {count}, but {name} has {len(whole)}")
    first = count if left_out else 0
    chosen = np.random.default_rng(stream(0, 0, "part")).permutation(len(whole))[first : first + count]
    return whole.take(torch.from_numpy(np.sort(chosen)))


def scaled(part: Images, size: int) -> Images:
    """Every image made `size` pixels wide and high."""
    if part.images.shape[-2:] == (size, size):
        return part
    pixels = F.interpolate(part.images.float(), (size, size), mode="bilinear", antialias=True, align_corners=False)
    return Images(pixels.round().clamp(0, 255).to(torch.uint8), part.labels)


def first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(". ")
