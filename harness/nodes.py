"""Whether every machine of a cluster sees the same results, the same data and the same code. Nothing of Ray in here."""

import hashlib
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from harness import provenance

Seen = dict[str, Any]  # what a node answers
Ask = Callable[[Callable[[], Seen]], Mapping[str, Seen | None]]  # runs a call on every node: name → answer
LISTED = 2000  # of the data root's files


def faults(folder: Path, root: Path | None, ask: Ask) -> list[str]:
    """A line for each node that cannot take part; `folder` is the study's, `root` the data's."""
    nonce, folder = uuid.uuid4().hex, folder.resolve()
    sent = folder / f".nonce-{nonce}"
    sent.write_text(nonce)
    try:
        seen = ask(partial(look, str(folder), nonce, str(root) if root else None))
        mine = look(str(folder), nonce, str(root) if root else None)
        return [f"node {name}: {why}" for name, theirs in seen.items() if (why := fault(mine, theirs, folder, root))]
    finally:
        for left in folder.glob(f".nonce-{nonce}*"):
            left.unlink(missing_ok=True)


def look(folder: str, nonce: str, root: str | None) -> Seen:
    """What this machine sees; leaves a file that the driver must see in turn."""
    answer: Seen = {"code": code(), **{k: v for k, v in provenance.here()["versions"].items() if k != "nas-harness"}}
    try:
        answer["read"] = (Path(folder) / f".nonce-{nonce}").read_text() == nonce
        back = f".nonce-{nonce}-{uuid.uuid4().hex}"
        (Path(folder) / back).write_text(nonce)
        answer["back"] = back
    except OSError as error:
        answer["read"], answer["why"] = False, str(error)
    answer["data"] = listing(Path(root)) if root else ""
    return answer


def fault(mine: Seen, theirs: Seen | None, folder: Path, root: Path | None) -> str | None:
    """Why a node that answered `theirs` cannot take part, or None."""
    if theirs is None:
        return "does not answer"
    if "error" in theirs:
        return f"cannot run nas-harness ({theirs['error']}); install it there as it is installed here"
    if not theirs["read"] or not (folder / theirs["back"]).exists():
        why = f" ({theirs['why']})" if "why" in theirs else ""
        return f"{folder} is not the folder that the driver sees{why}; put --results on a file system that all share"
    if theirs["data"] != mine["data"]:
        return f"{root} holds other data than here; put --data-root on a file system that all share, or copy it"
    differing = [name for name in mine if name not in ("read", "back", "data", "why", "code")
                 and mine[name] != theirs.get(name)]  # fmt: skip
    if differing:
        return "; ".join(f"has {name} {theirs.get(name)}, the driver {mine[name]}" for name in differing)
    return None if theirs["code"] == mine["code"] else "has another version of nas-harness's code than the driver"


def code() -> str:
    """A hash of the harness's and the spaces' source, as this machine has it."""
    found = hashlib.sha256()
    for package in ("harness", "spaces"):
        for path in sorted((Path(__file__).resolve().parent.parent / package).glob("*.py")):
            found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()[:16]


def listing(root: Path) -> str:
    """A hash of the names and sizes of what lies below `root`."""
    files = sorted(path for path in root.rglob("*") if path.is_file())[:LISTED]
    text = "\n".join(f"{path.relative_to(root)} {path.stat().st_size}" for path in files)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
