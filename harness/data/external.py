"""Data sets from outside: those of torchvision that have a training and a test part, and folders of images."""

import inspect
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from harness.data.images import DataSet, Images, Loader, scaled
from harness.errors import BadInput, first_line
from harness.seeding import stream


def loader(name: str, size: int | None) -> Loader | None:
    """Behind `torchvision:FashionMNIST`, `folder` or `folder:below/the/data/root`; None for other names.

    `size`: to which each image is scaled; needed where they differ in size or are not square.
    """
    kind, _, which = name.partition(":")
    found = {"torchvision": from_torchvision, "folder": from_folder}.get(kind)
    return partial(found, which, size) if found else None


def from_torchvision(name: str, size: int | None, root: Path | None, download: bool) -> DataSet:
    """Raises BadInput where torchvision has none of that name, with both parts, below `root`."""
    from torchvision import datasets

    kind = getattr(datasets, name, None)
    if not (inspect.isclass(kind) and issubclass(kind, datasets.VisionDataset)):
        raise BadInput(f"data.name = 'torchvision:{name}': torchvision.datasets has no such data set")
    opened: Any = kind
    takes = inspect.signature(kind).parameters
    if "train" in takes:
        parts: list[dict[str, Any]] = [{"train": True}, {"train": False}]
    elif "split" in takes:
        parts = [{"split": "train"}, {"split": "test"}]
    else:
        raise BadInput(f"data.name = 'torchvision:{name}' comes in one part; write a loader that splits it")
    more = {"download": download} if "download" in takes else {}
    folder = _root(root, f"torchvision:{name}")
    try:
        train, test = (opened(str(folder), **part, **more) for part in parts)
    except Exception as error:  # each has its own ways to say that files are missing
        raise BadInput(f"{name} in {folder}: {first_line(error)}; add --download to fetch it there") from None
    return _together(train, test, size, f"torchvision:{name}")


def from_folder(below: str, size: int | None, root: Path | None, download: bool) -> DataSet:
    """`train/CLASS/*.png` and `test/CLASS/*.png` below the data root; any format that Pillow reads, as RGB."""
    from torchvision.datasets import ImageFolder

    folder = _root(root, "folder") / below
    try:
        train, test = (ImageFolder(str(folder / part)) for part in ("train", "test"))
    except OSError as error:
        raise BadInput(
            f"data.name = 'folder': {first_line(error)}; {folder} needs train/CLASS/ and test/CLASS/"
        ) from None
    if train.classes != test.classes:
        raise BadInput(f"{folder}: train/ and test/ hold different classes")
    return _together(train, test, size, f"folder {folder}")


def _together(train: Any, test: Any, size: int | None, name: str) -> DataSet:
    first, second = (_images(part, size, name) for part in (train, test))
    mixed = np.random.default_rng(stream(0, 0, "mixed")).permutation(len(first))  # nothing may lie in order of class
    first = first.take(torch.from_numpy(mixed))
    pixels = first.images.double() / 255
    mean, std = pixels.mean((0, 2, 3)), pixels.std((0, 2, 3)).clamp(min=1e-3)
    return DataSet(first, second, int(first.labels.max()) + 1, tuple(mean.tolist()), tuple(std.tolist()))


def _images(part: Iterable[tuple[Any, Any]], size: int | None, name: str) -> Images:
    """Raises BadInput where the images do not fit together or the labels are no classes."""
    pixels, labels = [], []
    for image, label in part:
        if not isinstance(label, int | np.integer) or label < 0:
            raise BadInput(f"{name}: a label is {label!r}, no class from 0 on")
        pixels.append(_pixels(image, size))
        labels.append(int(label))
    shapes = {tuple(image.shape) for image in pixels}
    if len(shapes) > 1 or any(height != width for _, height, width in shapes):
        raise BadInput(f"{name}: its images differ in size or are not square; set data.image_size")
    return Images(torch.stack(pixels), torch.tensor(labels))


def _pixels(image: Any, size: int | None) -> Tensor:
    """A Pillow image as uint8 [C, H, W]: grey where it is grey, else RGB."""
    array = np.array(image if image.mode == "L" else image.convert("RGB"))
    pixels = torch.from_numpy(array[..., None] if array.ndim == 2 else array).permute(2, 0, 1)
    return scaled(Images(pixels[None], torch.zeros(1)), size).images[0] if size else pixels


def _root(root: Path | None, name: str) -> Path:
    if root is None:
        raise BadInput(f"{name} needs --data-root DIR (or NAS_HARNESS_DATA=DIR)")
    return root
