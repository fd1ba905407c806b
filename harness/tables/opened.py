"""The table that a study names: read once a process, and part of its settings by content."""

import hashlib
import json
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from statistics import fmean
from typing import Any

from harness.errors import BadInput
from harness.study.schema import Study
from harness.tables import files, nasbench201
from harness.tables.table import Table
from spaces import registry as spaces

MOST = 4  # tables in memory at a time


def table(settings: Mapping[str, Any], home: Path | None) -> Table:
    """Of a job's settings. Raises BadInput where it cannot be read, or is not the one that they name."""
    spec = settings["table"]
    if spec["name"] == nasbench201.NAME:
        return benchmark(spec["data"])
    file = _file(spec["name"], home)
    if spec.get("sha256") not in (None, found := _digest(file, _stamp(file))):
        raise BadInput(f"table {file} is not the one of this study: its SHA-256 is {found}, not {spec['sha256']}")
    return _own(file, _stamp(file), spec["data"], settings["space"], json.dumps(settings["space_options"]))


def with_table_digest(study: Study, home: Path | None) -> Study:
    """The study with the digest of its table's file beside its name; the benchmark's own table goes by its name."""
    if study.table is None or study.table.name == nasbench201.NAME:
        return study
    file = _file(study.table.name, home)
    found = _digest(file, _stamp(file))
    if study.table.sha256 not in (None, found):
        raise BadInput(f"table.name = '{study.table.name}': its SHA-256 is {found}, not as table.sha256 says")
    return study.model_copy(update={"table": study.table.model_copy(update={"sha256": found})})


def scale(study: Study, home: Path | None) -> dict[str, dict[str, float]]:
    """For each data set what a uniform draw from the table is expected to have, and the best, in percent."""
    found: dict[str, dict[str, float]] = {}
    if (spec := study.table) is None:
        return found
    for data in study.data_sets:
        settings = {"space": study.space, "space_options": study.space_options, "table": spec.settings(data)}
        means = [fmean(entry.accuracies) for entry in table(settings, home).entries.values()]
        found[data.label] = {"uniform": fmean(means), "best": max(means)}
    return found


def _file(name: str, home: Path | None) -> Path:
    path = Path(os.path.expanduser(name))
    if path.suffix not in (".csv", ".parquet"):
        raise BadInput(f"table.name = '{name}': write {nasbench201.NAME}, or the path of a .csv or .parquet file")
    return path if path.is_absolute() or home is None else home / path


def _stamp(file: Path) -> tuple[int, int]:
    """By which a file is seen to have changed."""
    try:
        found = file.stat()
    except OSError as error:
        raise BadInput(f"table {file} cannot be read: {error.strerror}") from None
    if not (S_ISREG(found.st_mode) or S_ISDIR(found.st_mode)):
        raise BadInput(f"table {file} is no regular file")
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=MOST)
def benchmark(data: str) -> Table:
    """NAS-Bench-201's, read once a process: an installed package does not change meanwhile."""
    return nasbench201.read(nasbench201.path(data), data)


@lru_cache(maxsize=MOST)
def _own(file: Path, stamp: tuple[int, int], data: str, space: str, options: str) -> Table:
    return files.read(file, data, spaces.load(space, json.loads(options)))


@lru_cache(maxsize=MOST)
def _digest(file: Path, stamp: tuple[int, int]) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise BadInput(f"table {file} cannot be read: {error.strerror}") from None
