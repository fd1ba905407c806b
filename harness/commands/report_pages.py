"""The report that a command shows: analysis/'s tables and page, and the tuning pages rebuilt with Optuna."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from analysis import numbers
from analysis.findings.collect import findings
from analysis.findings.published_table import read
from analysis.report import compare, output, write
from analysis.report.output import Refused
from analysis.results.protocol_view import Damaged
from harness.errors import ODD, BadInput, visible
from harness.storage import protocol
from harness.storage.folder import read_study, study_file
from harness.storage.row_fields import faults
from harness.storage.rows import complete_rows, counting, latest_rows
from harness.vocabulary.kinds import Kind
from harness.vocabulary.rows import FINAL

if TYPE_CHECKING:
    from analysis.tuning.trials import Studies


@contextmanager
def _untouched(folders: Sequence[Path]) -> Iterator[None]:
    """Raises BadInput where a folder's protocol is none, or a report fails over what no run wrote there."""
    for folder in folders:
        protocol.read(folder)
    try:
        yield
    except (Damaged, Refused):
        raise
    except ODD as error:
        if why := next((f"{folder}: {why}" for folder in folders if (why := _changed(folder))), ""):
            raise BadInput(f"{why}; no report can be made of it ({type(error).__name__})") from None
        raise


def _changed(folder: Path) -> str:
    rows = complete_rows(folder)
    if fault := next(protocol.faults(protocol.read(folder), [row.get("protocol") for row in rows]), ""):
        return fault
    found = (f"row {number}: {fault}" for number, row in enumerate(rows, 1) for fault in faults(row))
    return next(found, "") or _other_study(folder)


def _other_study(folder: Path) -> str:
    """What of study.json no study file could say, as this version reads one."""
    from harness.study.schema import Study
    from harness.study.validation import validated

    study = read_study(folder)
    try:
        validated(Study, {name: study[name] for name in Study.model_fields if name in study}, str(study_file(folder)))
    except BadInput as error:
        return str(error)
    return ""


@contextmanager
def _readable() -> Iterator[None]:
    """Raises BadInput where rows are damaged, or a report would replace what is of no report."""
    try:
        yield
    except (Damaged, Refused) as error:
        raise BadInput(str(error)) from None


check = _readable()(write.check)  # where a report may be written
check_published = _readable()(read)


@_readable()
def show(folders: list[Path], out: Path | None = None) -> None:
    from analysis.tuning import pages

    write.check(folders, out)
    with _untouched(folders):
        more = pages.rebuild(folders[0].name, tunings(folders))
        if looks := [(folder, *at) for folder in folders if (at := _unfinished(folder))]:
            findings(folders)  # where no report can be made, nobody looks
        for look in looks:
            _note(*look)  # before anything can be seen: the report counts its own look
        page = write.write(folders, out, more)
        print(visible(write.text(folders)))
    print(f"\nreport: {page / 'index.html'}")
    for name in more:
        if name.endswith(".html"):
            print(f"tuning: {page / name}")


def log_look(folder: Path) -> None:
    """A report or live page while rows are missing is a look at the data: the protocol holds it."""
    if at := _unfinished(folder):
        _note(folder, *at)


def _unfinished(folder: Path) -> tuple[int, int] | None:
    """How many final rows there are of how many planned ones; None where no row is missing."""
    planned = [job["key"] for job in read_study(folder)["plan"]]
    rows = counting(complete_rows(folder))
    there = sum(key in rows and rows[key]["status"] in FINAL for key in planned)
    return (there, len(planned)) if there < len(planned) else None


def _note(folder: Path, there: int, planned: int) -> None:
    protocol.note(folder, protocol.Event.REPORTED, {}, there, planned)


@_readable()
def differences(folder: Path) -> list[str]:
    """What of the stored tables and figures' numbers is not what the rows give; pictures are not compared."""
    from analysis.tuning import pages

    with _untouched([folder]):
        built = write.numbers(folder) | pages.numbers(tunings([folder]))
    found = compare.differences(folder / "report", built)
    if found and (made := output.other_version(folder / "report")):
        return [f"report/ was made by {made}, and version {output.version()} makes another one of these rows: build it "
                f"again with nas-harness report {folder}"]  # fmt: skip
    return [f"report/{line}" for line in found]


def tunings(folders: list[Path]) -> "Studies":
    """Optuna's studies, rebuilt from the rows; none where nothing was tuned."""
    plan = {job["key"] for folder in folders for job in read_study(folder)["plan"] if job["kind"] == Kind.TUNE}
    if not plan:
        return {}
    from harness.plan import tuning

    rows = {key: row for folder in folders for key, row in latest_rows(folder).items()}
    mine = [rows[key] for key in sorted(plan & rows.keys())]
    return tuning.studies(numbers.visible(mine)) if mine else {}
