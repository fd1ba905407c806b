"""All that a first hour on a GPU should measure, in ten minutes, with a report of itself.

python -m benchmarks.gpu [--data-root DIR] [--minutes 10] [--out DIR] [--dry]

VGG19 on CIFAR-10, or on made-up images of its shape. In turn: what a step launches; each path and each switch of one
against the default (A B A B); whether two runs of each give the same bits; packs of 1, 2, 4 and 8 trials; a whole run
by the fastest path. What fails is reported and the rest goes on. `--dry` does all of it at toy size, also without GPU.
"""

import argparse
import hashlib
import json
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch
from torch.autograd import DeviceType

from benchmarks import gpu_report, ours
from benchmarks.measure import RESULTS, Comparison, commit, in_turn, machine, versions
from benchmarks.search import made_up
from harness.data.datasets import data_root
from harness.data.images import DataSet
from harness.engine.device import auto_precision, known_paths, paths
from harness.engine.engine import Engine
from harness.engine.packing import in_turn as together
from harness.errors import first_line
from harness.training.train import Training
from spaces.registry import load
from spaces.space import Space

BATCH = 64
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
Found = dict[str, Any]


@dataclass(frozen=True)
class Size:
    """How much is done: `steps` of an epoch that is timed, `epochs` of the whole run, `images` it trains on."""

    vgg: str = "vgg19"
    width: float = 1.0
    steps: int = 100
    rounds: int = 5
    packs: tuple[int, ...] = (1, 2, 4, 8)
    epochs: int = 150
    images: int = 50_000
    compiled: bool = True


DRY = Size("vgg11", 0.0625, 2, 2, (1, 2), 1, 2 * BATCH, compiled=False)


@dataclass(frozen=True)
class Case:
    size: Size
    root: Path | None

    @cached_property
    def space(self) -> Space:
        return load(f"shortcut-{self.size.vgg}", {"width": self.size.width})

    @cached_property
    def whole(self) -> DataSet:
        return ours.cifar10(self.root, self.size.images) if self.root else made_up(self.size.images)

    @cached_property
    def few(self) -> DataSet:
        return replace(self.whole, train=self.whole.train.take(torch.arange(self.size.steps * BATCH)))

    @cached_property
    def precision(self) -> str:
        return auto_precision(DEVICE, ours.network(self.space, self.whole))

    def paths(self) -> list[str]:
        """The default, and whatever there is of graphs, or of the default where there are none."""
        default, *others = paths(DEVICE, self.precision)
        base = next((path for path in others if "graphs" in path), default)
        more = [path for path in known_paths(DEVICE, self.precision) if path.startswith(base)]
        return [path for path in dict.fromkeys((default, *more)) if self.size.compiled or "compiled" not in path]

    def training(self, path: str, seed: int = 0, whole: bool = False) -> Training:
        data = self.whole if whole else self.few
        how = Engine.choose(DEVICE, self.precision, data, path)
        return ours.training(self.space, data, how, self.size.epochs if whole else 1, seed)


def finished() -> None:
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


def milliseconds(work: Training, case: Case) -> float:
    """Of a step, augmentation included."""
    start = time.perf_counter()
    ours.epoch(work, 1)
    finished()
    return 1000 * (time.perf_counter() - start) / case.size.steps


def kernels(case: Case, path: str) -> list[tuple[str, int, float]]:
    """What one step launches, and what the device takes for it: (name, times, microseconds); on a CPU, operators."""
    work = case.training(path)
    batch = next(iter(work.engine.batches(work.part, BATCH)))
    work.network.train()
    for _ in range(5):
        work.step(*batch)
    finished()
    kind = torch.profiler.ProfilerActivity.CUDA if DEVICE.type == "cuda" else torch.profiler.ProfilerActivity.CPU
    with torch.profiler.profile(activities=[kind]) as seen:
        work.step(*batch)
        finished()
    rows = [(event.key, int(event.count), _microseconds(event)) for event in seen.key_averages()]
    return sorted((row for row in rows if row[2] > 0), key=lambda row: -row[2])


def _microseconds(event: Any) -> float:
    if DEVICE.type == "cuda":
        return float(event.self_device_time_total) if event.device_type == DeviceType.CUDA else 0.0
    return float(event.self_cpu_time_total)


def switches(case: Case) -> Iterator[Comparison | Found]:
    """A B A B, each path against the default; one that cannot run is left out with its error."""
    default, *others = case.paths()
    first = case.training(default)
    for path in others:
        try:
            sides = {one: partial(milliseconds, work, case) for one, work in
                     ((default, first), (path, case.training(path)))}  # fmt: skip
            yield in_turn(f"{case.size.vgg} × {case.size.width:g}, {case.precision}", "ms", sides, case.size.rounds)
        except Exception as error:  # whatever a compiler or a driver says
            yield {"path": path, "error": first_line(error)}


def bits(case: Case, path: str) -> str:
    """A digest of all that is trained after an epoch."""
    work = case.training(path)
    ours.epoch(work, 1)
    found = hashlib.sha256()
    for name, value in work.network.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            found.update(name.encode() + value.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()[:16]


def equality(case: Case) -> Iterator[Found]:
    """Whether each path gives its own bits again, and the default's."""
    default = ""
    for path in case.paths():
        try:
            once, again = bits(case, path), bits(case, path)
        except Exception as error:
            yield {"path": path, "error": first_line(error)}
            continue
        default = default or once
        yield {"path": path, "twice the same": once == again, "as the default": once == default}


def packs(case: Case, path: str) -> Comparison:
    """Images a second of so many trials that take turns."""
    sides = {f"{count} in a process": partial(_rate, [case.training(path, seed) for seed in range(count)])
             for count in case.size.packs}  # fmt: skip
    return in_turn(f"packed, {path}", "images/s", sides, case.size.rounds)


def _rate(works: list[Training]) -> float:
    start = time.perf_counter()
    list(together({str(number): work.steps(1) for number, work in enumerate(works)}, DEVICE))
    finished()
    return sum(len(work.part) for work in works) / (time.perf_counter() - start)


def whole_run(case: Case, path: str, until: float) -> Found:
    """As many epochs of a final training as end before `until`, and what it then scores."""
    work = case.training(path, whole=True)
    start, done = time.monotonic(), 0
    while done < case.size.epochs and (not done or time.monotonic() + (time.monotonic() - start) / done < until):
        done += 1
        ours.epoch(work, done)
        finished()
    seconds = time.monotonic() - start
    accuracy = work.engine.evaluate(work.network, case.whole.test.to(DEVICE))[0]
    return {"path": path, "epochs": done, "of": case.size.epochs, "seconds": round(seconds, 1),
            "seconds of all": round(seconds / done * case.size.epochs, 1),
            "test accuracy": round(accuracy, 2) if case.root else None}  # fmt: skip


def fastest(default: str, found: list[Comparison | Found]) -> str:
    """By median; the default unless another one is quicker."""
    best = {default: 1.0}
    for one in found:
        if isinstance(one, Comparison):
            path = list(one.sides)[-1]
            best[path] = statistics.median(one.ratios(path))
    return max(best, key=lambda path: best[path])


def tried(what: str, call: Callable[[], Any]) -> Any:
    """A part that fails says why; the report has the others."""
    print(f"{time.strftime('%H:%M:%S')} {what}", flush=True)
    try:
        return call()
    except Exception as error:
        return {"error": first_line(error)}


def measured(case: Case, until: float) -> Found:
    """All of it; the whole run has the time that is left."""
    default = case.paths()[0]
    table = {path: tried(f"kernels of {path}", partial(kernels, case, path)) for path in case.paths()[:2]}
    compared = tried("switches", lambda: list(switches(case)))
    path = fastest(default, compared if isinstance(compared, list) else [])
    return {
        "machine": machine(), "versions": versions(), "commit": commit(), "size": asdict(case.size),
        "precision": case.precision, "images": "CIFAR-10" if case.root else "made up", "kernels": table,
        "switches": compared, "fastest": path, "equality": tried("equality", lambda: list(equality(case))),
        "packs": tried("packs", partial(packs, case, path)),
        "whole run": tried("a whole run", partial(whole_run, case, path, until)),
    }  # fmt: skip


def main(arguments: list[str] | None = None) -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data-root")
    options.add_argument("--minutes", type=float, default=10.0)
    options.add_argument("--out", type=Path, default=RESULTS)
    options.add_argument("--dry", action="store_true", help="toy size, to see that it works")
    chosen = options.parse_args(arguments)
    case = Case(DRY if chosen.dry else Size(), None if chosen.dry else data_root(chosen.data_root))
    found = measured(case, time.monotonic() + 60 * chosen.minutes)
    chosen.out.mkdir(parents=True, exist_ok=True)
    target = chosen.out / ("gpu-dry" if chosen.dry else f"gpu-{DEVICE.type}")
    target.with_suffix(".json").write_text(json.dumps(found, indent=1, default=asdict) + "\n")
    target.with_suffix(".md").write_text(gpu_report.markdown(found))
    print(f"stored as {target}.md and .json")


if __name__ == "__main__":
    main()
