"""The plan in this process, one job or pack of jobs after another: for pdb, and for machines without Ray."""

import torch

from harness.engine.packing import in_turn
from harness.run import same_hardware
from harness.run.driver import Assignment, Driver
from harness.training import run_job


def run(driver: Driver) -> None:
    """Returns when nothing is left to run, or the driver is halted."""
    device = driver.admission.device
    same_hardware.warn([same_hardware.look(device)], device, driver.plan.jobs, driver.rows)
    while assignments := driver.pack():
        finish(driver, *assignments)


def finish(driver: Driver, *assignments: Assignment) -> None:
    """Runs jobs, which take turns, to their ends, or until the driver is halted."""
    assigned = {one.job.key: one for one in assignments}
    trials = {key: run_job.turns(key, one.settings, one.place) for key, one in assigned.items()}
    for key, said, ended in in_turn(trials, torch.device(assignments[0].place.device)):
        if ended:
            driver.end(assigned[key], said)
        else:
            driver.progress(key, said)
        if driver.halted:
            return
