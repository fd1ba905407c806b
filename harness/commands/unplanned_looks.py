"""Looks at a study's results while rows are missing: its protocol holds them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.storage import protocol
from harness.storage.folder import read_study
from harness.storage.rows import complete_rows, counting
from harness.vocabulary.kinds import Kind
from harness.vocabulary.rows import FINAL

Job = Mapping[str, Any]  # of the plan in study.json


def unfinished(folder: Path) -> tuple[int, int] | None:
    """How many final rows there are of how many planned ones; None where no row is missing."""
    return _missing(*_jobs(folder))


def note_look(folder: Path, again: bool = True) -> None:
    """`again`: also where the protocol's last entry says the same of as many rows. Nothing where no row is missing, or
    no network was trained yet: a tuning by itself shows nothing of what is compared."""
    planned, final = _jobs(folder)
    seen = any(job["kind"] == Kind.TRAIN for job in final)
    if seen and (at := _missing(planned, final)) and (again or not _noted(folder, *at)):
        protocol.note(folder, protocol.Event.REPORTED, {}, *at)


def _missing(planned: Sequence[Job], final: Sequence[Job]) -> tuple[int, int] | None:
    return (len(final), len(planned)) if len(final) < len(planned) else None


def _jobs(folder: Path) -> tuple[list[Job], list[Job]]:
    """Those that are planned, and those of them that have a final row."""
    planned = read_study(folder)["plan"]
    rows = counting(complete_rows(folder))
    return planned, [job for job in planned if job["key"] in rows and rows[job["key"]]["status"] in FINAL]


def _noted(folder: Path, rows: int, planned: int) -> bool:
    last = protocol.read(folder)[-1:]
    return [(one.event, one.rows, one.planned) for one in last] == [(protocol.Event.REPORTED, rows, planned)]
