"""Which path is fastest: a short measured trial of a step, for a study's networks and for its supernets, if it has any.

`study.json` keeps what was chosen, so that whatever is run later runs the same.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import torch

from harness.data.images import DataSet
from harness.engine.device import known_paths, paths
from harness.engine.engine import Engine
from harness.engine.graphs import WARM
from harness.errors import BadInput, first_line, say
from harness.plan.jobs import Job, Plan
from harness.plan.settings import at_start, by_table, recipe_of, search_of
from harness.run.checks.study import example
from harness.run.prepare import Prepared
from harness.run.step_time import affordable, one_thread, timer
from harness.storage.folder import read_study
from harness.storage.rows import latest_rows
from harness.study.schema import IMAGES, Recipe
from harness.training import supernets
from harness.vocabulary.kinds import SUPERNETS
from harness.vocabulary.rows import Row

T = TypeVar("T")
REPEATS = 3
MARGIN = 0.9  # of the default's time: what is not clearly faster is not worth another rounding
LIMIT = 20.0  # seconds for all paths of a kind of network; the step that is running then is still finished
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


def settled(prepared: Prepared, plan: Plan, device: str, forced: str | None = None,
            reuse: Sequence[Path] = ()) -> dict[str, str]:  # fmt: skip
    """ "network" and "supernet" → path: `forced`, else as study.json and rows have it, else as the rows of the folders
    `reuse` that `plan` takes over, else measured where it trains such.

    Nothing is measured for a device that this machine lacks, as on a cluster: then defaults hold. Raises BadInput
    where `forced` is no path of the device.
    """
    check(device, forced)
    if forced:
        return {"network": forced, "supernet": forced}
    taken = [row for folder in reuse for row in latest_rows(folder).values() if row["key"] in plan.jobs]
    found = {**_paths(row for row in taken if row["path"] in _known_on(device)), **known(prepared.folder)}
    return {**{what: _there(what, jobs[0], prepared, torch.device(device))
               for what, jobs in _unknown(prepared, plan, device, found).items()}, **found}  # fmt: skip


def check(device: str, forced: str | None) -> None:
    """Raises BadInput where `forced` is no path of the device."""
    if forced and forced not in (known := _known_on(device)):
        raise BadInput(f"--path '{forced}' is unknown; {device} has {', '.join(map(repr, known))}")


def _known_on(device: str) -> list[str]:
    paths = (path for precision in ("fp32", "bf16") for path in known_paths(torch.device(device), precision))
    return list(dict.fromkeys(paths))


def to_measure(prepared: Prepared, plan: Plan, device: str) -> dict[str, list[Job]]:
    """Of "network" and "supernet", those whose path a run of `plan` measures first, each with its jobs."""
    return _unknown(prepared, plan, device, known(prepared.folder))


def _unknown(prepared: Prepared, plan: Plan, device: str, known: Mapping[str, str]) -> dict[str, list[Job]]:
    absent = device.startswith("cuda") and not torch.cuda.is_available()
    if absent or prepared.study.task != IMAGES:
        return {}
    found: dict[str, list[Job]] = {}
    for job in plan.jobs.values():
        if not (by_table(job.settings) or at_start(job.settings)):
            found.setdefault(_what(job.kind), []).append(job)
    return {what: jobs for what, jobs in found.items() if what not in known}


def apart(function: Callable[..., T], *arguments: Any) -> T:
    """What `function` returns in a process of its own: a CUDA context and its memory go with the process alone."""
    with ProcessPoolExecutor(1, get_context("spawn")) as child:
        return child.submit(function, *arguments).result()


def _there(what: str, job: Job, prepared: Prepared, device: torch.device) -> str:
    if device.type != "cuda":
        return _fastest(what, job, prepared, device)
    try:
        return apart(_fastest, what, job, _small(prepared, job), device)
    except BrokenExecutor:  # it was ended, or a script that calls the harness has no `if __name__ == "__main__"`
        default = paths(device, recipe_of(job.settings).precision)[0]
        say(f"no path for the {what}s could be measured, since the process for it died; '{default}' is taken")
        return default


def _small(prepared: Prepared, job: Job) -> Prepared:
    """With no more images than a batch of `job`, and without the plan: little to send to another process."""
    batch = torch.arange(recipe_of(job.settings).batch_size)
    parts = [data.train.take(batch[: len(data.train)]) for data in prepared.sets]
    sets = tuple(replace(data, train=part, test=part) for data, part in zip(prepared.sets, parts, strict=True))
    return replace(prepared, sets=sets, plan=prepared.plan.only(("none",)))


def of(job_kind: str, known: Mapping[str, str]) -> str | None:
    """The path of a job of this kind."""
    return known.get(_what(job_kind))


def _what(job_kind: str) -> str:
    return "supernet" if job_kind in SUPERNETS else "network"


def known(folder: Path) -> dict[str, str]:
    """ "network" and "supernet" → the path that `folder` has for it."""
    found = _paths(latest_rows(folder).values())
    try:
        return {**found, **read_study(folder).get("paths", {})}
    except BadInput:
        return found


def _paths(rows: Iterable[Row]) -> dict[str, str]:
    return {_what(row["kind"]): str(row["path"]) for row in rows if row["path"]}


def _fastest(what: str, job: Job, prepared: Prepared, device: torch.device) -> str:
    """For the networks of a plan, of which `job` trains the first."""
    space, data = prepared.space, prepared.data_of(job)
    text = job.settings.get("source", {}).get("text")
    written = space.parse(text) if text else None
    some = written if written and not space.broken(written) else example(space)

    def build() -> Any:
        if what == "supernet":
            return supernets.built(space, data.classes, data.channels, search_of(job.settings))
        return space.build(some, data.classes, data.channels)

    with one_thread():
        return measured(build, data, device, recipe_of(job.settings), what)


def measured(build: Callable[[], Any], data: DataSet, device: torch.device, recipe: Recipe,
             what: str = "network") -> str:  # fmt: skip
    """The fastest path of the recipe's precision for networks as `build` makes them; the default where that fails."""
    names = paths(device, recipe.precision)
    if len(names) == 1:
        return names[0]
    try:
        return _measured(build, data, device, recipe, what)
    except (RuntimeError, MemoryError) as error:
        say(f"which path is fastest for the {what}s cannot be measured ({first_line(error)[:100]}): '{names[0]}'")
        return names[0]


def _measured(build: Callable[[], Any], data: DataSet, device: torch.device, recipe: Recipe, what: str) -> str:
    names = paths(device, recipe.precision)
    own, started = recipe, time.monotonic()
    recipe = affordable(build(), Engine.choose(device, recipe.precision, data), data, own)
    small = SMALL * recipe.batch_size / min(own.batch_size, len(data.train)) if device.type == "cpu" else 0.0
    steps: dict[str, Callable[[], float]] = {}

    def seconds(name: str) -> float:
        if time.monotonic() - started > LIMIT:
            raise RuntimeError(f"it took more than {LIMIT:g} s")
        if name not in steps:
            if name == names[1]:
                say(f"measuring which path is fastest for the {what}s, {LIMIT:g} s at most")
            steps[name] = timer(build(), Engine.choose(device, recipe.precision, data, name), data, recipe)
            for _ in range(WARM + 1 if "graphs" in name else 1):
                steps[name]()
        return steps[name]()

    return fastest(names, seconds, small)
