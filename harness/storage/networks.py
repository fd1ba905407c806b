"""Trained networks that a study keeps for its user: a file each, outside git, with its digest in the row.

A file is what `torch.save` writes of a table: `state_dict`, and what else is needed to use the network. It is read with
`weights_only=True`, so nothing in it is executed.
"""

import hashlib
import io
import os
from collections.abc import Iterable, Mapping
from math import inf
from pathlib import Path
from typing import Any

import torch

from harness.errors import BadInput
from harness.storage.files import opened, sync_folder, write_atomically
from harness.vocabulary.kinds import Kind, Role
from harness.vocabulary.rows import Outcome, Status

FOLDER = "weights"  # in the study's
FORMAT = 1  # raised where what lies in a file changes
AGAIN = "another run under another name, as in --set name=NAME-2, trains it again"


def file(folder: Path, key: str) -> Path:
    return folder / FOLDER / f"{key}.pt"


def keep(folder: Path, key: str, state: Mapping[str, torch.Tensor], about: Mapping[str, Any]) -> Outcome:
    """Durable and whole when it returns; gives the digest, for the row. Raises OSError where the disk is full."""
    (folder / FOLDER).mkdir(exist_ok=True)
    sync_folder(folder)
    content = packed({"format": FORMAT, "key": key, **about}, state)
    write_atomically(file(folder, key), content)
    return Outcome(weights=digest(content))


def packed(about: Mapping[str, Any], state: Mapping[str, torch.Tensor]) -> bytes:
    """The same bytes for the same values, wherever they were trained."""
    plain = {name: value.detach().cpu().contiguous().clone() for name, value in state.items()}
    buffer = io.BytesIO()
    torch.save({**about, "state_dict": plain}, buffer)
    return buffer.getvalue()


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def is_final(row: Mapping[str, Any]) -> bool:
    """Whether the row is a finished training whose network the table judges."""
    return row["kind"] == Kind.TRAIN and row.get("role") != Role.PRETRAINING and row["status"] == Status.DONE


def best(rows: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Of finished trainings the one with the lowest training loss, then of the lowest seeds.

    The test set must not choose, and a final training holds no images out, so this is what else is known of all.
    """
    return min(rows, key=place, default=None)


def place(row: Mapping[str, Any]) -> tuple[float, int, int, str]:
    """Among finished trainings: the lowest is the best."""
    loss = row.get("train_loss")
    return inf if loss is None else loss, row["seed"], row.get("train_seed") or 0, row["key"]


def fault(folder: Path, row: Mapping[str, Any]) -> str:
    """Why the row's network cannot be read; '' where it can."""
    if not (known := row.get("weights")):
        return f"the weights of {row['key']} were not kept (keep_weights, when it was trained); {AGAIN}"
    try:
        found = digest(content(folder, row["key"]))
    except FileNotFoundError:
        return f"{file(folder, row['key'])} is missing; take it from where it was kept, or {AGAIN}"
    return "" if found == known else f"{file(folder, row['key'])} is damaged: its digest is not its row's; {AGAIN}"


def read(folder: Path, row: Mapping[str, Any]) -> dict[str, Any]:
    """What lies in the file of a row's network, on the CPU. Raises BadInput where it is missing or damaged."""
    if why := fault(folder, row):
        raise BadInput(why)
    path = file(folder, row["key"])
    try:
        found = torch.load(io.BytesIO(content(folder, row["key"])), weights_only=True, map_location="cpu")
    except Exception:  # pickle's own errors: a digest can stand before anything
        found = None
    if not isinstance(found, dict) or found.get("format") != FORMAT or not isinstance(found.get("state_dict"), dict):
        raise BadInput(f"{path} holds no network of format {FORMAT}, which this version reads")
    return found


def content(folder: Path, key: str) -> bytes:
    """Raises FileNotFoundError, and BadInput where the file is a link."""
    with open(opened(file(folder, key), os.O_RDONLY), "rb") as stream:
        return stream.read()


def take_over(folder: Path, other: Path, row: Mapping[str, Any]) -> None:
    """Copies the network of a row of `other`, where it is there and whole; what a trial that left no row has put into
    its place goes. Raises OSError where the disk is full."""
    if not row.get("weights") or fault(other, row) or not fault(folder, row):
        return
    (folder / FOLDER).mkdir(exist_ok=True)
    write_atomically(file(folder, row["key"]), content(other, row["key"]))
