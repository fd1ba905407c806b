"""What the benchmarks share: sides measured in turn, a table of medians and ratios, a JSON that says where and how."""

import argparse
import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib.metadata import distributions, version
from pathlib import Path
from typing import Any

from harness.engine.hardware import processor
from harness.engine.instructions import VARIABLES, instruction_set
from harness.storage.archived import COMMIT
from harness.storage.provenance import archived

RESULTS = Path(__file__).parent / "results"
LIMITS = ("ATEN_CPU_CAPABILITY", *VARIABLES, "MKL_ENABLE_INSTRUCTIONS")  # of instructions
PACKAGES = ("torch", "torchvision", "ray", "numpy", "pandas", "nas-harness")


@dataclass
class Comparison:
    """Values of each side, one a round, the sides in turn within a round; the others are set against the first.

    `unit` ends in `/s` or `/h` where more is better; else less is.
    """

    name: str
    unit: str
    sides: dict[str, list[float]] = field(default_factory=dict)

    def ratios(self, side: str) -> list[float]:
        """How many times better than the first side, round by round."""
        base = next(iter(self.sides.values()))
        more = self.unit.endswith(("/s", "/h"))
        return [(ours / first) if more else (first / ours) for first, ours in zip(base, self.sides[side], strict=True)]

    def lines(self) -> Iterator[tuple[str, ...]]:
        for side, values in self.sides.items():
            ratios = self.ratios(side)
            yield (self.name, side, f"{statistics.median(values):,.4g} {self.unit}", f"{statistics.median(ratios):.2f}",
                   f"{min(ratios):.2f} to {max(ratios):.2f}", str(len(values)))  # fmt: skip


def in_turn(name: str, unit: str, sides: Mapping[str, Callable[[], float]], rounds: int,
            warm: bool = True) -> Comparison:  # fmt: skip
    """A B A B …: each side once a round, after one round that does not count where they are to be `warm`."""
    for measure in sides.values() if warm else ():
        measure()
    found = Comparison(name, unit, {side: [] for side in sides})
    for _ in range(rounds):
        for side, measure in sides.items():
            found.sides[side].append(measure())
    return found


def table(comparisons: list[Comparison]) -> str:
    """Markdown."""
    head = ("what", "side", "median", "times the first", "range", "rounds")
    rows = [head, ("---",) * len(head), *(line for one in comparisons for line in one.lines())]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def finish(benchmark: str, comparisons: list[Comparison], options: argparse.Namespace, **more: Any) -> None:
    """Prints the table and stores everything as results/BENCHMARK-INSTRUCTIONS.json, or BENCHMARK-cuda.json.

    A forced precision and `quick` are in its name too.
    """
    print(table(comparisons))
    for name, value in more.items():
        for one in value if isinstance(value, list) else [value]:
            print(f"\n{name}: {json.dumps(one)}")
    settings = {name: value for name, value in vars(options).items() if name != "data_root"}
    content = {"benchmark": benchmark, "machine": machine(), "versions": versions(), "commit": commit(),
               "settings": settings, "comparisons": [asdict(one) for one in comparisons],
               "ratios": {f"{one.name}: {side}": round(statistics.median(one.ratios(side)), 3)
                          for one in comparisons for side in one.sides}, **more}  # fmt: skip
    RESULTS.mkdir(exist_ok=True)
    where = "cuda" if content["machine"]["gpus"] else content["machine"]["instructions"]
    forced = settings.get("precision", "auto").replace("auto", "")
    target = RESULTS / ("-".join(filter(None, (benchmark, where, forced, "quick" * options.quick))) + ".json")
    target.write_text(json.dumps(content, indent=1) + "\n")
    print(f"\nstored as benchmarks/results/{target.name}")


def parser(words: str | None, networks: bool = False) -> argparse.ArgumentParser:
    """With the options that all have, or all that run `networks`."""
    found = argparse.ArgumentParser(description=words, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("--quick", action="store_true", help="small sizes, to see that it works")
    found.add_argument("--rounds", type=int, default=5)
    if networks:
        found.add_argument("--precision", choices=("auto", "fp32", "bf16"), default="auto", help="of our side")
    return found


def machine() -> dict[str, Any]:
    import torch

    units = {name: bool(torch.cpu.get_capabilities().get(name)) for name in ("amx_bf16", "avx512_bf16", "avx512_f")}
    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    limits = {name: os.environ[name] for name in LIMITS if name in os.environ}
    return {"processor": processor(), "cores": os.cpu_count(),
            "instructions": instruction_set(), "units": units, "gpus": gpus, "limits": limits,
            "system": platform.system(), "load": [round(value, 1) for value in os.getloadavg()],
            "at": time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime())}  # fmt: skip


def versions() -> dict[str, str]:
    """Of what is installed: a GPU machine may lack Ray."""
    there = [name for name in PACKAGES if any(distributions(name=name))]
    return {"python": platform.python_version(), **{name: version(name) for name in there}}


def commit() -> str | None:
    """Of the source tree, with + where it was changed since; of an archive of it, without."""
    if found := archived(COMMIT):
        return found
    git = ["git", "-C", str(Path(__file__).parent)]
    try:
        head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
        changed = subprocess.run([*git, "status", "--porcelain"], check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return head + "+" * bool(changed)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Within it, torch computes with so many threads."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
