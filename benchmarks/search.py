"""A bilevel step (α, then weights) of supernets against the same network as one would first write it, by each way from
α to weights.

python -m benchmarks.search [--quick] [--rounds 5] [--only shortcut-0.125 …] [--threads 1] [--precision fp32]

The plain side runs every pair or edge by itself, eagerly, in fp32, contiguous. Both sides are the harness's own Search,
on made-up images. Next to wall time stands processor time, which other programs on the machine disturb less.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from benchmarks import floor, ours, plain
from benchmarks.measure import Comparison, finish, in_turn, parser, threads
from harness.data.images import DataSet, Images
from harness.engine.engine import Engine
from harness.study.search import Search as SearchSettings
from harness.training import supernets
from harness.training.search import Search
from spaces.gates import uniform
from spaces.registry import load

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
Case = tuple[str, dict[str, Any], int, Callable[..., torch.Tensor]]  # space, options, batch size, plain form
SUPERNETS: dict[str, Case] = {
    "shortcut-0.125": ("shortcut-vgg19", {"width": 0.125}, 64, plain.shortcut_forward),
    "shortcut-0.5": ("shortcut-vgg19", {"width": 0.5}, 64, plain.shortcut_forward),
    "cell-study1": ("cell-study1", {}, 64, plain.cell_forward),
    "cell-darts": ("cell-darts", {}, 16, plain.cell_forward),
    "nasbench201": ("nasbench201", {}, 64, plain.bench_forward),
}
WAYS = ("gumbel", "dirichlet", "exponentiated", uniform.GATE)
BY_WAY = ("shortcut-0.125", "cell-study1", "nasbench201")
MIXED = {"partial channels": {"partial": 4, "edge_normalisation": True}, "auxiliary skips": {"auxiliary_skip": 1.0}}
OF_CELLS = ("cell-study1", "cell-darts")
NOISE = {"perturb": 0.3}
CASES: dict[str, tuple[Case, dict[str, Any]]] = {
    **{name: (case, {}) for name, case in SUPERNETS.items()},
    **{f"{name} {gate}": (SUPERNETS[name], {"gate": gate}) for name in BY_WAY for gate in WAYS},
    **{f"{name} {what}": ((*SUPERNETS[name][:3], plain.mixing_forward), settings)
       for name in OF_CELLS for what, settings in MIXED.items()},
    **{f"{name} noise": (SUPERNETS[name], NOISE) for name in BY_WAY},
}  # fmt: skip


def made_up(images: int) -> DataSet:
    """CIFAR-10's shape, no CIFAR-10."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (images, 3, 32, 32), dtype=torch.uint8, generator=generator)
    part = Images(pixels, torch.randint(0, 10, (images,), generator=generator))
    return DataSet(part, part, 10, plain.MEAN, plain.STD)


def step(search: Search) -> Callable[[], float]:
    """Runs one bilevel step, the same batches every time; what it takes is the clock's to say. Where no α is learned,
    one step of the weights."""
    size = search.recipe.batch_size
    batches = [next(iter(search.engine.batches(part, size))) for part in (search.weights_part, search.alpha_part)]
    search.network.train()
    if not search.learns_alpha:
        return lambda: search.step(*batches[0]).item()
    return lambda: search.both(*batches[0], *batches[1]).item()


def eagerly(search: Search) -> Search:
    """The same without graphs: of what a replay computes, nothing can be counted."""
    return replace(search, engine=replace(search.engine, path=search.engine.path.replace("graphs", "eager")))


def sides(case: Case, settings: dict[str, Any],
          precision: str) -> tuple[dict[str, Callable[[], float]], Callable[[], float]]:  # fmt: skip
    """A bilevel step plainly, and as ours; and ours with its operations to be counted. `settings` are the search's."""
    name, options, batch_size, forward = case
    space, data = load(name, options), made_up(2 * batch_size)
    build = partial(supernets.built, space, data.classes, data.channels, SearchSettings(**settings))
    first = build()
    first.forward = partial(forward, first)
    plainly = Engine.choose(DEVICE, "fp32", data, "eager contiguous")
    how = ours.engine(DEVICE, build, data, precision, batch_size)
    slow = plain.as_torch_comes()(step(ours.search(space, first, data, plainly, batch_size, **settings)))
    search = ours.search(space, build(), data, how, batch_size, **settings)
    return {"plain": slow, f"ours ({how.precision} {how.path})": step(search)}, step(eagerly(search))


def compare(name: str, rounds: int, precision: str) -> tuple[list[Comparison], dict[str, Any]]:
    """The same steps by both clocks, and how near ours is to the hardware's matrix rate."""
    steps, counted = sides(*CASES[name], precision)
    processor: dict[str, list[float]] = {side: [] for side in steps}

    def timed(side: str) -> float:
        wall, own = time.perf_counter(), time.process_time()
        steps[side]()
        processor[side].append(time.process_time() - own)
        return time.perf_counter() - wall

    wall = in_turn(name, "s", {side: partial(timed, side) for side in steps}, rounds)
    own = Comparison(f"{name}, processor", "s", {side: values[1:] for side, values in processor.items()})
    ours_side = list(steps)[-1]
    hardware = floor.Hardware.measured(DEVICE, "bf16" if "bf16" in ours_side else "fp32")
    near = floor.of_step(counted, hardware, statistics.median(wall.sides[ours_side]))
    return [wall, own], {"what": name, "side": ours_side, **near}


def main() -> None:
    options = parser(__doc__, networks=True)
    options.add_argument("--only", nargs="*", choices=list(CASES), default=list(CASES))
    options.add_argument("--threads", type=int, default=1)
    chosen = options.parse_args()
    if chosen.quick:
        chosen.only, chosen.rounds = ["shortcut-0.125"], 2
    with threads(chosen.threads):
        found = [compare(name, chosen.rounds, chosen.precision) for name in chosen.only]
    finish("search", [one for pair, _ in found for one in pair], chosen, floor=[near for _, near in found])


if __name__ == "__main__":
    main()
