"""Rows trained again, in this process, and what differs; and the job that a row came from."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from harness.errors import ODD, BadInput, first_line
from harness.plan import resolve
from harness.plan.jobs import Job
from harness.plan.settings import RESOLVED, Settings, weights_read
from harness.storage.folder import read_study
from harness.storage.rows import latest_rows
from harness.training import run_job
from harness.training.epochs import returned
from harness.training.place import Place
from harness.vocabulary.rows import Status
from spaces import registry as spaces
from spaces.space import Space

EXACT = ("test_accuracy", "val_accuracy", "test_loss", "train_loss", "snapshots", "parameters", "macs", "split",
         "score")  # fmt: skip


def rerun(folder: Path, count: int, keys: Sequence[str], root: Path | None,
          seed: int | None = None) -> Iterator[tuple[str, list[str]]]:  # fmt: skip
    """Trains `count` rows, drawn with `seed`, and those of `keys` again, in this process: (what was trained, in what
    it differs). A pruned one ends where it did: what prunes it follows from the rows that it saw.

    Raises BadInput where a key has no finished row, or one that cannot be trained alone.
    """
    every = latest_rows(folder)
    rows = chosen(every, folder, keys)
    space = space_of(read_study(folder))
    for key in [*keys, *Random(seed).sample(sorted(rows), min(count, len(rows)))]:
        row = rows[key]
        try:
            settings = resolve.resolve(job_of(row), every, space)
            found = list(_differences(row, _again(key, settings, row, root)))
        except resolve.Unbuildable as none:
            found = [] if none.status == row["status"] else [f"it cannot be: {none.reason}"]
        except (BadInput, *ODD) as error:
            found = [f"it cannot be: {first_line(error)}"]
        yield f"{row['method']} seed {row['seed']} ({key})", found


def chosen(every: Mapping[str, Any], folder: Path, keys: Sequence[str]) -> Mapping[str, Any]:
    """Of a folder's rows those that can be trained again, by key. Raises BadInput where one of `keys` is none."""
    ran = (*run_job.WORKED, Status.DIVERGED)
    rows = {key: row for key, row in every.items() if row["status"] in ran and _alone(row)}
    if unknown := [key for key in keys if key not in rows]:
        raise BadInput(f"--keys {unknown[0]}: {folder} has no finished row of this key that can be trained alone")
    return rows


def job_of(row: Mapping[str, Any]) -> Job:
    """The job that a row came from."""
    return Job(row["key"], row["kind"], row["method"], row["role"], planned(row), tuple(row["needs"]),
               tuple(row["methods"]), row["twin_of"], row["pair"])  # fmt: skip


def planned(row: Mapping[str, Any]) -> Settings:
    """The settings that the key was made from."""
    return {name: value for name, value in row["settings"].items() if name not in RESOLVED}


def space_of(study: Mapping[str, Any]) -> Space:
    try:
        return spaces.load(study["space"], study["space_options"])
    except ValueError as error:
        raise BadInput(f"study.json: {error}") from None


def _alone(row: Mapping[str, Any]) -> bool:
    """Whether it can be trained without another trial's weights."""
    return not weights_read(row["settings"])


def _again(key: str, settings: Settings, row: Mapping[str, Any], root: Path | None) -> Mapping[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        gpus = 1.0 if str(row["device"]).startswith("cuda") else 0.0
        place = Place(folder, row["device"] or "cpu", float(row["threads"] or 1), gpus, str(root) if root else None,
                      engine_path=row["path"])  # fmt: skip
        return {**dict.fromkeys(EXACT), **returned(run_job.run(key, settings, place))}


def _differences(row: Mapping[str, Any], again: Mapping[str, Any]) -> Iterator[str]:
    if again["status"] != row["status"]:
        yield ": ".join(filter(None, (f"it ended as {again['status']}", again["error"])))
        return
    if row["status"] == Status.DIVERGED:  # of which nothing else counts
        return
    for name in EXACT:
        if _single(row.get(name)) != _single(again[name]):
            yield f"{name} {_short(row.get(name))} → {_short(again[name])}"


def _single(value: Any) -> Any:
    """What is nested (α, fp32) with its numbers as fp32: some rows hold them with more digits than they have."""
    if isinstance(value, Mapping):
        return {name: _single(part) for name, part in value.items()}
    return np.asarray(value, np.float32).tolist() if isinstance(value, list) else value


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, int | float) else str(value)[:40]
