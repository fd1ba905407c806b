"""Training VGG19 on CIFAR-10 against the loop that a user would write: images/s, losses, accuracy.

python -m benchmarks.train --data-root DIR [--quick] [--widths 1 0.25 0.125] [--rounds 5] [--seeds 5]

The plain loop: DataLoader with two workers, torchvision's transforms per image, eager fp32, default threads. Ours: one
trial with as many threads, and as many one-thread trials at once as there are cores (on a GPU: packed in one process).
`a processor` is images a second of processor time with one thread, loading included: other programs disturb it less.
"""

import multiprocessing
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from scipy import stats

from benchmarks import ours, plain
from benchmarks.measure import Comparison, finish, in_turn, parser, threads
from harness.data import data_root
from harness.engine import Engine
from harness.images import DataSet
from harness.packing import in_turn as together
from harness.streams import stream
from spaces.space import Space

BATCH = 64
FIRST = 50  # steps whose losses are compared
TOLERANCE = 0.1  # of the mean loss of ten steps; fp32 and bf16 drift apart by less
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
Side = Callable[[], float]
Clock = Callable[[], float]


def plain_side(width: float, root: Path, steps: int, workers: int = 2, clock: Clock = time.perf_counter) -> Side:
    """Images/s of an epoch of so many steps; the workers stay between epochs."""
    space, data = ours.vgg19(width), ours.cifar10(root, BATCH)
    network = ours.network(space, data).to(DEVICE)
    optimiser = torch.optim.SGD(network.parameters(), ours.RECIPE.lr, ours.RECIPE.momentum)
    batches = plain.loader(root, range(steps * BATCH), workers=workers)

    def measure() -> float:
        start = clock()
        losses = plain.train(network, ((a.to(DEVICE), b.to(DEVICE)) for a, b in batches), optimiser)
        return len(losses) * BATCH / (clock() - start)

    return measure


def our_side(width: float, root: Path, steps: int, count: int, clock: Clock = time.perf_counter) -> Side:
    """Images/s of one trial with `count` threads; augmentation counts."""
    space, data = ours.vgg19(width), ours.cifar10(root, steps * BATCH)
    how = ours.engine(DEVICE, lambda: ours.network(space, data), data)
    work = ours.training(space, data, how)

    def measure() -> float:
        with threads(count):
            start = clock()
            ours.epoch(work, 1)
            return steps * BATCH / (clock() - start)

    return measure


class Fractional:
    """`count` processes of one thread each, one trial in each; images/s of all together."""

    def __init__(self, width: float, root: Path, steps: int, count: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.count, self.images = count, steps * BATCH
        self.pipes = [context.Pipe() for _ in range(count)]
        self.workers = [context.Process(target=_fraction, args=(pipe[1], width, root, steps), daemon=True)
                        for pipe in self.pipes]  # fmt: skip
        for worker in self.workers:
            worker.start()

    def __call__(self) -> float:
        clock = time.perf_counter()
        for ours_end, _ in self.pipes:
            ours_end.send("epoch")
        for ours_end, _ in self.pipes:
            ours_end.recv()
        return self.count * self.images / (time.perf_counter() - clock)

    def close(self) -> None:
        for ours_end, _ in self.pipes:
            ours_end.send("end")
        for worker in self.workers:
            worker.join()


def _fraction(pipe: Any, width: float, root: Path, steps: int) -> None:
    torch.set_num_threads(1)
    measure = our_side(width, root, steps, 1)
    while pipe.recv() == "epoch":
        measure()
        pipe.send("done")


def packed_side(width: float, root: Path, steps: int, count: int) -> Side:
    """Images/s of `count` trials in one process."""
    space, data = ours.vgg19(width), ours.cifar10(root, steps * BATCH)
    how = ours.engine(DEVICE, lambda: ours.network(space, data), data)
    works = [ours.training(space, data, how, seed=seed) for seed in range(count)]

    def measure() -> float:
        clock = time.perf_counter()
        list(together({str(number): work.steps(1) for number, work in enumerate(works)}, DEVICE))
        return count * steps * BATCH / (time.perf_counter() - clock)

    return measure


def throughput(width: float, root: Path, steps: int, rounds: int) -> Comparison:
    cores = torch.get_num_threads()
    sides = {"plain loop": plain_side(width, root, steps), "one trial": our_side(width, root, steps, cores)}
    if DEVICE.type == "cuda":
        sides["4 trials, packed"] = packed_side(width, root, steps, 4)
        return in_turn(f"VGG19 × {width:g}", "images/s", sides, rounds)
    fractional = Fractional(width, root, steps, cores)
    try:
        return in_turn(f"VGG19 × {width:g}", "images/s", {**sides, f"{cores} one-thread trials": fractional}, rounds)
    finally:
        fractional.close()


def processor(width: float, root: Path, steps: int, rounds: int) -> Comparison:
    """Both on one processor, in its time; the loader without workers does the same work as with them."""
    with threads(1):
        clock = time.process_time
        sides = {"plain loop": plain_side(width, root, steps, 0, clock), "ours": our_side(width, root, steps, 1, clock)}
        return in_turn(f"VGG19 × {width:g}, a processor", "images/s", sides, rounds)


def losses(width: float, root: Path) -> dict[str, Any]:
    """The first steps' losses on the same batches from the same start: plainly, and by precision and path as ours."""
    space, data = ours.vgg19(width), ours.cifar10(root, FIRST * BATCH)
    how = ours.engine(DEVICE, lambda: ours.network(space, data), data)
    plain_one = Engine.choose(DEVICE, "fp32", data, "eager contiguous")
    each = []
    for engine in (plain_one, how):
        work = ours.training(space, data, engine)
        work.network.train()
        seed, order = stream(0, 0, "benchmark"), torch.randperm(len(data.train), generator=torch.manual_seed(0))
        batches = engine.epoch(work.part, order, work.settings["recipe"], seed)
        each.append([work.step(*batch).item() for batch in batches])
    means = [[statistics.mean(one[start : start + 10]) for start in range(0, FIRST, 10)] for one in each]
    apart = max(abs(a - b) for a, b in zip(*means, strict=True))
    assert apart <= TOLERANCE, f"width {width:g}: mean losses of ten steps differ by {apart:.3f}"
    return {"width": width, "path": f"{how.precision} {how.path}", "largest difference of ten steps' means":
            round(apart, 4), "of the first loss": abs(each[0][0] - each[1][0]), "tolerance": TOLERANCE}  # fmt: skip


def accuracy(root: Path, seeds: int, images: int, epochs: int, width: float = 0.125) -> dict[str, Any]:
    """Test accuracy of both, paired by seed: equal start values, each with its own order and augmentation."""
    space, data = ours.vgg19(width), ours.cifar10(root, images)
    how = ours.engine(DEVICE, lambda: ours.network(space, data), data)
    pairs = [(_plain_accuracy(space, data, root, epochs, seed), _our_accuracy(space, data, how, epochs, seed))
             for seed in range(seeds)]  # fmt: skip
    differences = [b - a for a, b in pairs]
    low, high = stats.t.interval(0.95, seeds - 1, statistics.mean(differences), stats.sem(differences))
    return {"width": width, "images": images, "epochs": epochs, "path": f"{how.precision} {how.path}",
            "plain": [a for a, _ in pairs], "ours": [b for _, b in pairs],
            "ours - plain": round(statistics.mean(differences), 2),
            "95 % interval": [round(float(low), 2), round(float(high), 2)],
            "contains 0": bool(low <= 0 <= high)}  # fmt: skip


def _plain_accuracy(space: Space, data: DataSet, root: Path, epochs: int, seed: int) -> float:
    torch.manual_seed(seed)
    network = ours.network(space, data, seed).to(DEVICE)
    optimiser = torch.optim.SGD(network.parameters(), ours.RECIPE.lr, ours.RECIPE.momentum)
    batches = plain.loader(root, range(len(data.train)))
    for _ in range(epochs):
        plain.train(network, ((a.to(DEVICE), b.to(DEVICE)) for a, b in batches), optimiser)
    judge = Engine.choose(DEVICE, "fp32", data, "eager contiguous")
    return judge.evaluate(network, data.test.to(DEVICE))[0]


def _our_accuracy(space: Space, data: DataSet, how: Engine, epochs: int, seed: int) -> float:
    work = ours.training(space, data, how, epochs, seed)
    for number in range(1, epochs + 1):
        ours.epoch(work, number)
    return how.evaluate(work.network, data.test.to(DEVICE))[0]


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--data-root")
    options.add_argument("--widths", type=float, nargs="*", default=[1, 0.25, 0.125])
    options.add_argument("--steps", type=int, help="of an epoch that is timed; default by width")
    options.add_argument("--seeds", type=int, default=5, help="of the accuracies; 0: none")
    options.add_argument("--images", type=int, default=2000, help="that the accuracies come from")
    options.add_argument("--epochs", type=int, default=15)
    options.add_argument("--processor", action="store_true", help="processor time alone")
    chosen = options.parse_args()
    root = data_root(chosen.data_root)
    assert root, "give --data-root DIR, or NAS_HARNESS_DATA"
    if chosen.quick:
        chosen.widths, chosen.steps, chosen.rounds, chosen.seeds = [0.125], 10, 2, 0
    steps = {width: chosen.steps or (8 if width > 0.5 else 40) for width in chosen.widths}
    measures = [processor] * (DEVICE.type == "cpu") + [throughput] * (not chosen.processor)
    found = [measure(width, root, steps[width], chosen.rounds) for width in chosen.widths for measure in measures]
    more: dict[str, Any] = {"losses": [losses(width, root) for width in chosen.widths]}
    if chosen.seeds:
        more["accuracy"] = accuracy(root, chosen.seeds, chosen.images, chosen.epochs)
    finish("train", found, chosen, **more)


if __name__ == "__main__":
    main()
