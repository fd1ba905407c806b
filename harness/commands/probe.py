"""How many trials of a study should share a machine: real short trainings, side by side, at several shares."""

import argparse
import contextlib
import multiprocessing
import queue
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch

from harness.commands import context, sessions
from harness.engine import memory
from harness.engine.cores import cores
from harness.engine.packing import in_turn
from harness.plan import resolve
from harness.plan.jobs import Job
from harness.plan.settings import Settings, at_start, by_table, validation_portion
from harness.run import engine_paths
from harness.run.prepare import Prepared
from harness.training import run_job
from harness.training.place import Place
from harness.vocabulary.kinds import Kind
from spaces.plugins import beside
from spaces.space import Space


def command(options: argparse.Namespace) -> int:
    """Trains for a few seconds at each share; nothing of it is kept."""
    session = sessions.here(options)
    prepared = context.as_there(options, context.study(options), session)
    ways = engine_paths.settled(prepared, prepared.plan, session.device, session.engine_path)
    found = []
    for measured in probe(prepared, session.device, session.root, options.seconds, ways):
        print(f"{measured.kind}: {measured.at_once} at once measured", file=sys.stderr)
        found.append(measured)
    print(table(found))
    return 0 if recommended(found) else 1


BATCHES = 16  # of an epoch of the probe; the first one warms up and is not counted
MORE = 64  # on a GPU, so that what an epoch costs once, as a capture does, weighs as in an epoch of a study
MOST = 8  # trials at once on a GPU
ALIKE = 0.97  # of the best throughput: so close, fewer and larger shares are better


@dataclass(frozen=True)
class Measured:
    """`at_once` trials of `kind` with so many cores and GPUs each, in one process where they are `packed`.

    `images` a second of all together (None: did not fit), `memory` of one process in bytes.
    """

    kind: str
    at_once: int
    cpus: float
    gpus: float
    images: float | None
    memory: int
    packed: bool = False


def levels(device: str, cores: int) -> Iterator[tuple[int, float, float, bool]]:
    """(trials at once, cores and GPUs of each, packed?), from one trial with everything to many with little."""
    if device.startswith("cuda"):
        for packed in (False, True):
            for at_once in (1, 2, 4, MOST)[packed:]:
                yield at_once, 1.0 if packed else float(max(1, cores // at_once)), 1 / at_once, packed
        return
    threads = cores
    while threads >= 1:
        yield cores // threads, float(threads), 0.0, False
        threads //= 2


def probe(prepared: Prepared, device: str, root: Path | None, seconds: float,
          ways: Mapping[str, str]) -> Iterator[Measured]:  # fmt: skip
    """Every level of every kind that the study has: its own trials, by the paths that they run.

    Larger crowds than it has trials of a kind are left out, and a GPU's larger ones once one did not fit.
    """
    for kind, crowd in _crowds(prepared, device).items():
        full = {False: False, True: False}  # packed? → whether a crowd did not fit
        for at_once, cpus, gpus, packed in levels(device, cores()):
            if full[packed] or at_once > len(crowd):
                continue
            processes, pack = (1, at_once) if packed else (at_once, 1)
            with tempfile.TemporaryDirectory() as folder:
                home = str(prepared.home) if prepared.home else None
                place = Place(folder, device, cpus, gpus, str(root) if root else None, home, pack=pack,
                              engine_path=engine_paths.of(kind, ways))  # fmt: skip
                found = _side_by_side(crowd, place, processes, seconds)
            images = sum(rate for rate, _ in found) if len(found) == processes else None
            yield Measured(kind, at_once, cpus, gpus, images, max((memory for _, memory in found), default=0), packed)
            full[packed] = images is None


def table(found: Sequence[Measured]) -> str:
    """For people: what was measured, and what to type."""
    lines = ["kind    trials at once  cores each  GPUs each   images/s  memory of a process"]
    lines += [f"{m.kind:6} {m.at_once:15} {m.cpus:11g} {m.gpus:10g} {_images(m.images)}  {m.memory / 2**20:7,.0f} MiB"
              f"{'  all in one' * m.packed}" for m in found]  # fmt: skip
    chosen = recommended(found)
    if not chosen:
        return "\n".join([*lines, "nothing fitted: a smaller batch, or another device"])
    options = "--cpus-per-trial " + ",".join(f"{m.kind}={m.cpus:g}" for m in chosen)
    if any(m.gpus for m in chosen):
        options += " --gpus-per-trial " + ",".join(f"{m.kind}={m.gpus:g}" for m in chosen)
    if packed := [m for m in chosen if m.packed]:
        options += " --pack " + ",".join(f"{m.kind}={m.at_once}" for m in packed)
    return "\n".join([*lines, f"recommended: {options}"])


def recommended(found: Sequence[Measured]) -> list[Measured]:
    """Of each kind the level with the most images a second; where some are about alike, the fewest trials at once."""
    kinds: dict[str, list[tuple[float, Measured]]] = defaultdict(list)
    for one in found:
        if one.images is not None:
            kinds[one.kind].append((one.images, one))
    return [min((one for images, one in these if images >= ALIKE * max(these, key=lambda t: t[0])[0]),
                key=lambda one: one.at_once) for these in kinds.values()]  # fmt: skip


def _images(images: float | None) -> str:
    return "  too large" if images is None else f"{images:11,.0f}"


def _crowds(prepared: Prepared, device: str) -> dict[str, list[Settings]]:
    """Of each kind the jobs that the study has, shortened, as many as can run beside each other here."""
    found: dict[str, list[Settings]] = {}
    most = max(MOST, cores())
    for job in prepared.plan.jobs.values():
        crowd = found.setdefault(job.kind, [])
        if len(crowd) < most and not job.reads and not (by_table(job.settings) or at_start(job.settings)):
            crowd.append(_shortened(job, prepared, device, len(crowd)))
    return {kind: crowd for kind, crowd in found.items() if crowd}


def _shortened(job: Job, prepared: Prepared, device: str, number: int) -> Settings:
    """Few images, no end, and the job's own network where the plan knows it, else the space's `number`-th draw."""
    space, recipe = prepared.space, {**job.settings["recipe"], "epochs": 10**6}
    batches = (MORE if device.startswith("cuda") else BATCHES) * (1 if job.kind == Kind.TRAIN else 2)
    images = min(len(prepared.data.train), recipe["batch_size"] * batches)
    data = {**job.settings["data"], "train_images": images}
    settings = {**job.settings, "recipe": recipe, "data": data, "test_curve": False}
    if job.kind == Kind.SEARCH:
        return {**settings, "search": {**settings["search"], "epochs": 10**6, "warmup_epochs": 0, "early_stop": False}}
    if job.kind == Kind.SCORE:
        settings["search"] = {**settings["search"], "score_epochs": 10**6}
    return {**settings, "architecture": _architecture(job, space) or str(space.draw(space.rules[0], Random(number)))}


def _architecture(job: Job, space: Space) -> str | None:
    """Of a job that waits for no other's outcome."""
    with contextlib.suppress(resolve.Unbuildable):
        return None if job.needs else resolve.resolve(job, {}, space).get("architecture")
    return None


def _side_by_side(crowd: Sequence[Settings], place: Place, at_once: int, seconds: float) -> list[tuple[float, int]]:
    """(images a second, peak bytes) of each process that came through; a pack has the next trials of the `crowd`."""
    context = multiprocessing.get_context("spawn")
    barrier, answers = context.Barrier(at_once), context.Queue()
    packs = [crowd[number * place.pack : (number + 1) * place.pack] for number in range(at_once)]
    arguments = [(f"probe-{number}", pack, place, seconds, barrier, answers) for number, pack in enumerate(packs)]
    processes = [context.Process(target=_there, args=(place.home, *one), daemon=True) for one in arguments]
    for process in processes:
        process.start()
    try:
        return list(_answers(processes, answers))
    finally:
        for process in processes:
            process.terminate()
            process.join()


def _answers(processes: Sequence[Any], answers: Any) -> Iterator[tuple[float, int]]:
    """What comes until all have answered, or one has died without a word: killed, where memory ran out."""
    left = len(processes)
    while left:
        dead = [process for process in processes if process.exitcode not in (None, 0)]
        try:
            answer = answers.get(timeout=0.5)
        except queue.Empty:
            if dead:
                return
            continue
        left -= 1
        if answer is not None:
            yield answer


def _there(home: str | None, *arguments: Any) -> None:
    with beside(home):
        _measure(*arguments)


def _measure(key: str, pack: Sequence[Settings], place: Place, seconds: float, barrier: Any, answers: Any) -> None:
    """In a process: each of its trials warms up for an epoch; then it waits for the other processes, and counts."""
    trials = {f"{key}-{number}": run_job.turns(f"{key}-{number}", one, place) for number, one in enumerate(pack)}
    images = pack[0]["data"]["train_images"] * (1 - (validation_portion(pack[0]) or 0.0))
    warm: set[str] = set()
    start, epochs = 0.0, 0
    try:
        for name, _, ended in in_turn(trials, torch.device(place.device)):
            if ended:
                raise threading.BrokenBarrierError
            epochs += len(warm) == len(pack)
            if len(warm) < len(pack) and not (warm := warm | {name}) < trials.keys():
                barrier.wait()
                start = time.perf_counter()
            if epochs and (took := time.perf_counter() - start) >= seconds and not epochs % len(pack):
                answers.put((epochs * images / took, memory.peak(place.device)))
                return
    except threading.BrokenBarrierError:  # it failed, or another one did
        barrier.abort()
        answers.put(None)
