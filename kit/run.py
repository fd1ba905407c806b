"""Joins a kit that `make gpu-kit` packed, checks it, and runs studies for some minutes; needs Python and torch alone.

python3 run.py [STUDY …] [--kit DIR] [--home DIR] [--results DIR] [--minutes 9] [-- OPTIONS OF nas-harness run]

Studies are run one after another, by default study 1 and then study 2 in full. The exit status is 0 when all are done
and 3 when the time is up: bring the results folder back, put it there again, and the same command carries on.
"""

import argparse
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

STUDIES = ["cell-cifar10", "shortcut-cifar10"]
UNFINISHED = 3
GRACE = 40.0  # seconds in which an interrupted run writes what it has
HERE = Path(__file__).resolve().parent


def unpacked(kit: Path, home: Path) -> Path:
    """The kit's folder below `home`; unpacked once. Exits with one line where a piece is missing or damaged."""
    described = (kit / "kit.json").read_bytes()
    inside = home / f"kit-{hashlib.sha256(described).hexdigest()[:12]}"
    if inside.is_dir():
        return inside
    home.mkdir(parents=True, exist_ok=True)
    joined, begun = home / "kit.tar.xz", home / "kit-begun"
    with joined.open("wb") as whole:
        for piece in json.loads(described)["pieces"]:
            whole.write(checked(kit / piece["name"], piece["sha256"]))
    shutil.rmtree(begun, ignore_errors=True)
    with tarfile.open(joined) as packed:
        packed.extractall(begun, filter="data")
    joined.unlink()
    begun.rename(inside)
    return inside


def checked(path: Path, sha256: str) -> bytes:
    if not path.is_file():
        sys.exit(f"{path} is missing; copy it here")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        sys.exit(f"{path} is damaged; copy it here again")
    return content


def installed(inside: Path) -> Path:
    """A folder with those packages that this Python lacks."""
    site = inside / "site"
    lacking = [wheel for wheel in sorted((inside / "wheels").glob("*.whl")) if not there(wheel.name.split("-")[0])]
    if lacking and not site.is_dir():
        begun = inside / "site-begun"
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", str(begun)]
        subprocess.run([*pip, *map(str, lacking)], check=True)
        begun.rename(site)
    return site


def there(package: str) -> bool:
    try:
        return bool(version(package))
    except PackageNotFoundError:
        return False


def run(command: list[str], environment: dict[str, str], until: float) -> int | None:
    """The exit status; None where the time was up first, and the run was interrupted as by Ctrl-C."""
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    try:
        return process.wait(max(0.0, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return None


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("studies", nargs="*", metavar="STUDY")
    options.add_argument("--kit", type=Path, default=HERE)
    options.add_argument("--home", type=Path, default=HERE / "unpacked")
    options.add_argument("--results", type=Path, default=HERE / "results")
    options.add_argument("--minutes", type=float, default=9.0)
    given = sys.argv[1:]
    split = given.index("--") if "--" in given else len(given)
    chosen, more = options.parse_args(given[:split]), given[split + 1 :]
    until = time.monotonic() + 60 * chosen.minutes - GRACE
    inside = unpacked(chosen.kit.resolve(), chosen.home.resolve())
    paths = [str(inside / "code"), str(installed(inside)), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    own = ["--results", str(chosen.results.resolve()), "--data-root", str(inside / "data"), "--executor", "in-process"]
    for study in chosen.studies or STUDIES:
        status = run([sys.executable, "-m", "harness", "run", study, *own, *more], environment, until)
        if status is None:
            print(f"{study}: the time is up; bring {chosen.results} back, the same command carries on")
            return UNFINISHED
        if status:
            return status
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
