"""What a command answers to a case, and what may not be in an answer."""

import contextlib
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from unittest.mock import patch

from odd.odd_files import spoil
from odd.odd_inputs import STUDY, Case

from harness.cli import main
from harness.run.driver import Assignment
from harness.storage.rows import read_rows
from harness.training import run_job
from tests.driven import ran

TESTS = Path(__file__).parents[1]


def base(place: Path) -> Path:
    """A finished study with its report, a neighbour that nobody may touch, and checkpoints of the study's trials."""
    ran(place / "made", lambda assignment: _started(assignment, place / "checkpoints"), study=STUDY)
    (place / "results").mkdir()
    shutil.move(place / "made" / "driven", place / "results" / "driven")
    (place / "neighbour").mkdir()
    (place / "neighbour" / "file").write_text("precious")
    _as_searched(place / "results" / "driven")
    status, _, err = answer(Case(["report", "results/driven"]), place)
    assert status == 0, err
    for picture in (place / "results" / "driven" / "report" / "figures").glob("*.[ps][dnv][fg]"):
        picture.unlink()  # which nobody reads, and every case would copy
    return place


def _started(assignment: Assignment, kept: Path) -> None:
    """Keeps the checkpoint of the trial's first epoch."""
    next(run_job.run(assignment.job.key, assignment.settings, assignment.place))
    shutil.copytree(assignment.place.path / "checkpoints" / assignment.job.key, kept / assignment.job.key)


def _as_searched(folder: Path) -> None:
    """What searches of networks measure, and a formula does not."""
    rows = read_rows(folder)
    for point in (point for row in rows if row["kind"] == "search" for point in row["curve"]):
        point |= {"entropy": 0.6, "counts": {"A": 5, "B": 3}, "discretised_accuracy": {"A": 40.0, "B": None},
                  "eigenvalue": 0.5}  # fmt: skip
    (folder / "trials.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def prepared(case: Case, base: Path, place: Path) -> None:
    shutil.copytree(base, place, dirs_exist_ok=True)
    (place / "study.toml").write_text(case.study)
    for name, way, seed in case.spoils:
        with contextlib.suppress(NotADirectoryError, FileExistsError):
            spoil(place / "results" / "driven", name, way, seed, place / "neighbour")


def answer(case: Case, place: Path) -> tuple[int, str, str]:
    """(exit status, output, errors) of the command in this process."""
    out, err, before = io.StringIO(), io.StringIO(), Path.cwd()
    os.chdir(place)
    try:
        with (contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings(),
              patch.dict(os.environ, case.environment)):  # fmt: skip
            warnings.simplefilter("ignore")
            try:
                main(case.words)
            except SystemExit as end:
                return int(end.code or 0), out.getvalue(), err.getvalue()
    finally:
        os.chdir(before)
    raise AssertionError("it did not exit")


def environment(more: dict[str, str]) -> dict[str, str]:
    """Of a process that can write ASCII alone and finds the tests' modules."""
    found = {**os.environ, "PYTHONIOENCODING": "ascii", **more}
    found["PYTHONPATH"] = os.pathsep.join(filter(None, [os.getcwd(), str(TESTS), os.environ.get("PYTHONPATH")]))
    return found


def real(case: Case, place: Path) -> tuple[int, str, str]:
    """As `answer`, of a process of its own, which can write ASCII alone."""
    done = subprocess.run([sys.executable, "-m", "harness", *case.words], capture_output=True, cwd=place,
                          env=environment(case.environment), stdin=subprocess.DEVNULL, timeout=300)  # fmt: skip
    return done.returncode, done.stdout.decode("ascii"), done.stderr.decode("ascii")


def look(folder: Path) -> dict[str, str]:
    """Everything below, with a hash of the content."""
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
            for path in sorted(folder.rglob("*"))}  # fmt: skip


def fault(status: int, out: str, err: str) -> str:
    """What is wrong with an answer; '' where nothing is."""
    if status not in (0, 1, 2):
        return f"status {status}"
    if "Traceback" in out + err:
        return "a traceback"
    lines = err.splitlines()
    if status == 2 and not (lines and lines[-1].startswith("nas-harness")):
        return "no line says why"
    said = [line for line in lines if line.startswith("nas-harness") and not line.startswith(NOTES)]
    return "several lines" if status == 2 and len(said) != 1 else ""


NOTES = ("nas-harness: methods ", "nas-harness: the study is not as it was")
