"""The files of a results folder, and what its `study.json` says. Standard library only."""

import json
from pathlib import Path
from typing import Any

from harness.errors import BadInput
from harness.storage import shapes
from harness.storage.files import refuse_links
from harness.storage.kept import kept_study, unpacked

SCHEMAS = (1, 2, 3, 4, 5)  # of study.json and rows, that can be read and gone on with


class NoStudy(BadInput):
    """The folder holds none, or a damaged one, in whose place a run may write."""


def study_file(folder: Path) -> Path:
    return folder / "study.json"


def running_file(folder: Path) -> Path:
    """What the driver that holds the folder runs now; without one it means nothing."""
    return folder / "running.json"


def opened_study(folder: Path) -> dict[str, Any]:
    """As `read_study`, where a command first meets the folder. Raises BadInput also where a link leads out of it."""
    if any(path.is_symlink() or path.exists() for path in (study_file(folder), kept_study(folder))):  # else not ours
        refuse_links(folder)
    return read_study(folder)


def read_study(folder: Path) -> dict[str, Any]:
    """Raises BadInput where the folder holds no study, or one of an unknown schema."""
    return _sound(_known(_parsed(folder), folder), folder)


def claim(folder: Path, name: str) -> dict[str, Any]:
    """What the folder already holds of this study, or {}. Raises BadInput where it is another's.

    A damaged study.json (a power-off) counts as none: the run that claims the folder writes it anew. One that cannot be
    read, and a damaged compressed one, are not replaced: BadInput.
    """
    try:
        found = _parsed(folder)
    except NoStudy:
        return {}
    if "name" not in found:
        return {}
    if found["name"] != name:
        raise BadInput(f"{folder} belongs to the study '{found['name']}', not '{name}'; give another --results")
    return _sound(_known(found, folder), folder)


def _sound(study: dict[str, Any], folder: Path) -> dict[str, Any]:
    if fault := shapes.study_fault(study):
        raise BadInput(f"{study_file(folder)}: {fault}; take it from a copy, or remove it and run the study again")
    return study


def _parsed(folder: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(_study_bytes(folder))
    except FileNotFoundError:
        raise NoStudy(f"{folder} holds no study.json: nothing was run there yet") from None
    except NotADirectoryError:
        raise BadInput(f"{folder} is no folder; name the folder of a study's results") from None
    except OSError as error:
        raise BadInput(
            f"{error.filename or study_file(folder)} cannot be read ({error.strerror}); take it from a copy"
        ) from None
    except (ValueError, RecursionError):
        raise NoStudy(f"{study_file(folder)} is damaged; run the study again: rows are kept") from None
    if not isinstance(found, dict):
        raise NoStudy(f"{study_file(folder)} is damaged: it holds no object; run the study again: rows are kept")
    return found


def _study_bytes(folder: Path) -> bytes:
    """Of study.json, which a run writes; without one, of the compressed copy."""
    plain, kept = study_file(folder), kept_study(folder)
    return unpacked(kept) if kept.exists() and not plain.exists() else plain.read_bytes()


def _known(study: dict[str, Any], folder: Path) -> dict[str, Any]:
    if (schema := study.setdefault("schema", 1)) not in SCHEMAS:
        raise BadInput(
            f"{study_file(folder)} has schema {schema}, which this version does not know: update nas-harness"
        )
    return study


def rows_file(folder: Path) -> Path:
    """Where rows are appended."""
    return folder / "trials.jsonl"


CHECKPOINTS = "checkpoints"  # below it a place for each job
WEIGHTS = f"{CHECKPOINTS}/weights"  # those that jobs leave for others


def checkpoint_folder(folder: Path, key: str) -> Path:
    return folder / CHECKPOINTS / key


def watch_file(folder: Path, key: str) -> Path:
    """Where a trial that hung says so."""
    return checkpoint_folder(folder, key) / "hung.txt"


def weights_file(folder: Path, key: str) -> Path:
    return folder / WEIGHTS / f"{key}.pt"
