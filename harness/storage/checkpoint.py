"""Checkpoints: written atomically, with a digest, loaded without executing anything in them."""

import hashlib
import io
import os
import shutil
import time
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from harness.errors import first_line
from harness.storage.files import write_atomically
from harness.storage.folder import weights_file

FORMAT = 1  # raised where what lies in a checkpoint changes
UNFIT = ".unfit"  # after the name of one that was set aside
KEPT = 2  # so that a corrupt newest one leaves the one before
SMALL = 2**20  # bytes; so little is written after every epoch, however short
PART = 0.01  # of a trial's time that larger ones may take


class Superseded(Exception):
    """Someone else has taken the job over, while this process was cut off or orphaned."""


class Checkpoints:
    """The checkpoints of one job, one file per epoch."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._token = uuid.uuid4().hex
        self._next = 0.0  # when one is due

    def claim(self) -> None:
        """From now on nobody who claimed them before may save."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomically(self._owner, self._token.encode(), durable=False)

    def check(self) -> None:
        """Raises Superseded where someone claimed them since."""
        if self._owner.read_text() != self._token:
            raise Superseded(str(self.folder))

    def save(self, epoch: int, state: dict[str, Any], due: bool = False) -> None:
        """Raises OSError where the disk is full; nothing already written is harmed. Raises Superseded.

        After epochs that are short beside it, a large one is left out until it takes no more than PART of the time,
        unless it is `due`.
        """
        start = time.perf_counter()
        if start < self._next and not due:
            return self.check()
        content = packed({"format": FORMAT, "key": self.folder.name, **state})
        self.check()
        write_atomically(self._path(epoch), content)
        for old in self._epochs()[:-KEPT]:
            self._path(old).unlink(missing_ok=True)
        if len(content) > SMALL:
            end = time.perf_counter()
            self._next = end + (end - start) / PART

    def load(self) -> tuple[int, dict[str, Any]] | None:
        """The newest whole one: (epoch, state)."""
        for epoch in reversed(self._epochs()):
            if (state := unpacked(self._path(epoch))) is not None:
                return epoch, state
        return None

    def fault(self, state: dict[str, Any]) -> str:
        """Why a state that was loaded is none of this job or of this version; '' where it is."""
        if (found := state.get("format", FORMAT)) != FORMAT:  # the first had no number
            return f"it is of format {found}, and this version reads {FORMAT}"
        if (key := state.get("key", self.folder.name)) != self.folder.name:
            return f"it belongs to the trial {key}"
        return ""

    def set_aside(self) -> None:
        """All of them."""
        for epoch in self._epochs():
            set_aside(self._path(epoch))

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def bytes(self) -> int:
        """Of the newest one; 0 where there is none."""
        epochs = self._epochs()
        return self._path(epochs[-1]).stat().st_size if epochs else 0

    @property
    def _owner(self) -> Path:
        return self.folder / "owner"

    def _path(self, epoch: int) -> Path:
        return self.folder / f"{epoch:06d}.pt"

    def _epochs(self) -> list[int]:
        return sorted(int(path.stem) for path in self.folder.glob("[0-9]" * 6 + ".pt"))


def packed(state: dict[str, Any]) -> bytes:
    """A SHA-256 digest, then what `torch.save` writes."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    body = buffer.getvalue()
    return hashlib.sha256(body).digest() + body


def unpacked(path: Path) -> dict[str, Any] | None:
    """What was packed, on the CPU; None where the file is missing or damaged."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    if hashlib.sha256(content[32:]).digest() != content[:32]:
        return None
    try:
        state = torch.load(io.BytesIO(content[32:]), weights_only=True, map_location="cpu")
    except Exception:  # pickle's own errors: a digest can stand before anything
        return None
    return state if isinstance(state, dict) else None


def set_aside(path: Path) -> Path:
    """Renames what does not fit, so that nobody reads it and nothing is lost; returns where it is."""
    aside = path.with_name(path.name + UNFIT)
    os.replace(path, aside)
    return aside


def sweep(folder: Path, ended: Collection[str]) -> None:
    """Takes away what killed writers left in a study's folder: half-written files, checkpoints of `ended` jobs."""
    for temporary in [*folder.glob(".*.tmp"), *folder.glob("checkpoints/*/.*.tmp"),
                      *folder.glob("predictions/.*.tmp")]:  # fmt: skip
        temporary.unlink(missing_ok=True)
    for found in folder.glob("checkpoints/*"):
        if found.name in ended:
            shutil.rmtree(found, ignore_errors=True)


def keep(folder: Path, key: str, state: dict[str, Any]) -> None:
    """Durable and whole when it returns. Raises OSError where the disk is full."""
    target = weights_file(folder, key)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(target, packed(state))


@contextmanager
def fitting(folder: Path, key: str) -> Iterator[None]:
    """Around the use of kept weights: those that do not fit are set aside, so that the next command trains them anew.

    Raises ValueError then.
    """
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except (ValueError, RuntimeError, LookupError) as error:
        aside = set_aside(weights_file(folder, key))
        raise ValueError(f"the weights of {key} do not fit ({first_line(error)}); they are set aside as {aside.name}, "
                         "and the same command trains them anew") from None  # fmt: skip


def kept(folder: Path, key: str) -> dict[str, Any]:
    """The state. Raises OSError where it is missing or damaged: the place is in trouble, not the trial."""
    found: dict[str, Any] | None = unpacked(weights_file(folder, key))
    if found is None:
        raise OSError(f"{weights_file(folder, key)} is missing or damaged")
    return found
