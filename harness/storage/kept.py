"""Files of finished studies, kept compressed and read alone: by gzip, or by xz, which packs long histories better."""

import gzip
import lzma
import zlib
from collections.abc import Iterator
from pathlib import Path

from harness.errors import BadInput

DAMAGE = (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError)


def kept_file(folder: Path) -> Path:
    return folder / "trials.jsonl.gz"


def smaller_file(folder: Path) -> Path:
    return folder / "trials.jsonl.xz"


def kept_study(folder: Path) -> Path:
    return folder / "study.json.xz"


def unpacked(path: Path) -> bytes:
    """Raises BadInput where it is damaged."""
    try:
        with _opened(path) as file:
            return file.read()
    except DAMAGE as error:
        raise _damaged(path, error) from None


def kept_lines(folder: Path) -> Iterator[tuple[Path, list[bytes]]]:
    """Each compressed file that is there, with its lines. Raises BadInput where one is damaged."""
    for path in (kept_file(folder), smaller_file(folder)):
        if path.exists():
            try:
                with _opened(path) as file:
                    yield path, file.readlines()
            except DAMAGE as error:
                raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> BadInput:
    return BadInput(f"{path} is damaged ({error}); take it from where it was kept")


def _opened(path: Path) -> gzip.GzipFile | lzma.LZMAFile:
    return lzma.open(path) if path.suffix == ".xz" else gzip.open(path)
