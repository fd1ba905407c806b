"""Checkpoints: written atomically, with a digest, loaded without executing anything in them."""

import hashlib
import io
import re
import time
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from harness.errors import first_line
from harness.storage.folder import CHECKPOINTS, WEIGHTS
from harness.storage.store import Store, store_at

FORMAT = 1  # raised where what lies in a checkpoint changes
UNFIT = ".unfit"  # after the name of one that was set aside
KEPT = 2  # so that a corrupt newest one leaves the one before
SMALL = 2**20  # bytes; so little is written after every epoch, however short
PART = 0.01  # of a trial's time that larger ones may take


OWNER = "owner"
FILE = re.compile(r"[0-9]{6}\.pt")


class Superseded(Exception):
    """Someone else has taken the job over, while this process was cut off or orphaned."""


class Checkpoints:
    """The checkpoints of one job, one file per epoch."""

    def __init__(self, where: Path | Store) -> None:
        self.store = store_at(where)
        self._token = uuid.uuid4().hex
        self._next = 0.0  # when one is due

    def claim(self) -> None:
        """From now on nobody who claimed them before may save."""
        self.store.make()
        self.store.put(OWNER, self._token.encode(), durable=False)

    def check(self) -> None:
        """Raises Superseded where someone claimed them since, OSError where they are gone."""
        if (owner := self.store.get(OWNER)) is None:
            raise FileNotFoundError(f"{self.store} has no {OWNER} any more")
        if owner.decode() != self._token:
            raise Superseded(str(self.store))

    def save(self, epoch: int, state: dict[str, Any], due: bool = False) -> None:
        """Raises OSError where the disk is full; nothing already written is harmed. Raises Superseded.

        After epochs that are short beside it, a large one is left out until it takes no more than PART of the time,
        unless it is `due`.
        """
        start = time.perf_counter()
        if start < self._next and not due:
            return self.check()
        content = packed({"format": FORMAT, "key": self.store.name, **state})
        self.check()
        self.store.put(_file(epoch), content)
        self._keep_up_to(epoch)
        if len(content) > SMALL:
            end = time.perf_counter()
            self._next = end + (end - start) / PART

    def _keep_up_to(self, epoch: int) -> None:
        """Of later ones none could be loaded, or the trial would not be at this epoch."""
        known = self._epochs()
        for later in (one for one in known if one > epoch):
            set_aside(self.store, _file(later))
        for old in [one for one in known if one <= epoch][:-KEPT]:
            self.store.delete(_file(old))

    def load(self) -> tuple[int, dict[str, Any]] | None:
        """The newest whole one: (epoch, state)."""
        for epoch in reversed(self._epochs()):
            if (state := unpacked(self.store.get(_file(epoch)))) is not None:
                return epoch, state
        return None

    def fault(self, state: dict[str, Any]) -> str:
        """Why a state that was loaded is none of this job or of this version; '' where it is."""
        if (found := state.get("format", FORMAT)) != FORMAT:  # the first had no number
            return f"it is of format {found}, and this version reads {FORMAT}"
        if (key := state.get("key", self.store.name)) != self.store.name:
            return f"it belongs to the trial {key}"
        return ""

    def set_aside(self) -> None:
        """All of them."""
        for epoch in self._epochs():
            set_aside(self.store, _file(epoch))

    def remove(self) -> None:
        self.store.clear()

    def bytes(self) -> int:
        """Of the newest one; 0 where there is none."""
        sizes = {name: size for name, size in self.store.sizes().items() if FILE.fullmatch(name)}
        return sizes[max(sizes)] if sizes else 0

    def _epochs(self) -> list[int]:
        return sorted(int(name[:6]) for name in self.store.sizes() if FILE.fullmatch(name))


def _file(epoch: int) -> str:
    return f"{epoch:06d}.pt"


def of_job(where: Path | Store, key: str) -> Checkpoints:
    """`where`: the study's place."""
    return Checkpoints(store_at(where).at(f"{CHECKPOINTS}/{key}"))


def packed(state: dict[str, Any]) -> bytes:
    """A SHA-256 digest, then what `torch.save` writes."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    body = buffer.getvalue()
    return hashlib.sha256(body).digest() + body


def unpacked(content: Path | bytes | None) -> dict[str, Any] | None:
    """What was packed, in a file too, on the CPU; None where it is missing or damaged."""
    if isinstance(content, Path):
        content = content.read_bytes() if content.exists() else None
    if content is None or hashlib.sha256(content[32:]).digest() != content[:32]:
        return None
    try:
        state = torch.load(io.BytesIO(content[32:]), weights_only=True, map_location="cpu")
    except Exception:  # pickle's own errors: a digest can stand before anything
        return None
    return state if isinstance(state, dict) else None


def set_aside(store: Store, name: str) -> str:
    """Renames what does not fit, so that nobody reads it and nothing is lost; returns its new name."""
    store.rename(name, name + UNFIT)
    return name + UNFIT


def sweep(folder: Path, ended: Collection[str]) -> None:
    """Takes away what killed writers left in a study's folder: half-written files, checkpoints of `ended` jobs."""
    for temporary in [*folder.glob(".*.tmp"), *folder.glob("checkpoints/*/.*.tmp"),
                      *folder.glob("predictions/.*.tmp"), *folder.glob("weights/.*.tmp")]:  # fmt: skip
        temporary.unlink(missing_ok=True)
    sweep_ended(folder, ended)


def sweep_ended(where: Path | Store, ended: Collection[str]) -> None:
    """Takes away checkpoints of `ended` jobs."""
    found = store_at(where).at(CHECKPOINTS)
    for key in found.places():
        if key in ended:
            found.at(key).clear()


def weights(where: Path | Store) -> Store:
    """Those that are kept for other jobs, a file `KEY.pt` each."""
    return store_at(where).at(WEIGHTS)


def keep(where: Path | Store, key: str, state: dict[str, Any]) -> None:
    """Durable and whole when it returns. Raises OSError where the disk is full."""
    kept = weights(where)
    kept.make()
    kept.put(f"{key}.pt", packed(state))


@contextmanager
def fitting(where: Path | Store, key: str) -> Iterator[None]:
    """Around the use of kept weights: those that do not fit are set aside, so that the next command trains them anew.

    Raises ValueError then.
    """
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except (ValueError, RuntimeError, LookupError) as error:
        aside = set_aside(weights(where), f"{key}.pt")
        raise ValueError(f"the weights of {key} do not fit ({first_line(error)}); they are set aside as {aside}, "
                         "and the same command trains them anew") from None  # fmt: skip


def kept(where: Path | Store, key: str) -> dict[str, Any]:
    """The state. Raises OSError where it is missing or damaged: the place is in trouble, not the trial."""
    found: dict[str, Any] | None = unpacked(weights(where).get(f"{key}.pt"))
    if found is None:
        raise OSError(f"{weights(where)}/{key}.pt is missing or damaged")
    return found
