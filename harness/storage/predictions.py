"""What each trained network says of each test image: a small file a training, beside the rows and outside git.

The worker that trained writes it before its row is appended. The row holds its digest; a lost file harms nothing.
"""

import hashlib
import io
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from harness.storage.files import LARGEST, opened, sync_folder, write_atomically
from harness.storage.store import Folder, Store, store_at
from harness.vocabulary.rows import Outcome

FOLDER = "predictions"  # in the study's
FILE = re.compile(r"(labels-)?[0-9a-f]{16}\.npy")
DIGEST = re.compile("[0-9a-f]{16}")


def keep(where: Path | Store, key: str, classes: int, predicted: ArrayLike, labels: ArrayLike) -> Outcome:
    """Both durable and whole when it returns: classes [images] from 0 on, a byte each up to 255 classes, else two.

    Returns their digests, for the row. The right answers are written once for all trainings with these test images.
    Raises OSError where the disk is full or the folder is gone.
    """
    said, right = (np.asarray(values).astype(np.min_scalar_type(classes)) for values in (predicted, labels))
    labels_file = f"labels-{digest(right)}.npy"
    store = store_at(where)
    if isinstance(store, Folder):
        _keep_here(store.path, key, labels_file, _packed(right), _packed(said))
    else:
        store.at(FOLDER).put(labels_file, _packed(right))
        store.at(FOLDER).put(f"{key}.npy", _packed(said))
    return Outcome(predictions=digest(said), test_labels=digest(right))


def _keep_here(folder: Path, key: str, labels_file: str, right: bytes, said: bytes) -> None:
    home = folder / FOLDER
    home.mkdir(exist_ok=True)
    sync_folder(folder)
    _once(home / labels_file, right, key)
    write_atomically(home / f"{key}.npy", said)


def gather(store: Store, folder: Path) -> None:
    """Moves what workers put into a store that is not the results folder to where the rows are.

    Raises Unreachable; the same call again goes on.
    """
    if isinstance(store, Folder):
        return
    found = store.at(FOLDER)
    for name, size in found.sizes().items():
        if not FILE.fullmatch(name) or size > LARGEST or (content := found.get(name)) is None:
            continue
        (folder / FOLDER).mkdir(exist_ok=True)
        write_atomically(folder / FOLDER / name, content)
        found.delete(name)


def _once(path: Path, content: bytes, key: str) -> None:
    """By a temporary file of the trial's own, so that hosts that write at once are not in each other's way."""
    if path.exists() and path.read_bytes() == content:
        return
    own = path.with_name(f".{key}.labels.tmp")
    write_atomically(own, content)
    os.replace(own, path)
    sync_folder(path.parent)


def digest(classes: np.ndarray) -> str:
    """Of the values and their type, whatever the version of the file's format."""
    return hashlib.sha256(classes.dtype.str.encode() + classes.tobytes()).hexdigest()[:16]


def take_over(folder: Path, other: Path, row: Mapping[str, Any]) -> None:
    """Copies the files of a row of `other`, where they are there; what a trial that left no row has put into their
    place goes.

    Raises OSError where the disk is full, BadInput where one is a link.
    """
    digests = [row.get(name) for name in ("predictions", "test_labels")]
    if not all(isinstance(one, str) and DIGEST.fullmatch(one) for one in digests):
        return
    for name in (row["key"], f"labels-{digests[1]}"):
        source, target = (home / FOLDER / f"{name}.npy" for home in (other, folder))
        if source.is_file() and (name == row["key"] or not target.exists()):
            target.parent.mkdir(exist_ok=True)
            with open(opened(source, os.O_RDONLY), "rb") as file:
                write_atomically(target, file.read(LARGEST))


def _packed(classes: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, classes, allow_pickle=False)
    return buffer.getvalue()
