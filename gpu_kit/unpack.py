"""Joins the pieces of a kit, checks them by SHA-256, and unpacks them into a new folder. Standard library and NumPy.

python3 unpack.py FOLDER

It lies beside the pieces and `manifest.json`. FOLDER becomes a checkout of the code, with wheels unpacked in
build/site and CIFAR-10 in build/data. Exit status 2: something is missing or damaged, and a line says what.
"""

import argparse
import hashlib
import json
import shutil
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"
CODE, WHEELS, DATA = "code.tar.xz", "wheels.tar", "data.tar"
BATCHES = "cifar-10-batches-py"  # torchvision's folder
CODED = ".coded"  # after the name of a file whose images are coded
BLOCK = 2**20
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


class Unusable(Exception):
    """What is missing or damaged, and what to do, in one line."""


def sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def manifest(folder: Path) -> dict[str, Any]:
    """Raises Unusable."""
    path = folder / MANIFEST
    try:
        found: dict[str, Any] = json.loads(path.read_text())
        _ = [piece["name"] + piece["sha256"] for pack in found["packs"] for piece in (pack, *pack["pieces"])]
        return found
    except FileNotFoundError:
        raise Unusable(f"{path} is missing; copy it there with all pieces") from None
    except (ValueError, TypeError, KeyError):
        raise Unusable(f"{path} is damaged; copy it again") from None


def check(folder: Path, packs: Sequence[dict[str, Any]]) -> None:
    """Raises Unusable naming every piece that is missing, or the first that is not as the manifest says."""
    pieces = [piece for pack in packs for piece in pack["pieces"]]
    if missing := [piece["name"] for piece in pieces if not (folder / piece["name"]).is_file()]:
        raise Unusable(f"{folder} lacks {', '.join(missing)}; copy what is missing there")
    for piece in pieces:
        if sha256(folder / piece["name"]) != piece["sha256"]:
            raise Unusable(f"{folder / piece['name']} has not the SHA-256 of the manifest; copy it again")


def joined(folder: Path, pack: dict[str, Any], into: Path) -> Path:
    """The whole file, in the folder `into`. Raises Unusable where it is not what was cut."""
    whole = into / str(pack["name"])
    with open(whole, "wb") as out:
        for piece in pack["pieces"]:
            with open(folder / piece["name"], "rb") as source:
                shutil.copyfileobj(source, out, BLOCK)
    if sha256(whole) != pack["sha256"]:
        raise Unusable(f"{folder}: the pieces of {pack['name']} do not give the file that was cut; copy all again")
    return whole


def unpack(kit: Path, folder: Path) -> None:
    """Raises Unusable; leaves nothing half unpacked then."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Unusable(f"{folder} is there already; name a new folder")
    said = manifest(kit)
    if not {"python"} <= said.keys() or not {CODE, WHEELS} <= {pack["name"] for pack in said["packs"]}:
        raise Unusable(f"{kit / MANIFEST} is not of a kit, but of what a piece of work took away; copy the kit's again")
    if said["python"] != HERE:
        raise Unusable(f"{sys.executable} is Python {HERE}, and the wheels are for {said['python']}; use that one, or "
                       f"make the kit with --python {HERE}")  # fmt: skip
    packs = {pack["name"]: pack for pack in said["packs"]}
    check(kit, list(packs.values()))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as place:
        whole, temporary = Path(place) / folder.name, Path(place)
        _extract(joined(kit, packs[CODE], temporary), whole)
        _extract(joined(kit, packs[WHEELS], temporary), temporary / "wheels")
        for wheel in sorted((temporary / "wheels").glob("*.whl")):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(whole / "build" / "site")
        if DATA in packs:
            _extract(joined(kit, packs[DATA], temporary), temporary / "data")
            _decode(temporary / "data", whole / "build" / "data" / BATCHES, whole)
        if folder.exists():
            folder.rmdir()
        whole.rename(folder)


def _extract(archive: Path, into: Path) -> None:
    with tarfile.open(archive) as tar:
        tar.extractall(into, filter="data")
    archive.unlink()


def _decode(data: Path, into: Path, code: Path) -> None:
    sys.path.insert(0, str(code))
    try:
        from gpu_kit.images import decoded
    except ImportError as error:
        raise Unusable(f"{sys.executable} has no {error.name}: use the Python that has torch") from None
    into.mkdir(parents=True)
    for file in sorted(data.glob(f"*{CODED}")):
        (into / file.name.removesuffix(CODED)).write_bytes(decoded(file.read_bytes()))


def main() -> None:
    options = argparse.ArgumentParser(description="Joins the pieces of a kit, checks and unpacks them.")
    options.add_argument("folder", type=Path, help="a new folder, which becomes a checkout of the code")
    folder = options.parse_args().folder.expanduser().absolute()
    try:
        unpack(Path(__file__).resolve().parent, folder)
    except Unusable as error:
        sys.exit(_said(error))
    print(f"unpacked; go on with: cd {folder} && python3 -m gpu_kit.run --device cuda --out OUT")


def _said(error: object) -> int:
    print(f"gpu-kit: {error}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    main()
