"""Files cut into pieces with their SHA-256, which `unpack` joins. Standard library only."""

import argparse
import hashlib
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gpu_kit.unpack import MANIFEST, sha256


def cut(whole: Path, out: Path, limit: int) -> dict[str, Any]:
    """Moves a file's bytes into equal pieces of at most `limit` bytes; returns what the manifest says of it."""
    size = whole.stat().st_size
    count = max(1, -(-size // limit))
    found: dict[str, Any] = {"name": whole.name, "bytes": size, "sha256": sha256(whole), "pieces": []}
    with open(whole, "rb") as source:
        for number in range(count):
            content = source.read(-(-size // count))
            piece = out / f"{whole.name}.{number:02d}"
            piece.write_bytes(content)
            digest = hashlib.sha256(content).hexdigest()
            found["pieces"].append({"name": piece.name, "bytes": len(content), "sha256": digest})
    whole.unlink()
    return found


def write_manifest(out: Path, content: Mapping[str, Any]) -> None:
    """Last of all, so that pieces with a manifest are whole."""
    part = out / f".{MANIFEST}"
    part.write_text(json.dumps(content, indent=1))
    os.replace(part, out / MANIFEST)


def positive(text: str) -> float:
    """Of an option: megabytes or minutes. Raises ArgumentTypeError."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.001 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0.001 on")
    return value
