"""The plan as Ray Tune trials: a Searcher that suggests a job as soon as what it needs is done.

A trial whose process or node dies goes back to the driver, which suggests it anew; it goes on from its own newest
checkpoint. Tune's retries, schedulers and restore stay out: rows are the truth.
"""

import harness.ray_tune.environment  # noqa: F401 (before ray)

# isort: split
import json
import os
import socket
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray.tune.search import Searcher

from harness.errors import BadInput, first_line, say
from harness.ray_tune import leftovers
from harness.ray_tune.cluster import Options, check, connect, end_process, services, working
from harness.ray_tune.heartbeat import Heartbeat
from harness.ray_tune.nodes import Common
from harness.run.driver import Assignment, Driver
from harness.training.place import Progress
from harness.vocabulary.rows import Trouble

DEMAND = 8  # trials that wait in a cluster at least: what an autoscaler starts machines for


class PlanSearcher(Searcher):
    """Tune asks it for trials; it asks the driver. `failure`: what broke in here, which Tune would swallow."""

    def __init__(self, driver: Driver, common: Common | None = None, nodes: Callable[[], set[str]] = working) -> None:
        super().__init__(metric="epoch", mode="max")
        self.driver = driver
        self.common, self.mine = common, common.look() if common else None
        self.working = nodes
        self.unfit: set[str] = set()  # ids of nodes that get no trials
        self.running: dict[str, dict[str, Assignment]] = {}  # Tune's trial → what runs in it, by key
        self.trials: Sequence[Any] = ()
        self.failure: Exception | None = None

    def suggest(self, trial_id: str) -> Any:
        self._notice_the_lost()
        assignments = self._guarded(self.driver.pack)
        if not assignments:
            return Searcher.FINISHED if self.stopped or self.driver.over else None
        self.running[trial_id] = {one.job.key: one for one in assignments}
        tasks = [{"key": one.job.key, "settings": one.settings, "place": asdict(one.place)} for one in assignments]
        guard = {"common": asdict(self.common), "mine": self.mine} if self.common else None
        text = json.dumps({"tasks": tasks, "guard": guard, "unfit": sorted(self.unfit)})
        return {"key": tasks[0]["key"], "task": text}  # as text, for Tune looks into every value

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        if (assignment := self.running.get(trial_id, {}).get(result["key"])) is None:
            return
        if "outcome" in result:
            if len(self.running[trial_id]) > 1:  # the last one ends with its trial
                self._end(trial_id, result["key"], json.loads(result["outcome"]))
            return
        progress = Progress(**json.loads(result["progress"]))
        self._guarded(partial(self.driver.progress, assignment.job.key, progress))

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        if not error and result and "outcome" in result:
            self._end(trial_id, result["key"], json.loads(result["outcome"]))
        status = Trouble.STOPPED if self.driver.stopped else Trouble.LOST
        for key in list(self.running.get(trial_id, {})):
            self._end(trial_id, key, {"status": status, "error": _why(trial_id, self.trials)})
        self.running.pop(trial_id, None)

    def _end(self, trial_id: str, key: str, outcome: Mapping[str, Any]) -> None:
        if (assignment := self.running.get(trial_id, {}).pop(key, None)) is None:
            return
        self._notice_the_unfit(outcome)
        self._guarded(partial(self.driver.end, assignment, outcome))

    @property
    def stopped(self) -> bool:
        return self.failure is not None or self.driver.halted is not None

    def _guarded(self, call: Callable[[], Any]) -> Any:
        try:
            return None if self.failure else call()
        except Exception as error:
            self.failure = error
            return None

    def _notice_the_unfit(self, outcome: Mapping[str, Any]) -> None:
        """A node that would not run a trial gets none, unless it is the driver's own data that have grown meanwhile."""
        if outcome["status"] != Trouble.UNFIT or not (self.common and self.mine):
            return
        self.mine["data"] = self.common.look()["data"]
        why = self.common.fault(self.mine, outcome["seen"])
        if why and outcome["node"] not in self.unfit:
            self.unfit.add(outcome["node"])
            say(f"node {outcome['name']}: {why}; it gets no trials")
            if self.working() <= self.unfit:
                self.driver.halted = "no node is left that can take part; mend that, then the same command carries on"

    def _notice_the_lost(self) -> None:
        """Tune forgets a trial for which an actor could not be used again."""
        lost = [trial.trial_id for trial in self.trials if trial.status == "ERROR" and trial.trial_id in self.running]
        for trial_id in lost:
            self.on_trial_complete(trial_id, error=True)

    def __getstate__(self) -> dict[str, Any]:
        """Tune writes its searcher down for a restore that never happens."""
        return {}

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the rows are the state."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: a new run plans anew from the rows."""


class Halt(tune.Stopper):
    """Ends everything where the driver says so: at once where it is halted, where it is stopped once nothing runs."""

    def __init__(self, searcher: PlanSearcher) -> None:
        self.searcher = searcher

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        asked = self.searcher.driver.stopped and not any(one.status == "RUNNING" for one in self.searcher.trials)
        return self.searcher.stopped or bool(asked)


class Look(tune.Callback):
    """Lets the searcher see Tune's trials."""

    def __init__(self, searcher: PlanSearcher) -> None:
        self.searcher = searcher

    def on_step_begin(self, iteration: int, trials: list[Any], **_: Any) -> None:
        self.searcher.trials = trials


def run(driver: Driver, options: Options) -> None:
    """Returns when nothing is left, or when the driver is halted.

    Raises BadInput where a node or the cluster cannot run the study, KeyboardInterrupt where the user stops it. Ends
    this process with status 1 where Ray itself dies.
    """
    storage = _storage(driver.folder, shared=options.address is not None and not driver.store.url)
    try:
        if session := connect(options):
            leftovers.note(storage, session)
            leftovers.watched(storage, Path(ray.__file__).parent)
        heartbeat = Heartbeat(services(), partial(end_process, options))
        heartbeat.start()
        try:
            alive = [node for node in ray.nodes() if node["Alive"]]
            common = Common.marked(driver.folder, storage, options.root, driver.store.url) if options.address else None
            check(driver, common, alive)
            waiting = max(len(alive), DEMAND) if common else len(alive)  # so many start at a time
            os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(waiting)
            searcher = PlanSearcher(driver, common)
            _tuner(searcher, storage).fit()
        finally:
            heartbeat.stop()
    finally:
        ray.shutdown()
        leftovers.clear(storage)
        leftovers.let_go()
    if searcher.failure:
        raise searcher.failure


def _tuner(searcher: PlanSearcher, storage: Path) -> tune.Tuner:
    return tune.Tuner(
        _trainable(),
        tune_config=tune.TuneConfig(
            search_alg=searcher, num_samples=-1, reuse_actors=True,
            trial_dirname_creator=lambda trial: f"{trial.config['key']}-{trial.trial_id}",
        ),
        run_config=tune.RunConfig(
            name="study", storage_path=str(storage), verbose=0, stop=Halt(searcher), callbacks=[Look(searcher)],
            failure_config=tune.FailureConfig(max_failures=0),
            checkpoint_config=tune.CheckpointConfig(num_to_keep=None),
        ),
    )  # fmt: skip


def _storage(folder: Path, shared: bool) -> Path:
    """An empty folder for what Tune writes: where all nodes see it, or else off the results' disk. Raises BadInput."""
    name = leftovers.prefix() + sha256(os.fsencode(folder.resolve())).hexdigest()[:16]
    storage = folder.resolve() / ".tune" if shared else Path(tempfile.gettempdir()) / name
    leftovers.sweep()
    leftovers.clear(storage)
    try:
        storage.mkdir(mode=0o700)
    except FileExistsError:
        raise BadInput(f"{storage} is a link or belongs to somebody else: remove it") from None
    leftovers.hold(storage)
    return storage


def _why(trial_id: str, trials: Sequence[Any]) -> str:
    """What Tune knows of a trial's end, in a line."""
    trial = next((trial for trial in trials if trial.trial_id == trial_id), None)
    error = trial.get_error() if trial else None
    if isinstance(error, ray.exceptions.RayTaskError):  # a traceback, with what was raised in its last line
        return str(error).strip().splitlines()[-1]
    return f"its process or its node died ({first_line(error)})" if error else "its process or its node died"


def _trainable() -> Any:
    """What Tune sends to the nodes. Nested functions travel by value: a node without our code can report that."""
    not_here = Trouble.UNFIT.value  # a plain text, for the same reason

    def trial(config: dict[str, Any]) -> None:
        task = json.loads(config["task"])
        try:
            from harness.ray_tune import worker

            seen = worker.misfit(task["guard"])
        except Exception as error:
            if not task["guard"]:
                raise
            seen = {"error": str(error)}
        if seen is None:
            return worker.work(task["tasks"])
        name = f"{socket.gethostname()} ({ray.util.get_node_ip_address()})"
        unfit = {"status": not_here, "error": f"not on {name}", "seen": seen, "name": name,
                 "node": ray.get_runtime_context().get_node_id()}  # fmt: skip
        for one in task["tasks"]:
            tune.report({"epoch": 0, "key": one["key"], "outcome": json.dumps(unfit)})

    def resources(config: dict[str, Any]) -> tune.PlacementGroupFactory:
        from harness.ray_tune import worker

        return worker.share(config)

    return tune.with_resources(trial, resources)
