"""The plan as Ray Tune trials: a Searcher that suggests a job as soon as what it needs is done.

The only file that imports ray. Tune restarts a trial whose process or node has died; the trial goes on from its own
newest checkpoint. Tune's schedulers and its restore stay out: rows are the truth.
"""

import json
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.driver import Assignment, Driver
from harness.trial import Place, Progress

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
os.environ.setdefault("TUNE_DISABLE_STRICT_METRIC_CHECKING", "1")
os.environ.setdefault("TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S", "0")
os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")

import ray
from ray import tune
from ray.tune.search import Searcher

RESTARTS = 5  # of a trial whose process died, before it becomes a failed row


@dataclass(frozen=True)
class Options:
    """`cpus`: how many cores a local Ray may use, null for all; `address`: a running cluster's."""

    address: str | None = None
    cpus: int | None = None
    tensorboard: bool = False


class PlanSearcher(Searcher):
    """Tune asks it for trials; it asks the driver."""

    def __init__(self, driver: Driver) -> None:
        super().__init__(metric="epoch", mode="max")
        self.driver = driver
        self.given: dict[str, Assignment] = {}

    def suggest(self, trial_id: str) -> Any:
        assignment = self.driver.next()
        if assignment is None:
            return Searcher.FINISHED if self.driver.over else None
        self.given[trial_id] = assignment
        task = {"key": assignment.job.key, "settings": assignment.settings, "place": asdict(assignment.place)}
        return {"key": assignment.job.key, "task": json.dumps(task)}  # as text, for Tune looks into every value

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        if "outcome" not in result:
            progress = Progress(result["epoch"], result["epochs"], result["seconds"])
            self.driver.progress(self.given[trial_id].job.key, progress)

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        assignment = self.given.pop(trial_id)
        if result and "outcome" in result:
            outcome = json.loads(result["outcome"])
        else:
            outcome = {"status": "failed", "error": f"its process died {RESTARTS + 1} times, or could not start"}
        self.driver.record(assignment.job, assignment.settings, outcome)

    def __getstate__(self) -> dict[str, Any]:
        """Tune writes its searcher down for a restore that never happens."""
        return {}

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the rows are the state."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: a new run plans anew from the rows."""


def run(driver: Driver, options: Options) -> None:
    """Returns when nothing is left, or when interrupted; what is missing then shows in the rows."""
    _connect(options)
    storage = Path(tempfile.mkdtemp(prefix="tune-", dir=driver.folder if options.address else None))
    try:
        _tuner(driver, storage, options).fit()
    finally:
        ray.shutdown()
        shutil.rmtree(storage, ignore_errors=True)


def _tuner(driver: Driver, storage: Path, options: Options) -> tune.Tuner:
    return tune.Tuner(
        tune.with_resources(_trial, _resources),
        tune_config=tune.TuneConfig(
            search_alg=PlanSearcher(driver), num_samples=driver.frontier.left, reuse_actors=True,
            trial_dirname_creator=lambda trial: trial.config["key"],
        ),
        run_config=tune.RunConfig(
            name="study", storage_path=str(storage), verbose=0,
            failure_config=tune.FailureConfig(max_failures=RESTARTS),
            checkpoint_config=tune.CheckpointConfig(num_to_keep=None),
        ),
    )  # fmt: skip


def _resources(config: dict[str, Any]) -> tune.PlacementGroupFactory:
    place = Place(**json.loads(config["task"])["place"])
    return tune.PlacementGroupFactory([{"CPU": place.cpus, "GPU": place.gpus}])


def _connect(options: Options) -> None:
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": True}
    if options.address:
        ray.init(address=options.address, **quiet)
    else:
        ray.init(address="local", num_cpus=options.cpus, include_dashboard=False, _node_ip_address="127.0.0.1", **quiet)


def _trial(config: dict[str, Any]) -> None:
    """Runs in a worker process, which may have run other trials before."""
    from harness import jobs

    task = json.loads(config["task"])
    trial = jobs.run(task["key"], task["settings"], Place(**task["place"]))
    epoch = 0
    try:
        while True:
            progress = next(trial)
            epoch = progress.epoch
            tune.report(asdict(progress))
    except StopIteration as end:
        tune.report({"epoch": epoch + 1, "outcome": json.dumps(end.value)})
