"""Data sets from outside: those of torchvision, and folders of images."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from harness.data import folders, pixels, torchvision_sets
from harness.data.images import AT_A_TIME, DataSet, Images, Loader, memory_bytes, scaled
from harness.errors import BadInput
from harness.seeding import stream


def loader(name: str, size: int | None, held_out: float | None = None) -> Loader | None:
    """Behind `torchvision:FashionMNIST`, `folder` or `folder:below/the/data/root`; None for other names.

    `size`: to which each image is scaled; needed where they differ in size or are not square. `held_out`: the part
    of each class that becomes test images, where the data come in one part.
    """
    kind, _, which = name.partition(":")
    found = {"torchvision": from_torchvision, "folder": from_folder}.get(kind)
    return partial(found, which, size, held_out) if found else None


def notes(name: str, held_out: float | None) -> list[str]:
    """What a report should say of the test images of the data called `name`."""
    kind, _, which = name.partition(":")
    said = [torchvision_sets.note(which)] if kind == "torchvision" else []
    if held_out:
        said.append(f"{name} comes in one part: {100 * held_out:g} % of each class, sampled uniformly by a fixed seed, "
                    "were held out as test images.")  # fmt: skip
    return [note for note in said if note]


def from_torchvision(name: str, size: int | None, held_out: float | None, root: Path | None,
                     download: bool) -> DataSet:  # fmt: skip
    """Raises BadInput where torchvision has none of that name, with both parts, below `root`."""
    torchvision_sets.opened(name, size, bool(held_out))
    folder = _root(root, f"torchvision:{name}")
    train, test = torchvision_sets.parts(name, size, bool(held_out), folder, download)
    known = torchvision_sets.labelled(train, f"torchvision:{name}")
    found = _together(known, test and torchvision_sets.labelled(test, f"torchvision:{name}"), size, held_out,
                      f"torchvision:{name}")  # fmt: skip
    names = tuple(map(str, getattr(train, "classes", ())))  # of some sets also classes that have no images
    return replace(found, labels=names if len(names) == found.classes else ())


def from_folder(below: str, size: int | None, held_out: float | None, root: Path | None, download: bool) -> DataSet:
    """`train/CLASS/*.png` and `test/CLASS/*.png` below the data root, as RGB or grey."""
    folder = _root(root, "folder") / below
    train, test = folders.parts(folder, bool(held_out))
    found = _together(train, test, size, held_out, f"folder {folder}")
    return replace(found, labels=tuple(folders.classes(folder / "train" if (folder / "train").is_dir() else folder)))


Labelled = Iterable[tuple[Any, int, str]]  # Pillow's image, its class, what it is called in a message


def _together(train: Labelled, test: Labelled | None, size: int | None, held_out: float | None,
              name: str) -> DataSet:  # fmt: skip
    first, second = _images(train, size, name), None if test is None else _images(test, size, name)
    if second is None:
        first, second = _divided(first, held_out or 0.0, name)
    first, second = _alike(first, second)
    mixed = np.random.default_rng(stream(0, 0, "mixed")).permutation(len(first))  # nothing may lie in order of class
    first = first.take(torch.from_numpy(mixed))
    return DataSet(first, second, int(first.labels.max()) + 1, *_spread(first.images))


def _spread(images: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel, in parts of 255; by counts, since pixels as float64 take eight times
    their room, and once more for each step."""
    few = max(1, AT_A_TIME // images.shape[1:].numel())
    found = [[torch.bincount(channel.flatten(), minlength=256) for channel in part.unbind(1)]
             for part in images.split(few)]  # fmt: skip
    counts = torch.stack([torch.stack(part) for part in found]).sum(0)
    values, pixels = torch.arange(256).double() / 255, counts.sum(1)
    mean = (counts * values).sum(1) / pixels
    std = ((counts * (values - mean[:, None]) ** 2).sum(1) / (pixels - 1)).sqrt().clamp(min=1e-3)
    return tuple(mean.tolist()), tuple(std.tolist())


def _images(part: Labelled, size: int | None, name: str) -> Images:
    """Grey where all are grey, else RGB. Raises BadInput where the images do not fit together, or not into memory."""
    found, room = [], memory_bytes()
    for image, label, place in part:
        found.append((_sized(pixels.as_uint8(image, place), size), label))
        room -= found[-1][0].numel()
        if room < 0:
            raise BadInput(f"{name}: its images take more than the {memory_bytes() / 1e9:.1f} GB that this machine "
                           "has; set a smaller data.image_size")  # fmt: skip
    if not found:
        raise BadInput(f"{name}: a part of it holds no images")
    images = [image for image, _ in found]
    shapes = {tuple(image.shape[1:]) for image in images}
    if len(shapes) > 1 or any(height != width for height, width in shapes):
        raise BadInput(f"{name}: its images differ in size or are not square; set data.image_size")
    channels = max(len(image) for image in images)
    stacked = torch.stack([image.expand(channels, -1, -1) for image in images])
    return Images(stacked, torch.tensor([label for _, label in found]))


def _sized(image: Tensor, size: int | None) -> Tensor:
    return scaled(Images(image[None], torch.zeros(1)), size).images[0] if size else image


def _alike(first: Images, second: Images) -> tuple[Images, Images]:
    """Both in colour where one is."""
    channels = max(first.images.shape[1], second.images.shape[1])
    grown = [Images(part.images.expand(-1, channels, -1, -1).contiguous(), part.labels) for part in (first, second)]
    return grown[0], grown[1]


def _divided(whole: Images, held_out: float, name: str) -> tuple[Images, Images]:
    """Training and test images: of each class a part is held out, at least one image. Raises BadInput."""
    rng = np.random.default_rng(stream(0, 0, "test part"))
    tested: list[int] = []
    for label in whole.labels.unique().tolist():
        own = rng.permutation(np.flatnonzero(whole.labels.numpy() == label))
        if len(own) < 2:
            raise BadInput(f"data.test_part: class {label} of {name} has one image alone, none can be held out")
        tested += own[: min(max(1, round(held_out * len(own))), len(own) - 1)].tolist()
    is_test = torch.zeros(len(whole), dtype=torch.bool)
    is_test[tested] = True
    every = torch.arange(len(whole))
    return whole.take(every[~is_test]), whole.take(every[is_test])


def _root(root: Path | None, name: str) -> Path:
    if root is None:
        raise BadInput(f"{name} needs --data-root DIR (or NAS_HARNESS_DATA=DIR)")
    return root
