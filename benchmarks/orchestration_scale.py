"""How orchestration grows: a plan of N formula jobs is made, half finished and resumed; and fewer through Ray.

python benchmarks/orchestration_scale.py [--jobs 25000 50000 100000] [--ray 500 1000 2000]

A process per line, so that peak memory is the line's own. The formula takes no time: what is left is the harness.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

STUDY = """
name = "scale"
space = "shortcut-vgg11"
task = "harness.training.formula:stand_in"
data = {{ name = "digits", image_size = 32 }}
seeds = {{ search = {seeds} }}
recipe = {{ epochs = 1, lr = 1e-6 }}
method = [
  {{ name = "drawn", strategy = "random", rule = "B", twins = 2 }},
  {{ name = "found", strategy = "random-search", rule = "B", search = {{ candidates = 2 }} }},
]
"""
PER_SEED = 6  # jobs


class Enough(Exception):
    """Half of the plan is done."""


def measure(jobs: int, executor: str, folder: Path) -> dict[str, Any]:
    """Seconds of every stage, and what this process took at its peak."""
    from harness.run.admission import Shares
    from harness.run.prepare import prepare
    from harness.run.session import Session, run
    from harness.study.load import load_with_recipe

    path = folder / "scale.toml"
    path.write_text(STUDY.format(seeds=jobs // PER_SEED))
    clocks = [time.perf_counter()]
    prepared = prepare(load_with_recipe(str(path), []), folder, None, False, "cpu")
    planned = len(prepared.plan.jobs)
    clocks.append(time.perf_counter())
    busy = time.process_time()
    session = Session(lambda driver: execute(driver, executor, planned // 2), Shares({}, {}), "cpu", None, "")
    try:
        run(prepared, session)
    except Enough:
        clocks.append(time.perf_counter())
    missing = run(prepared, Session(lambda driver: execute(driver, executor), Shares({}, {}), "cpu", None, ""))
    clocks.append(time.perf_counter())
    assert missing == 0
    return {
        "jobs": planned, "seconds": [round(after - before, 2) for before, after in pairwise(clocks)],
        "busy": time.process_time() - busy, "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
        "rows_megabytes": (prepared.folder / "trials.jsonl").stat().st_size >> 20,
    }  # fmt: skip


def execute(driver: Any, executor: str, only: int | None = None) -> None:
    """Runs the driver's plan; raises Enough after so many jobs."""
    from harness.run import in_process

    show, ended = driver.show, 0

    def counting(driver: Any, row: Any) -> None:
        nonlocal ended
        ended += row is not None
        if only is not None and ended > only:
            raise Enough

    driver.show = counting
    if executor == "in-process":
        in_process.run(driver)
    else:
        from harness.ray_tune import searcher
        from harness.ray_tune.cluster import Options

        searcher.run(driver, Options())
    driver.show = show


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--jobs", type=int, nargs="*", default=[25_000, 50_000, 100_000])
    options.add_argument("--ray", type=int, nargs="*", default=[500, 1_000, 2_000])
    options.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.one:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(measure(int(chosen.one[1]), chosen.one[0], Path(folder))))
        return
    names = ("executor", "jobs", "plan, s", "first half, s", "the rest, s", "ms a job", "of the driver's CPU",
             "peak memory, MB", "rows, MB")  # fmt: skip
    print("| " + " | ".join(names) + " |\n" + "|---" * len(names) + "|", flush=True)
    for executor, jobs in [("in-process", n) for n in chosen.jobs] + [("ray", n) for n in chosen.ray]:
        line = [sys.executable, __file__, "--one", executor, str(jobs)]
        done = subprocess.run(line, check=True, stdout=subprocess.PIPE, text=True).stdout
        print(row(executor, json.loads(done.splitlines()[-1])), flush=True)


def row(executor: str, found: dict[str, Any]) -> str:
    plan, half, rest = found["seconds"]
    each, busy = (1000 * seconds / found["jobs"] for seconds in (half + rest, found["busy"]))
    return (f"| {executor} | {found['jobs']:,} | {plan:.1f} | {half:.0f} | {rest:.0f} | {each:.1f} | {busy:.1f} | "
            f"{found['megabytes']:,} | {found['rows_megabytes']:,} |")  # fmt: skip


main()
