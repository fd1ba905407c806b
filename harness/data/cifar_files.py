"""CIFAR-10's files for machines without torchvision: checked by their MD5 sums, then read."""

import hashlib
import pickle
from pathlib import Path

import numpy as np
import torch

from harness.data.images import Images
from harness.errors import BadInput

FOLDER = "cifar-10-batches-py"
TRAIN = {  # file → MD5 sum, as torchvision compares them
    "data_batch_1": "c99cafc152244af753f735de768cd75f", "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751", "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
}  # fmt: skip
TEST = {"test_batch": "40351d587109b95175f43aff81a1287e"}


def parts(root: Path) -> tuple[Images, Images]:
    """Training and test images. Raises BadInput where a file is missing or is another one."""
    train, test = (_joined(root / FOLDER, files) for files in (TRAIN, TEST))
    return train, test


def _joined(folder: Path, files: dict[str, str]) -> Images:
    batches = [_batch(folder / name, md5) for name, md5 in files.items()]
    pixels = np.concatenate([batch["data"] for batch in batches]).reshape(-1, 3, 32, 32)
    labels = np.concatenate([batch["labels"] for batch in batches]).astype(np.int64)
    return Images(torch.from_numpy(pixels), torch.from_numpy(labels))


def _batch(path: Path, md5: str) -> dict[str, np.ndarray]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(f"cifar10: {path} cannot be read ({error.strerror}); install torchvision to fetch it") from None
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != md5:
        raise BadInput(f"cifar10: {path} is not the published file; remove it, and install torchvision to fetch it")
    found: dict[str, np.ndarray] = pickle.loads(content, encoding="latin1")
    return found
