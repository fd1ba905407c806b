"""Looks at a study's results while rows are missing: its protocol holds them."""

from pathlib import Path

from harness.storage import protocol
from harness.storage.folder import read_study
from harness.storage.rows import complete_rows, counting
from harness.vocabulary.rows import FINAL


def unfinished(folder: Path) -> tuple[int, int] | None:
    """How many final rows there are of how many planned ones; None where no row is missing."""
    planned = [job["key"] for job in read_study(folder)["plan"]]
    rows = counting(complete_rows(folder))
    there = sum(key in rows and rows[key]["status"] in FINAL for key in planned)
    return (there, len(planned)) if there < len(planned) else None


def note_look(folder: Path, again: bool = True) -> None:
    """`again`: also where the protocol's last entry says the same of as many rows. Nothing where no row is missing."""
    if (at := unfinished(folder)) and (again or not _noted(folder, *at)):
        protocol.note(folder, protocol.Event.REPORTED, {}, *at)


def _noted(folder: Path, rows: int, planned: int) -> bool:
    last = protocol.read(folder)[-1:]
    return [(one.event, one.rows, one.planned) for one in last] == [(protocol.Event.REPORTED, rows, planned)]
