"""What a folder holds, compressed or not: its study.json, a report's numbers, and the lines of its rows."""

import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from analysis.results.protocol_view import Damaged

OPENED: Mapping[str, Callable[[Path], gzip.GzipFile | lzma.LZMAFile]] = {
    "trials.jsonl.gz": gzip.open,
    "trials.jsonl.xz": lzma.open,
}
DAMAGE = (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError)


def study_bytes(folder: Path) -> bytes:
    """Raises FileNotFoundError where there is no study.json, compressed or not; Damaged where the compressed one is."""
    return content(folder / "study.json")


def packed(path: Path) -> Path:
    """Where `path` is kept compressed."""
    return path.with_name(f"{path.name}.xz")


def kept_as(path: Path) -> Path:
    """`path`, or `path`.xz where that alone is there."""
    return packed(path) if packed(path).exists() and not path.exists() else path


def content(path: Path) -> bytes:
    """Of `path`, or of `path`.xz where that alone is there. Raises as `study_bytes` does."""
    return path.read_bytes() if (kept := kept_as(path)) == path else unpacked(kept)


def unpacked(kept: Path) -> bytes:
    """Raises Damaged."""
    try:
        return lzma.decompress(kept.read_bytes())
    except DAMAGE as error:
        raise _damaged(kept, error) from None


def lines(folder: Path) -> Iterator[bytes]:
    """Any of the files may be absent. Raises Damaged where a compressed one is."""
    for name, opened in OPENED.items():
        if (kept := folder / name).exists():
            try:
                with opened(kept) as file:
                    yield from file
            except DAMAGE as error:
                raise _damaged(kept, error) from None
    if (path := folder / "trials.jsonl").exists():
        with path.open("rb") as file:
            yield from file


def _damaged(kept: Path, error: Exception) -> Damaged:
    return Damaged(f"{kept} is damaged ({error}); take it from where it was kept")
