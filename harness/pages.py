"""The report that a command shows: analysis/'s tables and page, and the tuning pages rebuilt with Optuna."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from analysis import compare, report
from analysis.rows import Damaged
from harness import protocol, records
from harness.errors import BadInput
from harness.folder import read_study
from harness.vocabulary import FINAL, Kind

if TYPE_CHECKING:
    from analysis.tuning_study import Studies


@contextmanager
def _readable() -> Iterator[None]:
    """Raises BadInput where rows are damaged."""
    try:
        yield
    except Damaged as error:
        raise BadInput(str(error)) from None


@_readable()
def show(folders: list[Path], out: Path | None = None) -> None:
    from analysis import tuning_pages

    for folder in folders:
        _log(folder)
    more = tuning_pages.rebuild(folders[0].name, tunings(folders))
    page = report.write(folders, out, more)
    print(report.text(folders))
    print(f"\nreport: {page / 'index.html'}")
    for name in more:
        if name.endswith(".html"):
            print(f"tuning: {page / name}")


def _log(folder: Path) -> None:
    """A report made while rows are missing is a look at the data: the protocol holds it."""
    planned = [job["key"] for job in read_study(folder)["plan"]]
    rows = records.latest(folder)
    there = sum(key in rows and rows[key]["status"] in FINAL for key in planned)
    if there < len(planned):
        protocol.note(folder, protocol.Event.REPORTED, {}, there, len(planned))


@_readable()
def differences(folder: Path) -> list[str]:
    """What of the stored tables and figures' numbers is not what the rows give; pictures are not compared."""
    from analysis import tuning_pages

    built = report.numbers(folder) | tuning_pages.numbers(tunings([folder]))
    return [f"report/{line}" for line in compare.differences(folder / "report", built)]


def tunings(folders: list[Path]) -> "Studies":
    """Optuna's studies, rebuilt from the rows; none where nothing was tuned."""
    plan = {job["key"] for folder in folders for job in read_study(folder)["plan"] if job["kind"] == Kind.TUNE}
    if not plan:
        return {}
    from harness import tuning_export

    rows = {key: row for folder in folders for key, row in records.latest(folder).items()}
    mine = [rows[key] for key in sorted(plan & rows.keys())]
    return tuning_export.studies(mine) if mine else {}
