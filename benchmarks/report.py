"""A report of 100,000 rows with curves of 150 epochs: seconds and memory of its parts, and whether they grow linearly.

python -m benchmarks.report [--quick] [--rows 25000 50000 100000] [--rounds 1]

A process per part and size, so that peak memory is the part's own. Parts: `load` reads the rows, `tables` adds table
and statistics, `report` everything with figures and the page.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import Comparison, finish, parser

EPOCHS, SECONDS, GIGABYTES = 150, 30, 2  # the last two: the limits for everything together
RULES, READ_AT = ("A", "B"), (50, 100, 150)
PARTS = ("load", "tables", "report")
UNITS = {"seconds": "s", "processor": "processor s", "gigabytes": "GB"}
CURVES = 64  # different ones, in turn; their text is most of a file
ROW: dict[str, Any] = {
    "schema": 1, "train_seed": 0, "twin": 0, "needs": [], "settings": {}, "recipe": {"epochs": EPOCHS}, "split": "made",
    "status": "done", "train_loss": 0.1, "epochs": EPOCHS, "seconds": 375.0, "device_seconds": 375.0, "device": "cuda",
    "threads": 1, "path": "graphs channels_last", "precision": "bf16", "host": "made", "started": "", "finished": "",
    "versions": {}, "dirty": False, "warnings": [], "curve": "CURVE",
    **dict.fromkeys(("twin_of", "pair", "architecture", "error", "val_accuracy", "test_accuracy", "test_loss", "macs",
                     "parameters", "shortcuts", "long_shortcuts", "snapshots", "commit", "peak_memory_bytes")),
}  # fmt: skip


def write(folder: Path, rows: int) -> None:
    """A study 2 with as many seeds as make so many rows: a search, six methods, their twins, and the baseline."""
    seeds = rows // (2 * len(RULES) * len(READ_AT) + 2)
    rng = np.random.default_rng(0)
    lines = [{"method": f"darts-{rule}@{at}", "twin": f"random-{rule}@{at}", "role": "method", "rule": rule,
              "search_epochs": at} for rule in RULES for at in READ_AT]  # fmt: skip
    lines.append({"method": "baseline", "twin": None, "role": "baseline", "rule": None, "search_epochs": None})
    curves = [_curve(rng) for _ in range(CURVES)]
    plan: list[dict[str, Any]] = []
    with open(folder / "trials.jsonl", "w") as file:
        for row in (row for seed in range(seeds) for row in _seed(seed, lines, rng)):
            file.write(json.dumps(row).replace('"CURVE"', curves[len(plan) % CURVES]) + "\n")
            plan.append({name: row[name] for name in ("key", "kind", "method", "role", "seed", "needs")})
    study = {
        "name": "many", "space": "shortcut-vgg19", "space_options": {}, "seeds": {"search": seeds, "train": 1},
        "data": {"name": "cifar10"}, "search": {"strategy": "darts", "epochs": 150, "snapshots": list(READ_AT)},
        "recipe": {"epochs": EPOCHS}, "methods": [{"name": f"darts-{r}", "rule": r, "twins": 1} for r in RULES],
        "rows": lines, "smallest_effect": 0.2, "alpha": 0.05, "looks": [], "command": "", "plan": plan,
    }  # fmt: skip
    (folder / "study.json").write_text(json.dumps(study))


def _curve(rng: np.random.Generator) -> str:
    losses = 2.3 / np.arange(1, EPOCHS + 1) + rng.uniform(0, 0.1, EPOCHS)
    return json.dumps([{"epoch": n, "train_loss": round(loss, 4), "seconds": 2.5, "lr": 0.0090131}
                       for n, loss in enumerate(losses.tolist(), 1)])  # fmt: skip


def _seed(seed: int, lines: list[dict[str, Any]], rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Rows of one seed: equal luck for all, methods 0.3 points above their twins."""
    luck, search = rng.normal(0, 0.2), f"{seed:06}search"
    alpha = np.triu(rng.normal(0, 0.3, (16, 16)), 2).round(4).tolist()
    yield {**ROW, "key": search, "kind": "search", "method": "darts", "methods": ["darts"], "role": "search",
           "seed": seed, "snapshots": {str(at): {"pairs": alpha} for at in READ_AT}, "val_accuracy": 60.0}  # fmt: skip
    for line in lines:
        count = int(rng.integers(4, 15))
        for method, role in ((line["method"], line["role"]), (line["twin"], "twin")):
            accuracy = 93 + luck + 0.3 * (role == "method") + rng.normal(0, 0.2)
            if method:
                yield {**ROW, "key": f"{seed:06}{method}", "kind": "train", "method": method, "methods": [method],
                       "role": role, "seed": seed, "needs": [] if role == "baseline" else [search],
                       "pair": f"{seed:06}{line['method']}", "twin_of": line["method"] if role == "twin" else None,
                       "test_accuracy": round(float(accuracy), 2), "architecture": "vgg19 1-3 2-7", "macs": 398_000_000,
                       "parameters": 20_040_522 + 80_000 * count, "shortcuts": count,
                       "long_shortcuts": count // 2}  # fmt: skip


def one(part: str, folder: Path) -> dict[str, float]:
    """What one part takes, imports apart."""
    from analysis.findings.collect import findings
    from analysis.report import write as write_module
    from analysis.results import rows as results_rows

    parts: dict[str, Callable[[], Any]] = {
        "load": lambda: results_rows.load(folder),
        "tables": lambda: write_module.tables(findings(folder)),
        "report": lambda: write_module.write(findings(folder), folder),
    }
    clock, own = time.perf_counter(), time.process_time()
    parts[part]()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 2**30
    return {"seconds": time.perf_counter() - clock, "processor": time.process_time() - own, "gigabytes": peak}


def measured(part: str, folder: Path) -> dict[str, float]:
    line = [sys.executable, "-m", "benchmarks.report", "--one", part, str(folder)]
    done = subprocess.run(line, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, float] = json.loads(done.splitlines()[-1])
    return found


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--rows", type=int, nargs="*", default=[25_000, 50_000, 100_000])
    options.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options.set_defaults(rounds=1)
    chosen = options.parse_args()
    if chosen.one:
        print(json.dumps(one(chosen.one[0], Path(chosen.one[1]))))
        return
    if chosen.quick:
        chosen.rows = [1_000, 2_000]
    found = {(part, what): Comparison(part, UNITS[what]) for part in PARTS for what in UNITS}
    for rows in chosen.rows:
        with tempfile.TemporaryDirectory() as name:
            write(Path(name), rows)
            for part in PARTS * chosen.rounds:
                for what, value in measured(part, Path(name)).items():
                    found[part, what].sides.setdefault(f"{rows:,} rows", []).append(value)
    last = f"{chosen.rows[-1]:,} rows"
    holds = {what: min(found["report", what].sides[last]) <= limit
             for what, limit in (("seconds", SECONDS), ("gigabytes", GIGABYTES))}  # fmt: skip
    finish("report", list(found.values()), chosen, limits={"seconds": SECONDS, "gigabytes": GIGABYTES}, holds=holds)


if __name__ == "__main__":
    main()
