"""Checkpoints at a URL, as the driver sees them: opened at the start, owned by one results folder, tidied up."""

import json
import uuid
from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from harness.errors import BadInput, say
from harness.storage import predictions
from harness.storage.bucket import Bucket, below, check_url
from harness.storage.checkpoint import OWNER, sweep_ended
from harness.storage.files import write_atomically
from harness.storage.store import Folder, Store, Unreachable

PATIENCE = 5.0  # seconds for which the driver tries again: what it does there can be done later
PROBE = "probe"
MARKS = "marks"  # of nodes that were looked at


def url_of_study(url: str | None, name: str) -> str | None:
    """Studies lie side by side below one URL."""
    return None if url is None else below(url, name)


def opened(folder: Path, url: str | None) -> Store:
    """The store of the study whose rows lie in `folder`; `url`: the study's own, or None for the folder itself.

    Writes nothing into the folder. Raises BadInput where the URL cannot be written and read, or belongs to another
    results folder.
    """
    if url is None:
        return Folder(folder)
    check_url(url)
    try:
        store = Bucket.opened(url, PATIENCE)
        _probe(replace(store, patience=0.0))
        _mark(folder, store)
    except OSError as error:
        raise BadInput(f"--checkpoints: {error}") from None
    return store


def _probe(store: Store) -> None:
    """Raises OSError where what is written does not come back."""
    content = uuid.uuid4().hex.encode()
    name = f"{PROBE}-{content.decode()}"
    store.make()
    store.put(name, content)
    if store.get(name) != content:
        raise Unreachable(f"{store} does not give back what was written there")
    store.delete(name)


def claimed(folder: Path, store: Store) -> Store:
    """The store as that of this folder alone, whose rows are held. Raises BadInput as `opened` does."""
    if not isinstance(store, Bucket):
        return store
    try:
        mark = _mark(folder, store)
    except OSError as error:
        raise BadInput(f"--checkpoints: {error}") from None
    before = _noted(folder).get("url", str(store))
    if before != str(store):
        say(f"checkpoints lay at {before}; trials that were begun there begin anew")
    write_atomically(_note(folder), json.dumps({"url": str(store), "mark": mark}).encode())  # first: a mark in the
    try:  # store that no folder knows would lock this one out, too
        store.put(OWNER, mark.encode())
    except OSError as error:
        raise BadInput(f"--checkpoints: {error}") from None
    return store


def _mark(folder: Path, store: Bucket) -> str:
    """By which the store knows the folder. Two folders would take each other's checkpoints away: raises BadInput."""
    mark = _noted(folder).get("mark") or uuid.uuid4().hex
    if store.get(OWNER) not in (None, mark.encode()):
        raise BadInput(f"--checkpoints: {store} holds the checkpoints of another results folder; give another URL, or "
                       "remove what lies there where nobody needs it")  # fmt: skip
    return mark


def _note(folder: Path) -> Path:
    return folder / "checkpoints.json"


def _noted(folder: Path) -> dict[str, str]:
    """Which store was used before; nothing where that is not known."""
    try:
        found = json.loads(_note(folder).read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return {name: value for name, value in found.items() if isinstance(value, str)} if isinstance(found, dict) else {}


def trouble(store: Store) -> str | None:
    """Why a run cannot go on, where its store does not answer: no trial is to blame."""
    try:
        store.get(OWNER)
    except Unreachable as error:
        return f"{error}; nothing is lost, the same command carries on"
    return None


def tidy(store: Store, folder: Path, ended: Collection[str] = ()) -> None:
    """Brings predictions home and takes away checkpoints of `ended` jobs; what cannot be reached waits for the next."""
    if isinstance(store, Folder):
        return
    with suppress(Unreachable):
        predictions.gather(store, folder)
        if ended:
            sweep_ended(store, ended)
            store.at(MARKS).clear()
