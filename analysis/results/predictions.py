"""What each network says of each test image, read from beside the rows; somebody else may have written the files."""

import hashlib
import io
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from analysis.results.rows import Results

FOLDER = "predictions"
TYPES = ("|u1", "<u2", "<u4")
LARGEST = 2**24  # bytes


class Odd(ValueError):
    """A file that is there and is not what the row says; says which, and why."""


@dataclass(frozen=True)
class Predictions:
    """By the training's key: the classes that its network gives the test images [images], and the right ones."""

    said: Mapping[str, np.ndarray]
    labels: Mapping[str, np.ndarray]
    images: Mapping[str, str]  # digest of the right ones: equal for equal test sets
    trained: int  # final trainings that are done
    odd: tuple[str, ...] = ()  # files that are left out, and why

    def right(self, key: str) -> np.ndarray | None:
        """Whether each image is classified right; None where there are no predictions."""
        return self.said[key] == self.labels[key] if key in self.said else None


def predictions(results: Results) -> Predictions:
    """Of all finished trainings whose files are there. Whatever file does not fit its row is left out and named."""
    done = results.trials[(results.trials["kind"] == "train") & (results.trials["status"] == "done")]
    said, labels, images, odd = {}, {}, {}, []
    columns = (done[name] for name in ("key", "predictions", "test_labels", "test_accuracy"))
    for key, digest, answers, accuracy in zip(*columns, strict=True):
        try:
            found = of_row(results.folders, key, digest, answers, accuracy)
        except Odd as fault:
            odd.append(str(fault))
            continue
        if found is not None:
            said[key], labels[key], images[key] = *found, answers
    return Predictions(said, labels, images, len(done), tuple(odd))


def of_row(folders: tuple[Path, ...], key: str, digest: object, answers: object,
           accuracy: float) -> tuple[np.ndarray, np.ndarray] | None:  # fmt: skip
    """What the network says and the right answers; None where the row names none or a file is not there.

    Raises Odd where a file does not fit the row.
    """
    if not (isinstance(digest, str) and isinstance(answers, str)):
        return None
    for folder in folders:
        said = _read(folder, key, digest)
        right = _read(folder, f"labels-{answers}", answers)
        if said is None or right is None:
            continue
        path = folder / FOLDER / f"{key}.npy"
        if said.shape != right.shape or not said.size:
            raise Odd(f"{path} holds {said.size} images, the right answers {right.size}")
        if abs((share := 100 * float((said == right).mean())) - accuracy) > 1e-6:
            raise Odd(f"{path} gives an accuracy of {share:.4f} %, its row {accuracy:.4f} %")
        return said, right
    return None


def _read(folder: Path, name: str, digest: str) -> np.ndarray | None:
    """Classes [images]; None where there is no such file. Raises Odd where it is another's or none."""
    if not re.fullmatch(r"[A-Za-z0-9-]+", name):
        return None
    path = folder / FOLDER / f"{name}.npy"
    try:
        content = _content(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Odd(f"{path} cannot be read: {error.strerror}") from None
    found = _classes(content)
    if found is None:
        raise Odd(f"{path} is no list of classes")
    if hashlib.sha256(found.dtype.str.encode() + found.tobytes()).hexdigest()[:16] != digest:
        raise Odd(f"{path} is not what its training wrote: its digest differs")
    return found


def _content(path: Path) -> bytes:
    """Of a regular file, through no link. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "no regular file")
        return file.read(LARGEST)


def _classes(content: bytes) -> np.ndarray | None:
    """A .npy file's array; None where it is no flat one of unsigned integers. Nothing in it is executed."""
    file = io.BytesIO(content)
    try:
        if npy.read_magic(file) != (1, 0):
            return None
        shape, _, kind = npy.read_array_header_1_0(file)
    except Exception:  # numpy's own, of any content
        return None
    flat = kind.str in TYPES and len(shape) == 1
    if not flat or shape[0] * kind.itemsize != len(content) - file.tell():
        return None
    return np.frombuffer(content, kind, offset=file.tell())
