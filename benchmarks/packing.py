"""Trials per hour: one at a time with all threads, as many one-thread processes as cores, packed in one process.

python -m benchmarks.packing --data-root DIR [--quick] [--rounds 5] [--width 0.125] [--images 8000] [--epochs 15]

A trial is one final training of VGG19 of that width on so many CIFAR-10 images. On a GPU `packed` steps several
trainings in turn, each on a stream of its own; on a CPU it shows that nothing is to be had that way.
"""

from dataclasses import replace

import torch

from benchmarks.measure import Comparison, finish, in_turn, parser
from benchmarks.train import BATCH, DEVICE, Case, Fractional, Side, our_side, packed_side
from harness.data.datasets import data_root


def per_hour(found: Comparison, images: int) -> Comparison:
    """From images/s to trials of so many images."""
    sides = {side: [value * 3600 / images for value in values] for side, values in found.sides.items()}
    return replace(found, unit="trials/h", sides=sides)


def main() -> None:
    options = parser(__doc__, networks=True)
    options.add_argument("--data-root")
    options.add_argument("--width", type=float, default=0.125)
    options.add_argument("--images", type=int, default=8000)
    options.add_argument("--epochs", type=int, default=15)
    options.add_argument("--at-once", type=int, help="trials that are packed; default: cores, on a GPU 4")
    options.add_argument("--steps", type=int, default=60, help="of an epoch that is timed")
    chosen = options.parse_args()
    root = data_root(chosen.data_root)
    assert root, "give --data-root DIR, or NAS_HARNESS_DATA"
    if chosen.quick:
        chosen.steps, chosen.rounds = 10, 2
    cores = torch.get_num_threads()
    count = chosen.at_once or (4 if DEVICE.type == "cuda" else cores)
    case = Case(chosen.width, root, chosen.steps, chosen.precision)
    fractional = Fractional(case, count)
    sides: dict[str, Side] = {
        f"alone, {cores} threads": our_side(case, cores),
        f"fractional, {count} processes": fractional,
        f"packed, {count} in a process": packed_side(case, count),
    }
    try:
        found = in_turn(case.name, "images/s", sides, chosen.rounds)
    finally:
        fractional.close()
    whole = chosen.images // BATCH * BATCH * chosen.epochs
    finish("packing", [per_hour(found, whole)], chosen)


if __name__ == "__main__":
    main()
