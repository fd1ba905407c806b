"""A small study under a driver, in which trials are struck: by loss, failure, a full disk."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.run import in_process
from harness.run.admission import Shares
from harness.run.driver import Assignment, Driver
from harness.run.prepare import prepare
from harness.run.session import Session, run
from harness.storage.rows import latest_rows
from harness.study.load import load_with_recipe

STUDY = """
name = "driven"
space = "shortcut-vgg11"
task = "harness.training.formula:stand_in"
data = { name = "digits", image_size = 32 }
seeds = { search = 1 }
search = { epochs = 2, snapshots = [1, 2] }
recipe = { epochs = 2, lr = 1e-6 }
space_options = { width = 0.125 }
method = [{ name = "darts-A", rule = "A", twins = 1 }, { name = "baseline" }]
"""
JOBS = 6
Verdict = Callable[[Assignment], dict[str, Any] | None]  # what a trial ends with, or None where it runs


def ran(folder: Path, verdict: Verdict = lambda _: None, **more: Any) -> tuple[int, Counter[str], list[Assignment]]:
    """(missing, statuses of the rows that count, everything that was given out) of a run in which `verdict` strikes."""
    folder.mkdir(exist_ok=True)
    path = folder / "study.toml"
    path.write_text(more.pop("study", STUDY))
    assigned: list[Assignment] = []

    def execute(driver: Driver) -> None:
        while assignment := driver.next():
            assigned.append(assignment)
            if outcome := verdict(assignment):
                driver.end(assignment, {"error": "struck", **outcome})
            else:
                in_process.finish(driver, assignment)

    session = Session(execute, more.pop("shares", Shares({}, {})), "cpu", None, more.pop("command", ""), **more)
    missing = run(prepare(load_with_recipe(str(path), []), folder, None, False, "cpu"), session)
    return missing, Counter(row["status"] for row in latest_rows(folder / "driven").values()), assigned


def strikes(kind: str, status: str, times: int = 10**6) -> Verdict:
    left = [times]

    def verdict(assignment: Assignment) -> dict[str, Any] | None:
        if assignment.job.kind != kind or not left[0]:
            return None
        left[0] -= 1
        return {"status": status}

    return verdict
