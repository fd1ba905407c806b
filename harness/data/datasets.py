"""Data sets by name, the part of them that a study uses, and its splits."""

import os
from collections.abc import Mapping
from functools import lru_cache
from importlib.util import find_spec
from operator import index
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from harness.data import cifar_files, external
from harness.data.images import DataSet, Images, Loader, scaled
from harness.errors import BadInput, explained, first_line
from harness.seeding import Seeds
from harness.study.schema import LEFT_OUT
from spaces.plugins import imported, named_function_fault

DATA_ROOT = "NAS_HARNESS_DATA"  # environment variable: where data sets lie unless --data-root says otherwise


def data_root(option: str | None) -> Path | None:
    """--data-root, or the environment variable."""
    root = option or os.environ.get(DATA_ROOT)
    return Path(os.path.expanduser(root)).resolve() if root else None


NOTHING = DataSet(*(Images(torch.zeros(0, 3, 32, 32, dtype=torch.uint8), torch.zeros(0, dtype=torch.int64)),) * 2,
                  10, (0.5,) * 3, (0.5,) * 3)  # fmt: skip


FIRST = Seeds()  # of the part that every seed shares


@lru_cache(maxsize=2)
def _whole(name: str, root: Path | None, download: bool, size: int | None, held_out: float | None) -> DataSet:
    whole = loader(name, size, held_out)(root, download)
    with explained(f"data.name '{name}'"):
        fault = whole.fault() if isinstance(whole, DataSet) else "it gives no harness.extend.DataSet"
    if fault:
        raise BadInput(f"data.name = '{name}': {fault}")
    return whole


def forget() -> None:
    """The next `load` reads anew: in a process that lives on, the files may be others by then."""
    _whole.cache_clear()


def load(data: Mapping[str, Any], root: Path | None, download: bool = False, seeds: Seeds = FIRST) -> DataSet:
    """The data of a study: a part of the training images, sampled uniformly.

    It is the same for every seed unless `data` says `resample`: then `seeds` decide. The part of the test images is
    always the same.

    Raises BadInput where the data are missing or corrupt.
    """
    size = data.get("image_size")
    whole = _whole(data["name"], root, download, size, data.get("test_part"))
    drawn = _drawn(len(whole.train), data, seeds if data.get("resample") else FIRST)
    train = whole.train if drawn is None else whole.train.take(drawn)
    if len(train.labels.unique()) < 2:
        raise BadInput(f"data.train_images = {len(train)}: all that are sampled are of one class; take more")
    chosen = _part(len(whole.test), data.get("test_images"), "test_images", data["name"])
    test = whole.test if chosen is None else whole.test.take(chosen)
    if size:
        train, test = scaled(train, size), scaled(test, size)
    if train.images.shape[1:] != test.images.shape[1:]:
        shapes = " and ".join("×".join(map(str, part.images.shape[1:])) for part in (train, test))
        advice = "give both as many channels" if size else "set data.image_size"
        raise BadInput(f"data.name = '{data['name']}': training and test images differ in shape ({shapes}); {advice}")
    if len({*train.images.shape[2:]}) > 1:
        height, width = train.images.shape[2:]
        raise BadInput(f"data.name = '{data['name']}': its images of {height}×{width} are not square; "
                       "set data.image_size")  # fmt: skip
    return DataSet(
        train, test, index(whole.classes), *whole.scale, drawn if data.get("resample") else None, whole.labels
    )


def loader(name: str, size: int | None = None, held_out: float | None = None) -> Loader:
    """The loader behind a data set's name; `size` is for those whose images differ in size, `held_out` for those of
    one part. Raises BadInput."""
    if outside := external.loader(name, size, held_out):
        return outside
    if held_out:
        raise BadInput(f"data.test_part: {name} has test images of its own; leave data.test_part out")
    if known := LOADERS.get(name):
        return known
    there = ", ".join((*LOADERS, "torchvision:NAME", "folder"))
    try:
        found: Loader = imported(name, f"data.name '{name}' is unknown; there are {there}",
                                 named_function_fault("root", "download"))  # fmt: skip
    except ValueError as error:
        raise BadInput(str(error)) from None
    return explained(f"data.name '{name}'")(found)


def digits(root: Path | None, download: bool) -> DataSet:
    """scikit-learn's 1,797 handwritten digits, 8×8 in 17 grey levels; the last 500 are the test set."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = torch.from_numpy((bunch.images * (255 / 16)).round().astype(np.uint8))[:, None]
    labels = torch.from_numpy(bunch.target.astype(np.int64))
    train, test = Images(images[:-500], labels[:-500]), Images(images[-500:], labels[-500:])
    return DataSet(train, test, 10, (0.305,), (0.378,))


def cifar10(root: Path | None, download: bool) -> DataSet:
    """Krizhevsky 2009, through torchvision's loader, which compares checksums, where there is a torchvision."""
    if root is None:
        raise BadInput(f"cifar10 needs --data-root DIR (or {DATA_ROOT}=DIR); add --download to fetch it there")
    train, test = _cifar10(root, download) if find_spec("torchvision") else cifar_files.parts(root)
    return DataSet(train, test, 10, (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616), labels=CIFAR10)


def _cifar10(root: Path, download: bool) -> tuple[Images, Images]:
    from torchvision.datasets import CIFAR10

    try:
        parts = [CIFAR10(str(root), train=train, download=download) for train in (True, False)]
    except (RuntimeError, OSError, EOFError, KeyError) as error:
        raise BadInput(f"cifar10 in {root}: {first_line(error)}; add --download to fetch it there") from None
    train, test = (from_torchvision(part) for part in parts)
    return train, test


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


CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
LOADERS: dict[str, Loader] = {"digits": digits, "cifar10": cifar10}


def _drawn(images: int, data: Mapping[str, Any], seeds: Seeds) -> Tensor | None:
    """Indices of a study's training images in the whole set; None where it is used as it is."""
    count, name = data.get("train_images"), data["name"]
    if data.get("resample") and count == images:
        raise BadInput(f"data.resample = true, but data.train_images = {count} are all that {name} has: use fewer")
    return _part(images, count, "train_images", name, seeds, data.get(LEFT_OUT, False))


def _part(images: int, count: int | None, field: str, name: str, seeds: Seeds = FIRST,
          left_out: bool = False) -> Tensor | None:  # fmt: skip
    """Indices of `count` of the images, or of as many again that are not among them; None where all are used."""
    if left_out and (count is None or 2 * count > images):
        raise BadInput(f"recipe.pretrained = '{LEFT_OUT}' needs data.{field}, and as many again in {name}")
    if count is None or count == images:
        return None
    if count > images:
        raise BadInput(f"data.{field} = {count}, but {name} has {images}")
    first = count if left_out else 0
    chosen = np.random.default_rng(seeds.stream("part")).permutation(images)[first : first + count]
    return torch.from_numpy(np.sort(chosen))
