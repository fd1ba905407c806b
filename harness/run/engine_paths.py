"""Which path is fastest: a short measured trial of a step, once for a study's networks and once for its supernets.

`study.json` keeps what was chosen, so that whatever is run later runs the same.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch

from harness.data.images import DataSet
from harness.engine.device import paths
from harness.engine.engine import Engine
from harness.engine.graphs import WARM
from harness.engine.optimiser import sgd
from harness.errors import BadInput
from harness.run.checks import example
from harness.run.prepare import Prepared
from harness.storage.folder import read_study
from harness.storage.rows import latest_rows
from harness.study.schema import Recipe
from harness.training.train import weight_step
from harness.vocabulary.kinds import Kind

REPEATS = 3
MARGIN = 0.9  # of the default's time: what is not clearly faster is not worth another rounding
SMALL = 0.05  # seconds; on a CPU, quicker steps are not worth a trial


def fastest(names: tuple[str, ...], seconds: Callable[[str], float], small: float = 0.0) -> str:
    """The quickest of `names`, taken in turn; the first, the default, unless another one is quicker by the margin.

    Where the default takes less than `small` seconds, nothing else is tried.
    """
    best = {names[0]: seconds(names[0])}
    if best[names[0]] < small:
        return names[0]
    for _ in range(REPEATS):
        for name in names:
            best[name] = min(best.get(name, float("inf")), seconds(name))
    winner = min(best, key=lambda name: best[name])
    return winner if best[winner] < MARGIN * best[names[0]] else names[0]


def settled(prepared: Prepared, device: str, forced: str | None = None) -> dict[str, str]:
    """{"network": …, "supernet": …}: `forced`, else as study.json and rows have it, else measured.

    Nothing is measured for a device that this machine lacks, as on a cluster: then defaults hold. Raises BadInput
    where `forced` is no path of the device.
    """
    if forced:
        known = dict.fromkeys(path for precision in ("fp32", "bf16") for path in paths(torch.device(device), precision))
        if forced not in known:
            raise BadInput(f"--path '{forced}' is unknown; {device} has {', '.join(map(repr, known))}")
        return {"network": forced, "supernet": forced}
    found = _known(prepared.folder)
    absent = device.startswith("cuda") and not torch.cuda.is_available()
    looked_up = all("table" in job.settings for job in prepared.plan.jobs.values())
    if found.keys() == {"network", "supernet"} or absent or looked_up or prepared.study.task != "images":
        return found
    return {**_chosen(prepared, torch.device(device)), **found}


def of(job_kind: str, known: Mapping[str, str]) -> str | None:
    """The path of a job of this kind."""
    return known.get("supernet" if job_kind == Kind.SEARCH else "network")


def _known(folder: Path) -> dict[str, str]:
    rows = [row for row in latest_rows(folder).values() if row["path"]]
    found = {"supernet" if row["kind"] == Kind.SEARCH else "network": str(row["path"]) for row in rows}
    try:
        return {**found, **read_study(folder).get("paths", {})}
    except BadInput:
        return found


def _chosen(prepared: Prepared, device: torch.device) -> dict[str, str]:
    settings, space, data = prepared.settings, prepared.space, prepared.data
    some = example(space)
    network: Callable[[], Any] = lambda: space.build(some, data.classes, data.channels)  # noqa: E731
    supernet: Callable[[], Any] = lambda: space.supernet(data.classes, data.channels, space.gates[0])  # noqa: E731
    with one_thread():
        return {
            "network": measured(network, data, device, settings.study.recipe),
            "supernet": measured(supernet, data, device, settings.search_recipe),
        }


def measured(build: Callable[[], Any], data: DataSet, device: torch.device, recipe: Recipe) -> str:
    """The fastest path of the recipe's precision for networks as `build` makes them."""
    names = paths(device, recipe.precision)
    steps: dict[str, Callable[[], float]] = {}

    def seconds(name: str) -> float:
        if name not in steps:
            steps[name] = timer(build(), Engine.choose(device, recipe.precision, data, name), data, recipe)
            for _ in range(WARM + 1 if "graphs" in name else 1):
                steps[name]()
        return steps[name]()

    return names[0] if len(names) == 1 else fastest(names, seconds, SMALL if device.type == "cpu" else 0.0)


def timer(network: Any, engine: Engine, data: DataSet, recipe: Recipe) -> Callable[[], float]:
    """Of one step of the weights on one batch, in seconds: of processor time on a CPU, which others' load spares."""
    network = engine.place(network)
    optimiser = sgd(list(network.parameters()), recipe)
    step = engine.repeated(partial(weight_step, network, optimiser, engine, recipe.clip), network)
    part = data.train.take(torch.arange(min(recipe.batch_size, len(data.train)))).to(engine.device)
    batch = next(iter(engine.batches(part, recipe.batch_size)))
    clock = time.process_time if engine.device.type == "cpu" else time.perf_counter

    def timed() -> float:
        start = clock()
        step(*batch).item()
        return clock() - start

    return timed


@contextmanager
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
