"""Whether every machine of a cluster sees the same results, the same data and the same code. Nothing of Ray in here."""

import hashlib
import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from harness.run.checkpoints_at import MARKS
from harness.storage import provenance
from harness.storage.store import Refused, Store, Unreachable, store_of

Seen = dict[str, Any]  # what a node answers
Ask = Callable[[Callable[[], Seen]], Mapping[str, Seen | None]]  # runs a call on every node: name → answer
PATIENCE = 20.0  # seconds for which a look tries a URL again
LISTED = 2000  # entries of the data root, and files in all its folders together


@dataclass(frozen=True)
class Common:
    """What all nodes must have in common: `mark`, a file in the study's `folder`; what lies below `root`; the code.

    Where checkpoints lie at a URL, they share that and no folder; `mark` is a name there.
    """

    folder: str
    mark: str
    root: str | None
    checkpoints: str | None = None  # the study's URL

    @classmethod
    def marked(cls, folder: Path, within: Path, root: Path | None, checkpoints: str | None = None) -> "Common":
        """`within`: a folder of this run alone, below the study's `folder`. Raises Unreachable."""
        mark = within / f"mark-{uuid.uuid4().hex}"
        found = cls(str(folder.resolve()), str(mark), str(root) if root else None, checkpoints)
        if checkpoints:
            found.marks.put(mark.name, mark.name.encode())
        else:
            mark.write_text(mark.name)
        return found

    @property
    def marks(self) -> Store:
        """Where marks lie at a URL."""
        return store_of(Path(self.folder), self.checkpoints, PATIENCE).at(MARKS)

    def seen_before(self) -> bool:
        """Whether a node that could take part still does."""
        with suppress(OSError):  # a network disk may have lost the file's handle; then the node looks anew
            return bool(self.checkpoints) or Path(self.mark).is_file()
        return False

    def look(self) -> Seen:
        """What this machine sees; leaves a file that the driver must see in turn."""
        answer: Seen = {name: at for name, at in provenance.here()["versions"].items() if name != "nas-harness"}
        answer["code"] = code()
        try:
            answer |= self._exchanged()
        except OSError as error:
            answer["read"], answer["why"] = False, str(error)
            answer["silent"] = isinstance(error, Unreachable) and not isinstance(error, Refused)
        answer["data"] = listing(Path(self.root), Path(self.folder)) if self.root else ""
        return answer

    def _exchanged(self) -> Seen:
        """Whether the driver's mark is here, and the name of one that is left for the driver."""
        mark = Path(self.mark)
        back = mark.with_name(f"{mark.name}-{uuid.uuid4().hex}")
        if not self.checkpoints:
            read = mark.read_text() == mark.name
            back.write_text("")
            return {"read": read, "back": str(back)}
        self.marks.put(back.name, b"")
        return {"read": self.marks.get(mark.name) == mark.name.encode(), "back": back.name}

    def _is_back(self, name: str) -> bool:
        """Also where nobody can say, since the URL does not answer now."""
        if not self.checkpoints:
            return Path(name).exists()
        try:
            return self.marks.get(name) is not None
        except Unreachable:
            return True

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
        if not theirs["read"] or not self._is_back(theirs["back"]):
            why = f" ({theirs['why']})" if "why" in theirs else ""
            if self.checkpoints:
                return (f"does not see what the driver put at {self.marks}{why}; give it network and credentials, and "
                        "the same endpoint")  # fmt: skip
            return (f"{self.folder} is not the folder that the driver sees{why}; "
                    "put --results on a file system that all share")  # fmt: skip
        if theirs["data"] != mine["data"]:
            return (f"{self.root} holds other data than here; "
                    "put --data-root on a file system that all share, or copy it")  # fmt: skip
        differing = [name for name in mine if name not in ("read", "back", "data", "why", "silent", "code")
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


def listing(root: Path, results: Path | None = None) -> str:
    """A hash of names and sizes: of what lies in `root`, and of the first files in each folder there, as many of each.
    The rest of a large disk is not gone through, nor what has the `results`, which grow."""
    entries = [one for one in _entries(root) if not (results and results.is_relative_to(os.path.realpath(one.path)))]
    entries = entries[:LISTED]
    each = max(1, LISTED // max(1, len(entries)))
    paths = [path for entry in entries for path in (entry.path, *islice(_files(entry), each))]
    text = "\n".join(f"{os.path.relpath(path, root)} {_size(path)}" for path in paths)
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:16]


def _entries(folder: Path | str) -> list[os.DirEntry[str]]:
    """In one order on every machine; none where it cannot be read."""
    try:
        return sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return []


def _files(entry: os.DirEntry[str]) -> Iterator[str]:
    """Below a folder, but for folders behind links."""
    for inner in _entries(entry.path) if entry.is_dir(follow_symlinks=False) else []:
        if os.path.isfile(inner.path):
            yield inner.path
        yield from _files(inner)


def _size(path: str) -> int | None:
    """Of a file; the sizes of folders are the disk's own affair."""
    return os.stat(path).st_size if os.path.isfile(path) else None
