"""Checkpoints: written atomically, with a digest, loaded without executing anything in them."""

import hashlib
import io
import os
import shutil
from pathlib import Path
from typing import Any

import torch

KEPT = 2  # so that a corrupt newest one leaves the one before


class Checkpoints:
    """The checkpoints of one job, one file per epoch: a SHA-256 digest, then what `torch.save` writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, epoch: int, state: dict[str, Any]) -> None:
        """Raises OSError where the disk is full; nothing already written is harmed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        buffer = io.BytesIO()
        torch.save(state, buffer)
        body = buffer.getvalue()
        write_atomically(self._path(epoch), hashlib.sha256(body).digest() + body)
        for old in self._epochs()[:-KEPT]:
            self._path(old).unlink(missing_ok=True)

    def load(self) -> tuple[int, dict[str, Any]] | None:
        """The newest whole one: (epoch, state)."""
        for epoch in reversed(self._epochs()):
            content = self._path(epoch).read_bytes()
            if hashlib.sha256(content[32:]).digest() == content[:32]:
                return epoch, torch.load(io.BytesIO(content[32:]), weights_only=True, map_location="cpu")
        return None

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, epoch: int) -> Path:
        return self.folder / f"{epoch:06d}.pt"

    def _epochs(self) -> list[int]:
        return sorted(int(path.stem) for path in self.folder.glob("??????.pt"))


def write_atomically(path: Path, content: bytes) -> None:
    """The old content or the new, never a part: a temporary file beside it, synced, then renamed."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
