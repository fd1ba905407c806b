"""The plan in this process, one job after another: for pdb, and for machines without Ray."""

from harness import jobs
from harness.driver import Driver


def run(driver: Driver) -> None:
    """Returns when nothing is left to run, or the driver is halted."""
    while assignment := driver.next():
        key = assignment.job.key
        trial = jobs.run(key, assignment.settings, assignment.place)
        try:
            while not driver.halted:
                driver.progress(key, next(trial))
        except StopIteration as end:
            driver.end(assignment, end.value)
