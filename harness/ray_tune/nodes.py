"""Whether every machine of a cluster sees the same results, the same data and the same code. Nothing of Ray in here."""

import hashlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.storage import provenance

Seen = dict[str, Any]  # what a node answers
Ask = Callable[[Callable[[], Seen]], Mapping[str, Seen | None]]  # runs a call on every node: name → answer
LISTED = 2000  # of the data root's files


@dataclass(frozen=True)
class Common:
    """What all nodes must have in common: `mark`, a file in the study's `folder`; what lies below `root`; the code."""

    folder: str
    mark: str
    root: str | None

    @classmethod
    def marked(cls, folder: Path, within: Path, root: Path | None) -> "Common":
        """`within`: a folder of this run alone, below the study's `folder`."""
        mark = within / f"mark-{uuid.uuid4().hex}"
        mark.write_text(mark.name)
        return cls(str(folder.resolve()), str(mark), str(root) if root else None)

    def look(self) -> Seen:
        """What this machine sees; leaves a file that the driver must see in turn."""
        answer: Seen = {name: at for name, at in provenance.here()["versions"].items() if name != "nas-harness"}
        answer["code"], mark = code(), Path(self.mark)
        try:
            answer["read"] = mark.read_text() == mark.name
            back = mark.with_name(f"{mark.name}-{uuid.uuid4().hex}")
            back.write_text("")
            answer["back"] = str(back)
        except OSError as error:
            answer["read"], answer["why"] = False, str(error)
        answer["data"] = listing(Path(self.root)) if self.root else ""
        return answer

    def faults(self, ask: Ask) -> list[str]:
        """A line for each node that cannot take part."""
        mine, seen = self.look(), ask(self.look)
        return [f"node {name}: {why}" for name, theirs in seen.items() if (why := self.fault(mine, theirs))]

    def fault(self, mine: Seen, theirs: Seen | None) -> str | None:
        """Why a node that answered `theirs` cannot take part, or None."""
        if theirs is None:
            return "does not answer"
        if "error" in theirs:
            return f"cannot run nas-harness ({theirs['error']}); install it there as it is installed here"
        if not theirs["read"] or not Path(theirs["back"]).exists():
            why = f" ({theirs['why']})" if "why" in theirs else ""
            return (f"{self.folder} is not the folder that the driver sees{why}; "
                    "put --results on a file system that all share")  # fmt: skip
        if theirs["data"] != mine["data"]:
            return (f"{self.root} holds other data than here; "
                    "put --data-root on a file system that all share, or copy it")  # fmt: skip
        differing = [name for name in mine if name not in ("read", "back", "data", "why", "code")
                     and mine[name] != theirs.get(name)]  # fmt: skip
        if differing:
            return "; ".join(f"has {name} {theirs.get(name)}, the driver {mine[name]}" for name in differing)
        return None if theirs["code"] == mine["code"] else "has another version of nas-harness's code than the driver"


def code() -> str:
    """A hash of the harness's and the spaces' source, as this machine has it."""
    found = hashlib.sha256()
    root = Path(__file__).resolve().parents[2]
    for package in ("harness", "spaces"):
        for path in sorted((root / package).rglob("*.py")):
            found.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return found.hexdigest()[:16]


def listing(root: Path) -> str:
    """A hash of the names and sizes of what lies below `root`."""
    files = sorted(path for path in root.rglob("*") if path.is_file())[:LISTED]
    text = "\n".join(f"{path.relative_to(root)} {path.stat().st_size}" for path in files)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
