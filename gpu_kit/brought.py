"""What is taken away from a machine after a piece of work, and what is brought to the next. Standard library only.

Rows and all small files always travel. Checkpoints travel as far as there is room, the newest of each trial alone.
"""

import fcntl
import gzip
import json
import lzma
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

from gpu_kit import pieces
from gpu_kit.unpack import MANIFEST, Unusable, check, joined, manifest

ROWS, CHECKPOINTS = "rows.tar.gz", "checkpoints.tar"
FOLDER, PROTOCOL = "checkpoints", "protocol.jsonl"
PASSING = (".lock", ".stop", "running.json")  # of a run, and of no use after it
Progress = tuple[int, int]


def progress(study: Path) -> Progress:
    """How far a study is: bytes of rows, which are only ever appended, then epochs in checkpoints."""
    return len(_rows(study)), sum(int(path.stem) for path in newest(study))


def _rows(study: Path) -> bytes:
    """All of them, also those that are kept compressed. Raises Unusable where such a file is damaged."""
    found = b""
    for name, opened in (("trials.jsonl.xz", lzma.open), ("trials.jsonl.gz", gzip.open), ("trials.jsonl", open)):
        try:
            with opened(study / name, "rb") as file:
                found += file.read()
        except FileNotFoundError:
            continue
        except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
            raise Unusable(f"{study / name} cannot be read: {error}; mend or remove it") from None
    return found


def _ended(study: Path) -> set[tuple[str, bool]]:
    """Key of each row, and whether that failed, which is not final; a line that was cut off is none."""
    found = set()
    for line in _rows(study).splitlines():
        with suppress(ValueError, TypeError, KeyError, AttributeError):
            row = json.loads(line)
            found.add((str(row["key"]), row.get("status") == "failed"))
    return found


def all_progress(results: Path) -> dict[str, Progress]:
    return {study.name: progress(study) for study in _studies(results)}


def newest(study: Path) -> list[Path]:
    """The newest checkpoint of each trial that has not ended."""
    found: dict[Path, Path] = {}
    for path in sorted((study / FOLDER).glob(f"*/{'[0-9]' * 6}.pt")):
        found[path.parent] = path
    return list(found.values())


def take(results: Path, out: Path, limit: int, piece: int) -> list[str]:
    """Packs the studies in `results` into pieces in the folder `out`, in at most `limit` bytes; returns what to say.

    Raises Unusable where the rows alone take more.
    """
    taken = own(out)
    for folder in (results, out):
        folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=results.parent, prefix=".taking-") as place:
        rows, checkpoints = Path(place) / ROWS, Path(place) / CHECKPOINTS
        files = (path for study in _studies(results) for path in study.rglob("*") if _is_small(path, study))
        _tar(rows, "w:gz", results, files)
        if (room := limit - rows.stat().st_size) < 0:
            raise Unusable(f"the rows take {_mb(rows.stat().st_size)}, more than {_mb(limit)}; give a larger --out-mb")
        fitting, left = _fitting(_checkpoints(results), room - END)
        _tar(checkpoints, "w", results, fitting)
        for path in taken:
            path.unlink()
        packs = [pieces.cut(pack, out, piece) for pack in (rows, checkpoints)]
    pieces.write_manifest(out, {"packs": packs})
    return _words(out, packs, left) if _studies(results) else []


def _fitting(files: Iterable[Path], room: int) -> tuple[list[Path], list[Path]]:
    """The small ones first, and what finds no room."""
    fitting: list[Path] = []
    left: list[Path] = []
    for path in sorted(files, key=lambda path: path.stat().st_size):
        size = path.stat().st_size + OVERHEAD
        (fitting if size <= room else left).append(path)
        room -= size
    return fitting, left


def _tar(archive: Path, mode: Literal["w", "w:gz"], results: Path, files: Iterable[Path]) -> None:
    with tarfile.open(archive, mode) as tar:
        for path in sorted(files):
            tar.add(path, str(path.relative_to(results)))


OVERHEAD = 4096  # bytes that a tar may add to a file, for its names
END = 20_480  # and after the last


def _words(out: Path, packs: Iterable[dict[str, Any]], left: list[Path]) -> list[str]:
    size = sum(pack["bytes"] for pack in packs)
    said = [f"{out}: {_mb(size)}: bring it back whole, and give it to the next piece with --back"]
    if left:
        size = sum(path.stat().st_size for path in left)
        said.append(f"checkpoints of {len(left)} trials ({_mb(size)}) find no room there: these trials begin anew "
                    "elsewhere; a larger --out-mb takes them")  # fmt: skip
    return said


def bring(back: Path, results: Path) -> list[str]:
    """Unpacks what was taken into `results`, where it is further than what lies there and has all of its rows; returns
    what to say.

    Raises Unusable where a piece is missing or damaged.
    """
    packs = manifest(back)["packs"]
    check(back, packs)
    said = []
    results.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=results.parent, prefix=".bringing-") as place:
        for pack in packs:
            with tarfile.open(joined(back, pack, Path(place))) as tar:
                tar.extractall(Path(place) / "results", filter="data")
        for study in _studies(Path(place) / "results"):
            here = results / study.name
            with _held(here) as free:
                if why := "a driver runs it" if not free else _reason_to_stay(study, here):
                    said.append(f"{here}: {why}; it stays as it is")
                    continue
                _replace(here.resolve(), study)
                said.append(f"{here}: brought")
    return said


def _replace(here: Path, study: Path) -> None:
    """What lay there goes only once `study` has its place, and what somebody put beside the study stays."""
    if not here.exists():
        shutil.move(study, here)
        return
    if len(_protocol(here)) > len(_protocol(study)):  # reports that were made here count
        shutil.copy(here / PROTOCOL, study / PROTOCOL)
    old = here.with_name(f".{here.name}-before")
    here.rename(old)
    shutil.move(study, here)
    for path in old.iterdir():
        if path.name not in (FOLDER, *PASSING) and not (here / path.name).exists():
            path.rename(here / path.name)
    shutil.rmtree(old)


def _reason_to_stay(study: Path, here: Path) -> str:
    """Why `study`, which was brought, does not take the place of `here`; '' where it does."""
    if lost := _ended(here) - _ended(study):
        return f"{len(lost)} of its rows are not among those that were brought"
    shorter, longer = sorted((_protocol(study), _protocol(here)), key=len)
    if not longer.startswith(shorter):
        return f"its {PROTOCOL} and the one that was brought each have entries that the other lacks"
    return "it is as far as what was brought, or further" if progress(study) <= progress(here) else ""


def _protocol(study: Path) -> bytes:
    try:
        return (study / PROTOCOL).read_bytes()
    except FileNotFoundError:
        return b""


@contextmanager
def _held(study: Path) -> Iterator[bool]:
    """Whether no driver runs the study; none can start meanwhile."""
    if not study.is_dir():
        yield True
        return
    with open(study / ".lock", "a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True


def _studies(results: Path) -> list[Path]:
    return sorted({path.parent for path in results.glob("*/study.json*")})


def _checkpoints(results: Path) -> list[Path]:
    """Also weights that a trial left for others."""
    return [path for study in _studies(results)
            for path in (*newest(study), *(study / FOLDER / "weights").glob("*.pt"))]  # fmt: skip


def _is_small(path: Path, study: Path) -> bool:
    inside = path.relative_to(study)
    return path.is_file() and inside.parts[0] != FOLDER and inside.name not in PASSING


def own(out: Path) -> list[Path]:
    """What was taken before. Raises Unusable where something else lies there."""
    if out.exists() and not out.is_dir():
        raise Unusable(f"{out} is no folder; give another --out")
    taken = [*out.glob(f"{ROWS}.*"), *out.glob(f"{CHECKPOINTS}.*"), *out.glob(MANIFEST)]
    if strange := sorted(set(out.iterdir()) - set(taken) if out.exists() else ()):
        raise Unusable(f"{strange[0]} was not taken from a machine; give another --out")
    return taken


def _mb(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
