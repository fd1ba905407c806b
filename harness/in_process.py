"""The plan in this process, one job after another: for pdb, and for machines without Ray."""

from harness import jobs
from harness.driver import Assignment, Driver


def run(driver: Driver) -> None:
    """Returns when nothing is left to run, or the driver is halted."""
    while assignment := driver.next():
        finish(driver, assignment)


def finish(driver: Driver, assignment: Assignment) -> None:
    """Runs one job to its end, or until the driver is halted."""
    trial = jobs.run(assignment.job.key, assignment.settings, assignment.place)
    try:
        while not driver.halted:
            driver.progress(assignment.job.key, next(trial))
    except StopIteration as end:
        driver.end(assignment, end.value)
