"""Where checkpoints and kept weights lie: in the results folder, or at a URL that every machine reaches."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import Protocol

from harness.storage.files import write_atomically

LOOKS = 100  # at a folder in which files come and go
PATIENCE = 100.0  # seconds for which a worker tries a broken connection again


class Unreachable(OSError):
    """A place at a URL does not answer, for longer than it was tried, or refuses access."""


class Refused(Unreachable):
    """It answers, and says no: another attempt would get the same answer."""


class Store(Protocol):
    """Small files by name, below one place. All but `make` and `at` raise OSError where the place is in trouble."""

    @property
    def name(self) -> str:
        """The last part of the place's own name."""
        ...

    @property
    def url(self) -> str | None:
        """None for a folder."""
        ...

    def at(self, below: str) -> "Store":
        """A place below this one."""
        ...

    def make(self) -> None:
        """From now on files can be put."""
        ...

    def put(self, name: str, content: bytes, durable: bool = True) -> None:
        """The old content or the new, never a part."""
        ...

    def get(self, name: str) -> bytes | None:
        """None where there is no such file."""
        ...

    def sizes(self) -> dict[str, int]:
        """Name → bytes of the files that lie here, not deeper."""
        ...

    def places(self) -> list[str]:
        """Names of the places right below this one."""
        ...

    def rename(self, name: str, new: str) -> None: ...
    def delete(self, name: str) -> None:
        """A file that may be gone already."""
        ...

    def clear(self) -> None:
        """Everything here and below, as far as it can be removed."""
        ...


@dataclass(frozen=True)
class Folder:
    """A Store on a disk that is mounted here."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def url(self) -> None:
        return None

    def at(self, below: str) -> "Folder":
        return Folder(self.path / below)

    def make(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True)

    def put(self, name: str, content: bytes, durable: bool = True) -> None:
        write_atomically(self.path / name, content, durable)

    def get(self, name: str) -> bytes | None:
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            return None

    def sizes(self) -> dict[str, int]:
        """Somebody may write and delete meanwhile: where a file is gone by the time that it is looked at, its successor
        may not have been listed, so all are listed again; after LOOKS times what is gone is left out."""
        for _ in range(LOOKS):
            found = _listed(self.path)
            if None not in found.values():
                break
        return {name: status.st_size for name, status in found.items() if status and S_ISREG(status.st_mode)}

    def places(self) -> list[str]:
        return [path.name for path in self.path.glob("*")]

    def rename(self, name: str, new: str) -> None:
        os.replace(self.path / name, self.path / new)

    def delete(self, name: str) -> None:
        (self.path / name).unlink(missing_ok=True)

    def clear(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


def _listed(folder: Path) -> dict[str, os.stat_result | None]:
    """None for what is gone already."""
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return {name: _status(folder / name) for name in names}


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def store_at(where: "Path | Store") -> Store:
    return Folder(where) if isinstance(where, Path) else where


def store_of(folder: Path, url: str | None, patience: float = PATIENCE) -> Store:
    """Of a study with results in `folder`. Raises Unreachable where the URL is none that can be opened."""
    if url is None:
        return Folder(folder)
    from harness.storage.bucket import Bucket  # imports pyarrow, which takes time

    return Bucket.opened(url, patience)
