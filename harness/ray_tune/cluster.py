"""Starting Ray or joining a cluster, and whether its nodes can do the work."""

import harness.ray_tune.environment  # noqa: F401 (before ray)

# isort: split
import fcntl
import os
import secrets
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event, Timer
from typing import Any

import ray
import ray.tune.tune
from ray._private import ray_constants
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from harness.engine.cores import cores
from harness.errors import BadInput, Stopped, first_line, say
from harness.ray_tune import reach
from harness.ray_tune.heartbeat import Address
from harness.ray_tune.nodes import Common, Seen
from harness.run import same_hardware
from harness.run.driver import Driver

ATTEMPTS = 3  # at starting a Ray of one's own
PATIENCE = 3.0  # seconds after which it is said what is waited for
OBJECT_STORE = 100 * 2**20  # bytes; trials talk through files
JOIN_SECONDS = 120  # in which a node must have answered


@dataclass(frozen=True)
class Options:
    """`cpus`: how many cores a local Ray may use, null for all; `address`: a cluster's; `root`: where data lie."""

    address: str | None = None
    cpus: int | None = None
    root: Path | None = None


QUIET: dict[str, Any] = {"log_to_driver": False, "logging_level": "CRITICAL", "configure_logging": True}


def connect(options: Options) -> str | None:
    """The folder of a Ray that was started here; None where a cluster was joined.

    Raises BadInput where no cluster answers, Stopped where no Ray can be started here.
    """
    with own_signals():
        if options.address:
            join(options.address)
            return None
        _start(options)
    node: Any = ray._private.worker._global_node
    return str(node.get_session_dir_path())


@contextmanager
def own_signals() -> Iterator[None]:
    """Keeps this process's answers to signals: Ray would dump its stack and abort, and Tune end at SIGUSR1."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)}
    ray._private.utils.set_sigterm_handler = lambda _: None
    ray.tune.tune._setup_signal_catching = Event
    try:
        yield
    finally:
        with suppress(ValueError):  # only the main thread hears signals
            for number, handler in before.items():
                signal.signal(number, handler)


def refuse_another() -> None:
    """Raises BadInput where this process, such as a notebook's, has a Ray of its own: a run would shut that down."""
    if ray.is_initialized():
        raise BadInput("--executor ray: this process uses a Ray of its own, which a run would end; call ray.shutdown() "
                       "before, or take --executor in-process")  # fmt: skip


def join(address: str) -> None:
    """Says what it waits for, where the answer takes long. Raises BadInput."""
    reach.check(address)
    patience = Timer(PATIENCE, print, [f"nas-harness: waiting for Ray's head at {address}"], {"file": sys.stderr})
    patience.start()
    try:
        ray.init(address=address, **QUIET)
    except (ConnectionError, ray.exceptions.RayError) as error:
        raise BadInput(f"--address {address}: {first_line(error)}; a Ray with a token is joined with "
                       "RAY_AUTH_MODE=token and the same token in ~/.ray/auth_token") from None  # fmt: skip
    except (RuntimeError, ValueError) as error:
        raise BadInput(f"--address {address}: {first_line(error)}") from None
    finally:
        patience.cancel()


def _start(options: Options) -> None:
    ray_constants.ENABLE_RAY_CLUSTER = False  # all of it listens on loopback alone, as Ray does on a Mac
    private_token()
    own = {"address": "local", "num_cpus": options.cpus or cores(), "include_dashboard": False,
           "object_store_memory": OBJECT_STORE, **QUIET}  # fmt: skip
    for attempt in range(1, ATTEMPTS + 1):
        try:
            ray.init(**own)
            return
        except Exception as error:  # Ray's own timeouts are plain Exceptions, and short for a busy machine
            ray.shutdown()
            if attempt == ATTEMPTS:
                raise Stopped(f"Ray could not be started: {first_line(error)}") from None


def private_token() -> None:
    """Makes Ray's token, by which code can be run as this user, a file of this user alone; Ray's own can be read."""
    if os.environ.get("RAY_AUTH_MODE", "token") != "token" or {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & {*os.environ}:
        return
    path = Path.home() / ".ray" / "auth_token"
    with suppress(OSError):  # Ray says what is wrong with the home
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            os.fchmod(file.fileno(), 0o600)
            if not os.fstat(file.fileno()).st_size:
                file.write(secrets.token_hex(32))


def services() -> dict[str, Address]:
    """What must answer for the driver to go on: Ray's head, and the raylet of this machine."""
    here = ray.get_runtime_context().get_node_id()
    host, _, port = ray.get_runtime_context().gcs_address.rpartition(":")
    mine = next(node for node in ray.nodes() if node["NodeID"] == here)
    return {"head": (host.strip("[]"), int(port)), "raylet": (mine["NodeManagerAddress"], mine["NodeManagerPort"])}


def working() -> set[str]:
    """Ids of the nodes that can have trials now."""
    return {node["NodeID"] for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU")}


def end_process(options: Options, service: str) -> None:
    """Ray's own calls hang from now on, so the process ends at once; every row is on the disk already."""
    whose = f"at {options.address}" if options.address else "of this run"
    text = f"\nnas-harness: Ray's {service} {whose} has died; nothing is lost, the same command carries on\n"
    os.write(2, text.encode())
    os._exit(1)


def check(driver: Driver, common: Common | None, alive: list[dict[str, Any]]) -> None:
    """Raises BadInput with a line per node that cannot do the work. A cluster may yet grow; one machine does not."""
    if common and (faults := common.faults(partial(answering, alive))):
        raise BadInput(*faults)
    device = driver.admission.device
    same_hardware.warn(_hardware(device, common, alive), device, driver.plan.jobs, driver.rows)
    for kind in {job.kind for job in driver.plan.jobs.values()}:
        cpus, gpus = driver.admission.shares.of(kind, driver.admission.device)
        has = [(node["Resources"].get("CPU", 0), node["Resources"].get("GPU", 0)) for node in alive]
        if any(cores >= cpus and cards >= gpus for cores, cards in has):
            continue
        text = f"a {kind} trial asks for {cpus:g} cores and {gpus:g} GPUs, which no machine here has"
        if not common:
            raise BadInput(text)
        say(f"{text}; it waits for one to join")


def _hardware(device: str, common: Common | None, alive: list[dict[str, Any]]) -> Iterable[Seen | None]:
    """What the machines that can run trials on `device` have; of a Ray on this machine alone no worker is asked."""
    if device.startswith("cuda"):
        return everywhere(
            [node for node in alive if node["Resources"].get("GPU")], same_hardware.look_at_cards
        ).values()
    if not common:
        return [same_hardware.look(device)]
    working = [node for node in alive if node["Resources"].get("CPU")]
    return everywhere(working, partial(same_hardware.look, device)).values()


def everywhere(alive: Sequence[dict[str, Any]], look: Callable[[], Seen]) -> dict[str, Seen | None]:
    """Node's name → what it sees; None where it did not answer in time."""
    asked = {}
    remote: Any = ray.remote(num_cpus=0, max_retries=0)(_called)
    for node in alive:
        there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        name = f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})"
        asked[name] = remote.options(scheduling_strategy=there).remote(look)
    done, _ = ray.wait(list(asked.values()), num_returns=len(asked), timeout=JOIN_SECONDS)
    return {name: _answer(answer) if answer in done else None for name, answer in asked.items()}


def answering(alive: Sequence[dict[str, Any]], look: Callable[[], Seen]) -> dict[str, Seen | None]:
    """As `everywhere`, without nodes that are silent while others answer: a node is looked at with its trials, too."""
    seen = everywhere(alive, look)
    if not any(seen.values()):
        return seen
    for name in (name for name, theirs in seen.items() if theirs is None):
        say(f"node {name} does not answer now; it is asked again with its first trial")
    return {name: theirs for name, theirs in seen.items() if theirs is not None}


def _called(look: Callable[[], Seen]) -> Seen:
    return look()


def _answer(answer: Any) -> Seen | None:
    try:
        found: Seen = ray.get(answer)
    except ray.exceptions.RayError as error:
        return {"error": str(error).strip().splitlines()[-1]}
    return found
