"""What a row says of where it was made."""

import platform
import socket
import subprocess
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from harness.storage.archived import COMMIT

PACKAGES = ("torch", "torchvision", "ray", "optuna", "numpy", "nas-harness")


@lru_cache
def here() -> dict[str, Any]:
    """Versions of this process, and the commit of the harness's own source tree (null where it is installed).

    Whether an archive of the tree, which names its commit, was changed since is not known, nor where git does not say.
    """
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    if commit := archived(COMMIT):  # which may lie in somebody else's checkout
        return {"versions": versions, "commit": commit, "dirty": None}
    commit = _git("rev-parse", "HEAD")
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", "harness", "spaces") if commit else None
    return {"versions": versions, "commit": commit, "dirty": None if changed is None else bool(changed)}


def archived(written: str) -> str | None:
    """The commit that `git archive` wrote there; None in a checkout, where it writes nothing."""
    return None if written.startswith("$") else written


def now() -> str:
    """In UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def host() -> str:
    return socket.gethostname()


def _git(*arguments: str) -> str | None:
    root = Path(__file__).resolve().parents[2]
    if not (root / "pyproject.toml").exists():
        return None
    try:
        found = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() if found.returncode == 0 else None
