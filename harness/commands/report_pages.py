"""The report that a command shows: analysis/'s tables and page, and the tuning pages rebuilt with Optuna."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from analysis import numbers
from analysis.findings.collect import findings
from analysis.findings.published_table import read
from analysis.report import compare, output, write
from analysis.report.output import Refused
from analysis.results.protocol_view import Damaged
from analysis.results.rows import Results, load
from harness.commands.unplanned_looks import note_look, unfinished
from harness.errors import ODD, BadInput, say, visible
from harness.storage import protocol
from harness.storage.folder import read_study, study_file
from harness.storage.row_fields import faults
from harness.storage.rows import complete_rows, latest_rows
from harness.vocabulary.kinds import Kind

if TYPE_CHECKING:
    from analysis.tuning.trials import Studies

T = TypeVar("T")


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
    from harness.commands.verify_study import study_of

    try:
        study_of(read_study(folder), str(study_file(folder)))
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

    write.check(folders[0], out)
    with _untouched(folders):
        more = pages.rebuild(folders[0].name, tunings(folders))
        if early := [*filter(unfinished, folders)]:
            findings(folders)  # where no report can be made, nobody looks
        for folder in early:
            note_look(folder)  # before anything can be seen: the report counts its own look
        found = findings(folders)
        page = write.write(found, folders[0], out, more)
        print(visible(write.text(found)))
    print(f"\nreport: {page / 'index.html'}")
    for name in more:
        if name.endswith(".html"):
            print(f"tuning: {page / name}")


@_readable()
def loaded(folders: list[Path], made: Callable[[Results], T]) -> T:
    """What `made` makes of the folders' rows, for programs. It is a look as a report is, also where the folder is read
    alone and so cannot hold it, which is then said."""
    for folder in folders:
        try:
            note_look(folder, again=False)
        except OSError as error:
            say(f"{folder}: its protocol does not say that its rows were looked at ({error.strerror})")
    with _untouched(folders):
        return made(load(folders))


@_readable()
def differences(folder: Path) -> list[str]:
    """What of the stored tables and figures' numbers is not what the rows give; pictures are not compared."""
    from analysis.tuning import pages

    with _untouched([folder]):
        built = write.numbers(findings(folder)) | pages.numbers(tunings([folder]))
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
