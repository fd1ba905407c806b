"""`nas-harness measure`: latency and peak memory of a study's networks on this machine, into `measured.csv`.

Each network is measured in several processes of its own, in random order with the others: a machine that slows down
meets all alike, and no network finds another one's memory. The interval is over these processes.
"""

import argparse
import csv
import io
import json
import multiprocessing
import os
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median as middle
from typing import Any

import torch

from analysis.results.measured import FILE, read
from analysis.results.protocol_view import Damaged
from analysis.statistics.medians import median
from harness.commands import context
from harness.data import datasets
from harness.engine import memory
from harness.engine.device import device_named
from harness.engine.hardware import hardware
from harness.errors import ODD, BadInput, Stopped, first_line
from harness.storage import provenance
from harness.storage.files import locked, write_atomically
from harness.storage.folder import read_study
from harness.storage.rows import complete_rows, latest_rows
from harness.vocabulary.kinds import Kind
from harness.vocabulary.rows import Status
from spaces.plugins import beside, untrusted
from spaces.registry import load

LOCK = f".{FILE}.lock"
BATCHES = (1, 64)
ROUNDS = 6  # processes for each network: with fewer a median has no 95 % interval
WARM_UP, LEAST = 3, 5  # runs that are not counted, and that are at least


@dataclass(frozen=True)
class Network:
    """What a process needs to build one."""

    space: str
    options: str  # of the space, as JSON
    architecture: str
    classes: int
    channels: int
    size: int


@dataclass(frozen=True)
class Place:
    device: str
    threads: int
    seconds: float  # of each batch size, in each process
    home: str | None = None  # where a space may lie that a trusted study names


def command(options: argparse.Namespace) -> int:
    (folder,) = context.folders(argparse.Namespace(folders=[options.folder]))
    with nullcontext() if options.trust else untrusted():
        found = networks(folder, datasets.data_root(options.data_root))
    with locked(folder / LOCK):
        measured_before(folder)  # what is no such file is said now, and not when all is measured
    home = os.getcwd() if options.trust else None
    place = Place(str(device_named(options.device)), options.threads, options.seconds / ROUNDS, home)
    count = sum(map(len, found.values()))
    print(
        f"{len(found)} networks of {count} trainings, {ROUNDS} processes each, on {hardware(place.device)}", flush=True
    )
    lines = [line for network, measured in measure(list(found), place).items()
             for key in found[network] for line in records(key, measured, place)]  # fmt: skip
    write(folder, lines)
    print(f"{folder / FILE} written; the table of latency: nas-harness report {folder}")
    return 0


def networks(folder: Path, root: Path | None) -> dict[Network, list[str]]:
    """Each network that a finished training of the study's plan has → these trainings' keys. Raises BadInput without
    any."""
    study = read_study(folder)
    try:
        load(study["space"], study["space_options"])
    except ValueError as error:
        raise BadInput(f"study.json: {error}") from None
    planned = {job["key"] for job in study["plan"]}
    found: dict[Network, list[str]] = defaultdict(list)
    complete_rows(folder)
    for key, row in sorted(latest_rows(folder).items()):
        if key not in planned or row["kind"] != Kind.TRAIN or row["status"] != Status.DONE or not row["architecture"]:
            continue
        try:
            found[_network(row, root)].append(key)
        except ODD as error:
            raise BadInput(f"{folder}, row {key}: was not written by a run ({first_line(error)})") from None
    if not found:
        raise BadInput(f"{folder} has no finished training yet: there is nothing to measure")
    return found


def _network(row: Mapping[str, Any], root: Path | None) -> Network:
    settings = row["settings"]
    space = load(settings["space"], settings["space_options"])
    data, text = datasets.load(settings["data"], root), str(space.parse(str(row["architecture"])))
    options = json.dumps(settings["space_options"], sort_keys=True)
    return Network(settings["space"], options, text, data.classes, data.channels, data.size)


Measured = dict[int, list[tuple[float, int]]]  # batch → (median seconds, bytes) of each process


def measure(wanted: list[Network], place: Place) -> dict[Network, Measured]:
    """Raises Stopped where a process died."""
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["harness.commands.measure"])
    found: dict[Network, Measured] = {network: {batch: [] for batch in BATCHES} for network in wanted}
    tasks = [(network, batch) for network in wanted for batch in BATCHES]
    for number in range(ROUNDS):
        for network, batch in Random(number).sample(tasks, len(tasks)):
            answer, question = processes.Pipe(duplex=False)
            process = processes.Process(target=_answer, args=(network, place, batch, question), daemon=True)
            process.start()
            question.close()
            try:
                said = answer.recv()
            except EOFError:
                said = "its process died; there may be too little memory"
            process.join()
            if isinstance(said, str):
                raise Stopped(f"{network.architecture} cannot be measured at batch {batch}: {said}")
            found[network][batch].append(said)
    return found


def _answer(network: Network, place: Place, batch: int, question: Any) -> None:
    try:
        with beside(place.home):
            question.send(once(network, place, batch))
    except Exception as error:  # of a space from outside, or of a device without room
        question.send(first_line(error))


def once(network: Network, place: Place, batch: int) -> tuple[float, int]:
    """(median seconds of a forward pass, bytes at its peak beyond what the process had before)."""
    torch.set_num_threads(place.threads)
    device = torch.device(place.device)
    torch.nn.Conv2d(1, 1, 3).to(device)(torch.zeros(1, 1, 8, 8, device=device))  # libraries are loaded before it counts
    memory.start(place.device)
    before = memory.peak(place.device)
    space = load(network.space, json.loads(network.options))
    built = space.build(space.parse(network.architecture), network.classes, network.channels).eval().to(device)
    images = torch.randn(batch, network.channels, network.size, network.size, device=device)
    with torch.inference_mode():
        times = list(_times(built, images, place.seconds))
    return middle(times[WARM_UP:]), max(0, memory.peak(place.device) - before)


def _times(network: torch.nn.Module, images: torch.Tensor, seconds: float) -> Iterator[float]:
    """Of each run, those of the warm-up first."""
    wait = torch.cuda.synchronize if images.device.type == "cuda" else lambda: None
    ends, count = time.perf_counter() + seconds, 0
    while count < WARM_UP + LEAST or time.perf_counter() < ends:
        wait()
        start = time.perf_counter()
        network(images)
        wait()
        yield time.perf_counter() - start
        count += 1


def records(key: str, measured: Measured, place: Place) -> Iterator[dict[str, Any]]:
    """Lines of `measured.csv` (docs/commands.md)."""
    for batch, rounds in measured.items():
        took = median([1000 * seconds for seconds, _ in rounds])
        yield {"key": key, "batch": batch, "device": place.device, "hardware": hardware(place.device),
               "threads": place.threads, "precision": "fp32", "median_ms": took.value, "low_ms": took.low,
               "high_ms": took.high, "peak_memory_bytes": middle([size for _, size in rounds]),
               "torch": torch.__version__, "measured": provenance.now()}  # fmt: skip


def measured_before(folder: Path) -> list[dict[str, Any]]:
    """Its lines as they stand there, with whatever columns somebody added. Raises BadInput where the file is none of
    ours."""
    try:
        read(folder)
        text = (folder / FILE).read_text(encoding="utf-8", errors="replace")
        return list(csv.DictReader(io.StringIO(text, newline="")))
    except FileNotFoundError:
        return []
    except (Damaged, csv.Error) as error:
        raise BadInput(str(error)) from None


def write(folder: Path, lines: list[dict[str, Any]]) -> None:
    """Beside what was measured before, on other machines meanwhile, too; in place of the same networks' on the same
    device."""
    same = ("key", "batch", "device", "hardware", "threads")
    with locked(folder / LOCK):
        before = measured_before(folder)
        every = {tuple(str(line[name]) for name in same): line for line in [*before, *lines]}
        columns = dict.fromkeys(name for line in [*lines[:1], *before[:1]] for name in line if name is not None)
        out = io.StringIO()
        writer = csv.DictWriter(out, list(columns), extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(every[key] for key in sorted(every))
        write_atomically(folder / FILE, out.getvalue().encode())
