"""Training VGG19 on CIFAR-10 against the loop that a user would write: images/s, agreement, accuracy.

python -m benchmarks.train --data-root DIR [--quick] [--widths 1 0.25 0.125] [--rounds 5] [--seeds 5] [--precision fp32]

The plain loop: DataLoader with two workers, torchvision's transforms per image, eager fp32, default threads. Ours: one
trial with as many threads, and as many one-thread trials at once as there are cores (on a GPU: packed in one process).
`a processor` is images a second of processor time with one thread, loading included: other programs disturb it less.
`agreement` holds every kernel of our first step against float64, and says how far losses drift apart and why;
`floor` sets our best side against the machine's measured matrix rate and bandwidth.
"""

import multiprocessing
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from scipy import stats

from benchmarks import agreement, floor, ours, plain
from benchmarks.measure import Comparison, finish, in_turn, parser, threads
from harness.data.datasets import data_root
from harness.data.images import DataSet
from harness.engine.engine import Engine
from harness.engine.packing import in_turn as together
from spaces.space import Space

BATCH = 64
FIRST = 50  # steps whose losses are compared
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
Side = Callable[[], float]
Clock = Callable[[], float]


@dataclass(frozen=True)
class Case:
    """VGG19 of a width on CIFAR-10, in epochs of so many steps; `precision` is ours, the plain loop's is fp32."""

    width: float
    root: Path
    steps: int
    precision: str = "auto"

    @property
    def name(self) -> str:
        return f"VGG19 × {self.width:g}"

    @cached_property
    def space(self) -> Space:
        return ours.vgg19(self.width)

    @cached_property
    def data(self) -> DataSet:
        return ours.cifar10(self.root, self.steps * BATCH)

    def engine(self) -> Engine:
        return ours.engine(DEVICE, lambda: ours.network(self.space, self.data), self.data, self.precision)


def plain_side(case: Case, workers: int = 2, clock: Clock = time.perf_counter) -> Side:
    """Images/s of an epoch; the workers stay between epochs."""
    network = ours.network(case.space, case.data).to(DEVICE)
    optimiser = torch.optim.SGD(network.parameters(), ours.RECIPE.lr, ours.RECIPE.momentum)
    batches = plain.loader(case.root, range(len(case.data.train)), workers=workers)

    def measure() -> float:
        start = clock()
        losses = plain.train(network, ((a.to(DEVICE), b.to(DEVICE)) for a, b in batches), optimiser)
        return len(losses) * BATCH / (clock() - start)

    return measure


def our_side(case: Case, count: int, clock: Clock = time.perf_counter) -> Side:
    """Images/s of one trial with `count` threads; augmentation counts."""
    work = ours.training(case.space, case.data, case.engine())

    def measure() -> float:
        with threads(count):
            start = clock()
            ours.epoch(work, 1)
            return len(case.data.train) / (clock() - start)

    return measure


class Fractional:
    """`count` processes of one thread each, one trial in each; images/s of all together."""

    def __init__(self, case: Case, count: int) -> None:
        bare = replace(case)  # without what it has loaded
        context = multiprocessing.get_context("spawn")
        self.images = count * case.steps * BATCH
        self.pipes = [context.Pipe() for _ in range(count)]
        self.workers = [context.Process(target=_fraction, args=(pipe[1], bare), daemon=True) for pipe in self.pipes]
        for worker in self.workers:
            worker.start()

    def __call__(self) -> float:
        clock = time.perf_counter()
        for ours_end, _ in self.pipes:
            ours_end.send("epoch")
        for ours_end, _ in self.pipes:
            ours_end.recv()
        return self.images / (time.perf_counter() - clock)

    def close(self) -> None:
        for ours_end, _ in self.pipes:
            ours_end.send("end")
        for worker in self.workers:
            worker.join()


def _fraction(pipe: Any, case: Case) -> None:
    torch.set_num_threads(1)
    measure = our_side(case, 1)
    while pipe.recv() == "epoch":
        measure()
        pipe.send("done")


def packed_side(case: Case, count: int) -> Side:
    """Images/s of `count` trials in one process."""
    how = case.engine()
    works = [ours.training(case.space, case.data, how, seed=seed) for seed in range(count)]

    def measure() -> float:
        clock = time.perf_counter()
        list(together({str(number): work.steps(1) for number, work in enumerate(works)}, DEVICE))
        return count * len(case.data.train) / (time.perf_counter() - clock)

    return measure


def throughput(case: Case, rounds: int) -> Comparison:
    cores = torch.get_num_threads()
    sides = {"plain loop": plain_side(case), "one trial": our_side(case, cores)}
    if DEVICE.type == "cuda":
        return in_turn(case.name, "images/s", {**sides, "4 trials, packed": packed_side(case, 4)}, rounds)
    fractional = Fractional(case, cores)
    try:
        return in_turn(case.name, "images/s", {**sides, f"{cores} one-thread trials": fractional}, rounds)
    finally:
        fractional.close()


def processor(case: Case, rounds: int) -> Comparison:
    """Both on one processor, in its time; the loader without workers does the same work as with them."""
    with threads(1):
        clock = time.process_time
        sides = {"plain loop": plain_side(case, 0, clock), "ours": our_side(case, 1, clock)}
        return in_turn(f"{case.name}, a processor", "images/s", sides, rounds)


def agreement_of(case: Case) -> dict[str, Any]:
    return {"width": case.width, **agreement.of(case.space, case.data, case.engine())}


def from_floor(case: Case, found: Comparison) -> dict[str, Any]:
    """Of the fastest side of ours."""
    network, precision = ours.network(case.space, case.data), case.engine().precision
    rate = max(statistics.median(values) for side, values in found.sides.items() if side != "plain loop")
    hardware = floor.Hardware.measured(DEVICE, precision)
    return {"width": case.width, "precision": precision, **floor.of(network, hardware, precision, BATCH, rate)}


def accuracy(case: Case, seeds: int, epochs: int) -> dict[str, Any]:
    """Test accuracy of both, paired by seed: equal start values, each with its own order and augmentation."""
    how = case.engine()
    runs = [(_timed(_plain_accuracy, case, epochs, seed), _timed(_our_accuracy, case, how, epochs, seed))
            for seed in range(seeds)]  # fmt: skip
    plainly, as_ours = ([run[side][0] for run in runs] for side in (0, 1))
    seconds = [round(statistics.median(run[side][1] for run in runs), 1) for side in (0, 1)]
    differences = [b - a for a, b in zip(plainly, as_ours, strict=True)]
    low, high = stats.t.interval(0.95, seeds - 1, statistics.mean(differences), stats.sem(differences))
    return {"width": case.width, "images": len(case.data.train), "epochs": epochs,
            "path": f"{how.precision} {how.path}", "plain": plainly, "ours": as_ours,
            "median seconds a run": dict(zip(("plain", "ours"), seconds, strict=True)),
            "ours - plain": round(statistics.mean(differences), 2),
            "95 % interval": [round(float(low), 2), round(float(high), 2)],
            "contains 0": bool(low <= 0 <= high)}  # fmt: skip


def _timed(call: Callable[..., float], *given: Any) -> tuple[float, float]:
    """(what it returns, seconds)."""
    start = time.perf_counter()
    return call(*given), time.perf_counter() - start


def _plain_accuracy(case: Case, epochs: int, seed: int) -> float:
    torch.manual_seed(seed)
    network = ours.network(case.space, case.data, seed).to(DEVICE)
    optimiser = torch.optim.SGD(network.parameters(), ours.RECIPE.lr, ours.RECIPE.momentum)
    batches = plain.loader(case.root, range(len(case.data.train)))
    for _ in range(epochs):
        plain.train(network, ((a.to(DEVICE), b.to(DEVICE)) for a, b in batches), optimiser)
    judge = Engine.choose(DEVICE, "fp32", case.data, "eager contiguous")
    return judge.evaluate(network, case.data.test.to(DEVICE))[0]


def _our_accuracy(case: Case, how: Engine, epochs: int, seed: int) -> float:
    work = ours.training(case.space, case.data, how, epochs, seed)
    for number in range(1, epochs + 1):
        ours.epoch(work, number)
    return how.evaluate(work.network, case.data.test.to(DEVICE))[0]


def main() -> None:
    options = parser(__doc__, networks=True)
    options.add_argument("--data-root")
    options.add_argument("--widths", type=float, nargs="*", default=[1, 0.25, 0.125])
    options.add_argument("--steps", type=int, help="of an epoch that is timed; default by width")
    options.add_argument("--seeds", type=int, default=5, help="of the accuracies; 0: none")
    options.add_argument("--images", type=int, default=2048, help="that the accuracies come from")
    options.add_argument("--epochs", type=int, default=15)
    options.add_argument("--processor", action="store_true", help="processor time alone")
    chosen = options.parse_args()
    root = data_root(chosen.data_root)
    assert root, "give --data-root DIR, or NAS_HARNESS_DATA"
    if chosen.quick:
        chosen.widths, chosen.steps, chosen.rounds, chosen.seeds = [0.125], 10, 2, 0
    cases = [Case(width, root, chosen.steps or (8 if width > 0.5 else 40), chosen.precision) for width in chosen.widths]
    alone = [processor(case, chosen.rounds) for case in cases] if DEVICE.type == "cpu" else []
    whole = [] if chosen.processor else [throughput(case, chosen.rounds) for case in cases]
    more: dict[str, Any] = {"agreement": [agreement_of(replace(case, steps=FIRST)) for case in cases],
                            "floor": [from_floor(*pair) for pair in zip(cases, whole, strict=False)]}  # fmt: skip
    if chosen.seeds:
        smallest = Case(min(chosen.widths), root, chosen.images // BATCH, chosen.precision)
        more["accuracy"] = accuracy(smallest, chosen.seeds, chosen.epochs)
    finish("train", alone + whole, chosen, **more)


if __name__ == "__main__":
    main()
