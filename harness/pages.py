"""The report that a command shows: analysis/'s tables and page, and the tuning pages rebuilt with Optuna."""

from pathlib import Path

from analysis import report
from harness import protocol, records
from harness.folder import read_study
from harness.vocabulary import FINAL, Kind


def show(folders: list[Path], out: Path | None = None) -> None:
    for folder in folders:
        _log(folder)
    page = report.write(folders, out)
    print(report.text(folders))
    print(f"\nreport: {page / 'index.html'}")
    for name, content in tuning(folders).items():
        (page / name).parent.mkdir(parents=True, exist_ok=True)
        (page / name).write_bytes(content)
        if name.endswith(".html"):
            print(f"tuning: {page / name}")


def _log(folder: Path) -> None:
    """A report made while rows are missing is a look at the data: the protocol holds it."""
    planned = [job["key"] for job in read_study(folder)["plan"]]
    rows = records.latest(folder)
    there = sum(key in rows and rows[key]["status"] in FINAL for key in planned)
    if there < len(planned) and protocol.read(folder):
        protocol.append(folder, protocol.Event.REPORTED, {}, there, len(planned))


def differences(folder: Path) -> list[str]:
    """What of a stored report is not what the rows give."""
    wrong = list(report.differences(folder))
    stored = folder / "report"
    wrong += [name for name, content in tuning([folder]).items()
              if not (stored / name).is_file() or (stored / name).read_bytes() != content]  # fmt: skip
    return [f"report/{name} is not what the rows give" for name in wrong]


def tuning(folders: list[Path]) -> dict[str, bytes]:
    """File of the report → content; Optuna's studies are rebuilt from the rows."""
    plan = {job["key"] for folder in folders for job in read_study(folder)["plan"] if job["kind"] == Kind.TUNE}
    if not plan:
        return {}
    from analysis import tuning_pages
    from harness import tuning_export

    rows = {key: row for folder in folders for key, row in records.latest(folder).items()}
    mine = [rows[key] for key in sorted(plan & rows.keys())]
    return tuning_pages.rebuild(folders[0].name, tuning_export.studies(mine)) if mine else {}
