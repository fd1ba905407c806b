"""The lines of a folder's rows: of compressed files, then of the file that a run appends to."""

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


def lines(folder: Path) -> Iterator[bytes]:
    """Any of the files may be absent. Raises Damaged where a compressed one is."""
    for name, unpacked in OPENED.items():
        if (kept := folder / name).exists():
            try:
                with unpacked(kept) as file:
                    yield from file
            except DAMAGE as error:
                raise Damaged(f"{kept} is damaged ({error}); take it from where it was kept") from None
    if (path := folder / "trials.jsonl").exists():
        with path.open("rb") as file:
            yield from file
