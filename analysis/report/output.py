"""The files of a report on the disk. Only files that an earlier report's manifest names are replaced or removed."""

import json
import os
from collections.abc import Collection, Mapping
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any

from analysis.figures.style import FORMATS
from analysis.report.data_files import NAMES

MANIFEST = "report.json"
MADE_BY = "nas-harness report"


class Refused(ValueError):
    """Something stands where a report would be written; says what, and what to do."""


def put(out: Path, files: Mapping[str, bytes], own: bool) -> None:
    """Writes `files`, name inside `out` → content, and removes those of the report before that are not among them.

    `own`: `out` is the report's own place in a results folder, where reports lie that were made before there were
    manifests. Raises Refused, before anything is written, where a file is no report's.
    """
    before = earlier(out, own)
    refuse(out, [*files, MANIFEST], before)
    _write(out / MANIFEST, _manifest(before | files.keys()))
    for name, content in files.items():
        _write(out / name, content)
    for name in before - files.keys() - {MANIFEST}:
        if not _through_link(out, name):
            (out / name).unlink(missing_ok=True)
    _write(out / MANIFEST, _manifest(files.keys()))


def refuse(out: Path, names: Collection[str], before: Collection[str]) -> None:
    """Raises Refused where one of `names` is none of a report's, or where something stands in its place that the report
    `before` did not write."""
    if file := next((one for one in (out, *out.parents) if os.path.lexists(one) and not one.is_dir()), None):
        raise Refused(f"{out} can hold no report, since {file} is no folder: name another --out, or move it away")
    for name in names:
        if name != MANIFEST and not _of_report(name):
            raise Refused(f"{name!r} is no file of a report: a method or a tuning in the rows has no possible name")
        if (folder := (out / name).parent) != out and os.path.lexists(folder) and not folder.is_dir():
            raise Refused(f"{folder} is in the place of the report's folder: name another --out, or move it away")
        if link := _through_link(out, name):
            raise Refused(f"{link} is a symbolic link, which is not followed: remove it, or name another --out")
        if (out / name).is_dir():
            raise Refused(f"{out / name} is a folder: name another --out, or move it away")
        if os.path.lexists(out / name) and name not in before:
            raise Refused(f"{out / name} is of no earlier report: name another --out, or move it away")


def earlier(out: Path, own: bool) -> set[str]:
    """The files of the report that lies there."""
    found = _read(out)
    if isinstance(files := found.get("files"), list):
        return {MANIFEST, *filter(_of_report, files)}
    return _before_manifests(out) if own else set()


def other_version(out: Path) -> str:
    """Which one made the report there, in words; '' where that was this one, or is not known."""
    found = _read(out)
    if not found or found.get("version") == version():
        return ""
    return f"version {found['version']}" if "version" in found else "an older version"


def version() -> str:
    try:
        return metadata.version("nas-harness")
    except metadata.PackageNotFoundError:
        return "unknown"


def _read(out: Path) -> dict[str, Any]:
    """The manifest there; {} where it is none."""
    try:
        found = json.loads((out / MANIFEST).read_text())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) and found.get("made_by") == MADE_BY else {}


FOLDERS = ("figures", "tuning")
FIXED = ("index.html", "table.txt", "table.md", "table.csv", "comparisons.csv", "analyses.csv", "images.csv",
         "agreement.csv", "table.tex", "over-data-sets.csv", *NAMES)  # fmt: skip


def _before_manifests(out: Path) -> set[str]:
    """Those that a report without a manifest has: the CSV beside a figure says that both are the report's."""
    drawn = [path for folder in FOLDERS for path in (out / folder).glob("*.csv")]
    figures = {f"{path.parent.name}/{path.stem}.{kind}" for path in drawn for kind in (*FORMATS, "csv")}
    return {MANIFEST, *FIXED, "tuning/index.html", "tuning/tables.md", *figures}


def _manifest(names: Collection[str]) -> bytes:
    files = sorted(name for name in names if name != MANIFEST)
    return json.dumps({"made_by": MADE_BY, "version": version(), "files": files}, indent=1).encode() + b"\n"


def _of_report(name: object) -> bool:
    """Whether a manifest, which somebody else may have written, names a file that a report can have."""
    if not isinstance(name, str) or "\0" in name or "\\" in name:
        return False
    folder, slash, file = name.partition("/")
    return name in FIXED or bool(slash and folder in FOLDERS and file not in ("", ".", "..") and "/" not in file)


def _through_link(out: Path, name: str) -> Path | None:
    """The link below `out` that stands on the way to a file, or in its place."""
    steps = [out.joinpath(*PurePosixPath(name).parts[:count]) for count in range(1, len(PurePosixPath(name).parts) + 1)]
    return next((step for step in steps if step.is_symlink()), None)


def _write(path: Path, content: bytes) -> None:
    """The old content or the new, through no link."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        with open(temporary, "xb") as file:
            file.write(content)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
