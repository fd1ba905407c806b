"""Packs code, wheels and data for a GPU machine without network into pieces that one can copy there.

python -m kit.build --out DIR [--data-root DIR] [--python 3.12] [--no-wheels]

DIR then holds `run.py`, the pieces and `kit.json`, which has their SHA-256. There: `python3 run.py --help`.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PIECE = 54_000_000  # bytes
PACKAGES = ("harness", "spaces", "analysis", "benchmarks")
DATA = "cifar-10-batches-py"  # below the data root
NEEDED = ("pydantic", "optuna", "deap", "rich", "tabulate", "matplotlib")  # that such a machine may lack
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64", "manylinux_2_5_x86_64")


def code(into: Path) -> None:
    """The files of our packages that git has."""
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", *PACKAGES], check=True, capture_output=True, text=True)
    for name in listed.stdout.splitlines():
        if (ROOT / name).suffix in (".py", ".toml", ".html", ".css"):
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, into / name)


def wheels(into: Path, python: str) -> None:
    """With what they need in turn. Raises CalledProcessError where pip cannot have them."""
    platforms = [word for platform in PLATFORMS for word in ("--platform", platform)]
    chosen = ["--only-binary=:all:", "--python-version", python, *platforms]
    known = ["-c", str(ROOT / "constraints.txt"), "-d", str(into)]
    subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", *chosen, *known, *NEEDED], check=True)


def pieces(archive: Path, out: Path) -> Iterator[dict[str, str | int]]:
    """Cuts the archive up: the name, bytes and SHA-256 of each piece."""
    with archive.open("rb") as whole:
        for number in range(archive.stat().st_size // PIECE + 1):
            if content := whole.read(PIECE):
                name = f"kit.{number:02d}"
                (out / name).write_bytes(content)
                yield {"name": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def build(out: Path, data: Path | None, python: str | None) -> None:
    """`python`: for which version wheels are fetched; without one, none are."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        inside = Path(folder) / "inside"
        for name in ("code", "wheels", "data"):
            (inside / name).mkdir(parents=True)
        code(inside / "code")
        if python:
            wheels(inside / "wheels", python)
        if data:
            shutil.copytree(data / DATA, inside / "data" / DATA)
        archive = Path(folder) / "kit.tar.xz"
        with tarfile.open(archive, "w:xz", preset=1) as packed:
            packed.add(inside, ".")
        found = list(pieces(archive, out))
    (out / "kit.json").write_text(json.dumps({"pieces": found}, indent=1) + "\n")
    shutil.copyfile(Path(__file__).with_name("run.py"), out / "run.py")
    print(f"{out}: {len(found)} pieces, {sum(int(one['bytes']) for one in found) / 1e6:.0f} MB")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--out", type=Path, required=True)
    options.add_argument("--data-root", type=Path)
    options.add_argument("--python", default="3.12")
    options.add_argument("--no-wheels", action="store_true")
    chosen = options.parse_args()
    build(chosen.out, chosen.data_root, None if chosen.no_wheels else chosen.python)


if __name__ == "__main__":
    main()
