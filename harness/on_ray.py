"""The plan as Ray Tune trials: a Searcher that suggests a job as soon as what it needs is done.

The only file that imports ray. A trial whose process or node dies goes back to the driver, which suggests it anew; it
goes on from its own newest checkpoint. Tune's retries, schedulers and restore stay out: rows are the truth.
"""

import json
import math
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from harness.driver import Assignment, Driver
from harness.errors import BadInput, Stopped, first_line
from harness.nodes import Common, Seen
from harness.tensorboard import Curves
from harness.trial import Place, Progress
from harness.vocabulary import Trouble
from harness.watchdog import Address, Pulse

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")
os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", ".")  # what Ray says of dead workers, our lines say shorter
os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
os.environ.setdefault("TUNE_DISABLE_SIGINT_HANDLER", "1")  # Tune's would wait for every epoch to end
os.environ.setdefault("TUNE_DISABLE_STRICT_METRIC_CHECKING", "1")
os.environ.setdefault("TUNE_FORCE_TRIAL_CLEANUP_S", "10")
os.environ.setdefault("TUNE_FUNCTION_THREAD_TIMEOUT_S", "60")
os.environ.setdefault("TUNE_GLOBAL_CHECKPOINT_S", "1000000")  # its snapshots are for a restore that never happens
os.environ.setdefault("TUNE_PRINT_ALL_TRIAL_ERRORS", "0")
os.environ.setdefault("TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S", "0")

import ray
from ray import tune
from ray._private import ray_constants
from ray.tune.search import Searcher
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

ATTEMPTS = 3  # at starting a Ray of one's own
OBJECT_STORE = 100 * 2**20  # bytes; trials talk through files
JOIN_SECONDS = 120  # in which a node must have answered


@dataclass(frozen=True)
class Options:
    """`cpus`: how many cores a local Ray may use, null for all; `address`: a cluster's; `root`: where data lie."""

    address: str | None = None
    cpus: int | None = None
    tensorboard: bool = False
    root: Path | None = None


class PlanSearcher(Searcher):
    """Tune asks it for trials; it asks the driver. `failure`: what broke in here, which Tune would swallow."""

    def __init__(self, driver: Driver, curves: Curves | None = None, common: Common | None = None) -> None:
        super().__init__(metric="epoch", mode="max")
        self.driver, self.curves = driver, curves
        self.common, self.mine = common, common.look() if common else None
        self.unfit: set[str] = set()  # ids of nodes that get no trials
        self.given: dict[str, dict[str, Assignment]] = {}  # Tune's trial → what runs in it, by key
        self.trials: Sequence[Any] = ()
        self.failure: Exception | None = None

    def suggest(self, trial_id: str) -> Any:
        self._notice_the_lost()
        assignments = self._guarded(self.driver.pack)
        if not assignments:
            return Searcher.FINISHED if self.stopped or self.driver.over else None
        self.given[trial_id] = {one.job.key: one for one in assignments}
        tasks = [{"key": one.job.key, "settings": one.settings, "place": asdict(one.place)} for one in assignments]
        guard = {"common": asdict(self.common), "mine": self.mine} if self.common else None
        text = json.dumps({"tasks": tasks, "guard": guard, "unfit": sorted(self.unfit)})
        return {"key": tasks[0]["key"], "task": text}  # as text, for Tune looks into every value

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        if (assignment := self.given.get(trial_id, {}).get(result["key"])) is None:
            return
        if "outcome" in result:
            if len(self.given[trial_id]) > 1:  # the last one ends with its trial
                self._end(trial_id, result["key"], json.loads(result["outcome"]))
            return
        progress = Progress(**json.loads(result["progress"]))
        self._guarded(partial(self.driver.progress, assignment.job.key, progress))
        if self.curves:
            self.curves.add(assignment.job, progress)

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        if not error and result and "outcome" in result:
            self._end(trial_id, result["key"], json.loads(result["outcome"]))
        for key in list(self.given.get(trial_id, {})):
            self._end(trial_id, key, {"status": Trouble.LOST, "error": _why(trial_id, self.trials)})
        self.given.pop(trial_id, None)

    def _end(self, trial_id: str, key: str, outcome: Mapping[str, Any]) -> None:
        if (assignment := self.given.get(trial_id, {}).pop(key, None)) is None:
            return
        self._notice_the_unfit(outcome)
        self._guarded(partial(self.driver.end, assignment, outcome))
        if self.curves:
            self.curves.close(assignment.job)

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
            print(f"nas-harness: node {outcome['name']}: {why}; it gets no trials", file=sys.stderr, flush=True)

    def _notice_the_lost(self) -> None:
        """Tune forgets a trial for which an actor could not be used again."""
        lost = [trial.trial_id for trial in self.trials if trial.status == "ERROR" and trial.trial_id in self.given]
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
    """Ends everything where the driver says so."""

    def __init__(self, searcher: PlanSearcher) -> None:
        self.searcher = searcher

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        return self.searcher.stopped


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
    curves = Curves(driver.folder) if options.tensorboard else None
    storage = _storage(driver.folder, shared=options.address is not None)
    try:
        _connect(options)
        pulse = Pulse(_services(), partial(_dead, options))
        pulse.start()
        try:
            alive = [node for node in ray.nodes() if node["Alive"]]
            common = Common.marked(driver.folder, storage, options.root) if options.address else None
            _check(driver, common, alive)
            os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(len(alive))  # so many start at a time
            searcher = PlanSearcher(driver, curves, common)
            _tuner(searcher, storage).fit()
        finally:
            pulse.stop()
            if curves:
                curves.close_all()
    finally:
        ray.shutdown()
        shutil.rmtree(storage, ignore_errors=True)
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
    """An empty folder for what Tune writes: where all nodes see it, or else off the results' disk."""
    name = f"nas-harness-{os.getuid()}-{sha256(str(folder.resolve()).encode()).hexdigest()[:16]}"
    storage = folder.resolve() / ".tune" if shared else Path(tempfile.gettempdir()) / name
    shutil.rmtree(storage, ignore_errors=True)
    storage.mkdir()
    return storage


def share(config: Mapping[str, Any]) -> tune.PlacementGroupFactory:
    """Of a machine, what a trial asks for."""
    task = json.loads(config["task"])
    places = [Place(**one["place"]) for one in task["tasks"]]
    gpus = sum(place.gpus for place in places)
    bundle = {"CPU": places[0].cpus, "GPU": gpus if gpus <= 1 else math.ceil(gpus)}
    if not task["unfit"]:
        return tune.PlacementGroupFactory([bundle])
    elsewhere = {"ray.io/node-id": f"!in({','.join(task['unfit'])})"}
    return tune.PlacementGroupFactory([bundle], bundle_label_selector=[elsewhere])


def _connect(options: Options) -> None:
    """Raises BadInput where no cluster answers, Stopped where no Ray can be started here."""
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "CRITICAL", "configure_logging": True}
    if options.address:
        try:
            ray.init(address=options.address, **quiet)
        except (ConnectionError, RuntimeError) as error:
            raise BadInput(f"--address {options.address}: {first_line(error)}") from None
        return
    ray_constants.ENABLE_RAY_CLUSTER = False  # all of it listens on loopback alone, as Ray does on a Mac
    own = {"address": "local", "num_cpus": options.cpus, "include_dashboard": False,
           "object_store_memory": OBJECT_STORE, **quiet}  # fmt: skip
    for attempt in range(1, ATTEMPTS + 1):
        try:
            ray.init(**own)
            return
        except Exception as error:  # Ray's own timeouts are plain Exceptions, and short for a busy machine
            ray.shutdown()
            if attempt == ATTEMPTS:
                raise Stopped(f"Ray could not be started: {first_line(error)}") from None


def _services() -> dict[str, Address]:
    """What must answer for the driver to go on: Ray's head, and the raylet of this machine."""
    here = ray.get_runtime_context().get_node_id()
    host, _, port = ray.get_runtime_context().gcs_address.rpartition(":")
    mine = next(node for node in ray.nodes() if node["NodeID"] == here)
    return {"head": (host.strip("[]"), int(port)), "raylet": (mine["NodeManagerAddress"], mine["NodeManagerPort"])}


def _dead(options: Options, service: str) -> None:
    """Ray's own calls hang from now on, so the process ends at once; every row is on the disk already."""
    whose = f"at {options.address}" if options.address else "of this run"
    text = f"\nnas-harness: Ray's {service} {whose} has died; nothing is lost, the same command carries on\n"
    os.write(2, text.encode())
    os._exit(1)


def _check(driver: Driver, common: Common | None, alive: list[dict[str, Any]]) -> None:
    """Raises BadInput with a line per node that cannot do the work. A cluster may yet grow; one machine does not."""
    if common and (faults := common.faults(partial(_everywhere, alive))):
        raise BadInput("\n".join(faults))
    for kind in {job.kind for job in driver.plan.jobs.values()}:
        cpus, gpus = driver.admission.shares.of(kind, driver.admission.device)
        has = [(node["Resources"].get("CPU", 0), node["Resources"].get("GPU", 0)) for node in alive]
        if any(cores >= cpus and cards >= gpus for cores, cards in has):
            continue
        text = f"a {kind} trial asks for {cpus:g} cores and {gpus:g} GPUs, which no machine here has"
        if not common:
            raise BadInput(text)
        print(f"nas-harness: {text}; it waits for one to join", file=sys.stderr)


def _everywhere(alive: Sequence[dict[str, Any]], look: Callable[[], Seen]) -> dict[str, Seen | None]:
    """Node's name → what it sees; None where it did not answer in time."""
    asked = {}
    remote: Any = ray.remote(num_cpus=0, max_retries=0)(_called)
    for node in alive:
        there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        name = f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})"
        asked[name] = remote.options(scheduling_strategy=there).remote(look)
    done, _ = ray.wait(list(asked.values()), num_returns=len(asked), timeout=JOIN_SECONDS)
    return {name: _answer(answer) if answer in done else None for name, answer in asked.items()}


def _called(look: Callable[[], Seen]) -> Seen:
    return look()


def _answer(answer: Any) -> Seen | None:
    try:
        found: Seen = ray.get(answer)
    except ray.exceptions.RayError as error:
        return {"error": str(error).strip().splitlines()[-1]}
    return found


def _why(trial_id: str, trials: Sequence[Any]) -> str:
    """The first line of what Tune knows of a trial's end."""
    trial = next((trial for trial in trials if trial.trial_id == trial_id), None)
    error = trial.get_error() if trial else None
    return f"its process or its node died ({first_line(error)})" if error else "its process or its node died"


def _trainable() -> Any:
    """What Tune takes to the nodes: nested functions, which travel by value. A node without our code can so say it."""
    not_here = Trouble.UNFIT.value  # a plain text, for the same reason

    def trial(config: dict[str, Any]) -> None:
        task = json.loads(config["task"])
        try:
            from harness import on_ray

            seen = on_ray.misfit(task["guard"])
        except Exception as error:
            if not task["guard"]:
                raise
            seen = {"error": str(error)}
        if seen is None:
            return on_ray.work(task["tasks"])
        name = f"{socket.gethostname()} ({ray.util.get_node_ip_address()})"
        unfit = {"status": not_here, "error": f"not on {name}", "seen": seen, "name": name,
                 "node": ray.get_runtime_context().get_node_id()}  # fmt: skip
        for one in task["tasks"]:
            tune.report({"epoch": 0, "key": one["key"], "outcome": json.dumps(unfit)})

    def resources(config: dict[str, Any]) -> tune.PlacementGroupFactory:
        from harness import on_ray

        return on_ray.share(config)

    return tune.with_resources(trial, resources)


def work(tasks: Sequence[Mapping[str, Any]]) -> None:
    """Runs in a worker process, which may have run other trials before."""
    import torch

    from harness import jobs
    from harness.packing import in_turn

    places = {one["key"]: Place(**one["place"]) for one in tasks}
    trials = {one["key"]: jobs.turns(one["key"], one["settings"], places[one["key"]]) for one in tasks}
    device = torch.device(next(iter(places.values())).device)
    for count, (key, said, ended) in enumerate(in_turn(trials, device), 1):
        what = {"outcome": json.dumps(said)} if ended else {"progress": json.dumps(asdict(said))}
        tune.report({"epoch": count, "key": key, **what})


def misfit(guard: Mapping[str, Any] | None) -> Seen | None:
    """What this node sees, where it may not take part; it may have joined after the others were asked.

    A process looks once, and again where the results' folder has gone from its node meanwhile.
    """
    if guard is None:
        return None
    common = Common(**guard["common"])
    if common.mark in _FIT and Path(common.mark).is_file():
        return None
    seen = common.look()
    if common.fault(guard["mine"], seen):
        return seen
    _FIT.add(common.mark)
    return None


_FIT: set[str] = set()  # marks of the runs for which this process has looked
