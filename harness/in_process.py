"""The plan in this process, one job after another: for pdb, and for machines without Ray."""

from harness import jobs
from harness.driver import Driver


def run(driver: Driver) -> None:
    """Returns when nothing is left to run."""
    while assignment := driver.next():
        job, settings = assignment.job, assignment.settings
        trial = jobs.run(job.key, settings, assignment.place)
        try:
            while True:
                driver.progress(job.key, next(trial))
        except StopIteration as end:
            driver.record(job, settings, end.value)
