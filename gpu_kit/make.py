"""Makes a kit: all that a GPU machine without network needs beside torch, in pieces that are easily copied.

python -m gpu_kit.make --data-root DATA [--out build/gpu-kit] [--python 3.12] [--piece-mb 54] [--bare]

The kit holds the code of HEAD, wheels, and CIFAR-10. `unpack.py` beside the pieces joins, checks and unpacks them.
Exit status 2: something is missing here, and a line says what.
"""

import argparse
import lzma
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gpu_kit import pieces, wheels
from gpu_kit.images import coded
from gpu_kit.pieces import positive
from gpu_kit.unpack import BATCHES, CODE, CODED, DATA, MANIFEST, WHEELS, Unusable
from harness.data import datasets
from harness.errors import BadInput

ROOT = Path(__file__).resolve().parents[1]
MB = 10**6
OF_DATA = "*batch*"  # what torchvision reads
TEMPORARY = ".making-"
_PACKS = "|".join(map(re.escape, (CODE, WHEELS, DATA)))
OWN = re.compile(rf"({_PACKS})\.\d+|{re.escape(MANIFEST)}|unpack\.py")  # files of a kit


def make(out: Path, data: Path | None, python: str, names: tuple[str, ...], limit: int) -> dict[str, Any]:
    """Writes the kit into the folder `out` and returns its manifest.

    `data`: a data root with CIFAR-10, which is left out for None; `limit`: bytes of a piece. Raises Unusable.
    """
    _clear(out)
    with tempfile.TemporaryDirectory(dir=out, prefix=TEMPORARY) as place:
        temporary = Path(place)
        packs = [_code(temporary), _wheels(temporary, python, names)]
        packs += [_data(temporary, data / BATCHES)] if data else []
        found = {"commit": commit(), "python": python, "packs": [pieces.cut(pack, out, limit) for pack in packs]}
    shutil.copy(ROOT / "gpu_kit" / "unpack.py", out)
    pieces.write_manifest(out, found)
    return found


def _clear(out: Path) -> None:
    """Removes an older kit, and nothing else. Raises Unusable where something else lies there."""
    out.mkdir(parents=True, exist_ok=True)
    found = sorted(path for path in out.iterdir() if not path.name.startswith(TEMPORARY))
    if strange := [path for path in found if not OWN.fullmatch(path.name)]:
        raise Unusable(f"{strange[0]} is of no kit; give another --out")
    for path in found:
        path.unlink()


def _git(*arguments: str) -> bytes:
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True)
    if done.returncode:
        raise Unusable(f"{ROOT} is no git checkout whose HEAD can be packed ({done.stderr.decode().strip()})")
    return done.stdout


def commit() -> str:
    return _git("rev-parse", "HEAD").decode().strip()


def _code(temporary: Path) -> Path:
    path = temporary / CODE
    path.write_bytes(lzma.compress(_git("archive", "--format=tar", "HEAD")))
    return path


def _wheels(temporary: Path, python: str, names: tuple[str, ...]) -> Path:
    folder = temporary / "wheels"
    wheels.fetch(folder, python, names, ROOT / "constraints.txt")
    return _tar(temporary / WHEELS, folder.iterdir())


def _data(temporary: Path, batches: Path) -> Path:
    folder = temporary / "data"
    folder.mkdir()
    for file in sorted(batches.glob(OF_DATA)):
        (folder / f"{file.name}{CODED}").write_bytes(coded(file.read_bytes()))
    return _tar(temporary / DATA, folder.iterdir())


def _tar(path: Path, files: Iterable[Path]) -> Path:
    with tarfile.open(path, "w") as tar:
        for file in sorted(files):
            tar.add(file, file.name)
    return path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Makes a kit for a GPU machine without network.")
    parser.add_argument("--data-root", help="folder of the data sets; default: NAS_HARNESS_DATA")
    parser.add_argument("--download", action="store_true", help="fetch CIFAR-10 into --data-root where it is missing")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "gpu-kit", help="default: build/gpu-kit")
    parser.add_argument("--python", default="3.12", help="the Python of that machine; default: 3.12")
    parser.add_argument("--piece-mb", type=positive, default=54, help="the largest piece; default: 54")
    parser.add_argument("--bare", action="store_true", help="bring all but torch: pandas and SciPy, too")
    return parser


def main() -> None:
    options = _parser().parse_args()
    names = (*wheels.SMALL, *wheels.LARGE) if options.bare else wheels.SMALL
    try:
        root = datasets.data_root(options.data_root)
        datasets.load({"name": "cifar10"}, root, options.download)  # compares torchvision's checksums
        found = make(options.out, root, options.python, names, int(options.piece_mb * MB))
    except (Unusable, BadInput) as error:
        sys.exit(_said(error))
    if _git("status", "--porcelain", "--untracked-files=no"):
        print("gpu-kit: changes that are not committed are not in the kit", file=sys.stderr)
    for pack in found["packs"]:
        print(f"{pack['name']}: {pack['bytes'] / MB:.1f} MB, pieces: {len(pack['pieces'])}")
    print(f"{options.out}: the kit of {found['commit'][:12]}, for Python {found['python']}; copy all of it")


def _said(error: object) -> int:
    print(f"gpu-kit: {error}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    main()
