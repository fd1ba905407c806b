"""What a trial costs beside its training, and how well a mixed study fills the machine.

python -m benchmarks.orchestration [--quick] [--trials 1000] [--slow 20] [--rounds 3] [--cores 2]

Every trial is a formula that takes no time: milliseconds a trial, from the first end to the last, so start-up is left
out. Sides: bare Ray Tune with reused actors, the harness on Ray, Ray Tune's defaults, a plain loop with a process
per trial. The last two run `--slow` trials. Then a mixed study (searches, retraining, twins, baselines, formulas that
sleep) against the larger of its longest chain and its work over the cores.
"""

import argparse
import json
import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.measure import Comparison, finish, in_turn, parser

MANY = """
name = "many"
space = "shortcut-vgg11"
task = "harness.training.formula:stand_in"
data = {{ name = "digits", image_size = 32 }}
seeds = {{ search = {trials} }}
recipe = {{ epochs = 1, lr = 1e-6 }}
method = [{{ name = "drawn", strategy = "random", rule = "B" }}]
"""
MIXED = """
name = "mixed"
space = "shortcut-vgg11"
task = "harness.training.formula:stand_in"
data = {{ name = "digits", image_size = 32 }}
seeds = {{ search = {seeds} }}
search = {{ strategy = "darts", epochs = 6, snapshots = [2, 6] }}
recipe = {{ epochs = 4, lr = {nap} }}
method = [
  {{ name = "darts-A", rule = "A", twins = 1 }},
  {{ name = "darts-B", rule = "B", twins = 1 }},
  {{ name = "baseline" }},
]
"""


def harness(trials: int, cores: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        ends, _ = _run(MANY.format(trials=trials), Path(folder), cores)
    return _each(ends)


def tuner(reuse: bool, trials: int, cores: int) -> float:
    """Ray Tune as its documentation shows it, with quiet settings."""
    import harness.ray_tune.environment  # sets what keeps Ray quiet  # noqa: F401  # isort: skip
    import ray
    from ray import tune

    ends: list[float] = []

    class Ends(tune.Callback):
        def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
            ends.append(time.perf_counter())

    ray.init(address="local", num_cpus=cores, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        tune.Tuner(
            formula, param_space={"seed": tune.grid_search(list(range(trials)))},
            tune_config=tune.TuneConfig(reuse_actors=reuse),
            run_config=tune.RunConfig(storage_path=folder, verbose=0, callbacks=[Ends()]),
        ).fit()  # fmt: skip
    ray.shutdown()
    return _each(ends)


def formula(config: dict[str, Any]) -> None:
    """A trial as one would write it for Ray Tune."""
    from ray import tune

    tune.report({"value": 50 + config["seed"] % 50})


def processes(trials: int, cores: int) -> float:
    """A process per trial, as many at once as cores; each imports torch, as a training would."""
    line = "import json, sys, torch; print(json.dumps({'value': 50 + int(sys.argv[1]) % 50}))"
    running: list[subprocess.Popen[str]] = []
    ends: list[float] = []
    for seed in range(trials):
        if len(running) == cores:
            running.pop(0).communicate()
            ends.append(time.perf_counter())
        running.append(subprocess.Popen([sys.executable, "-c", line, str(seed)], stdout=subprocess.PIPE, text=True))
    for left in running:
        left.communicate()
        ends.append(time.perf_counter())
    return _each(ends)


def mixed(seeds: int, nap: float, cores: int) -> dict[str, float]:
    """Wall seconds from the first start to the last end, and what they could be at best."""
    with tempfile.TemporaryDirectory() as folder:
        ends, rows = _run(MIXED.format(seeds=seeds, nap=nap), Path(folder), cores)
    seconds = {row["key"]: row["seconds"] for row in rows}
    chains: dict[str, float] = {}
    for row in rows:  # a row's needs ended before it
        chains[row["key"]] = seconds[row["key"]] + max((chains[need] for need in row["needs"]), default=0.0)
    longest, shared = max(chains.values()), sum(seconds.values()) / cores
    wall = ends[-1] - ends[0] + rows[0]["seconds"]
    return {"jobs": len(rows), "seconds an epoch": nap, "wall": round(wall, 2), "longest chain": round(longest, 2),
            "work / cores": round(shared, 2), "times the bound": round(wall / max(longest, shared), 3)}  # fmt: skip


def _run(study: str, folder: Path, cores: int) -> tuple[list[float], list[dict[str, Any]]]:
    """When each trial ended, and the rows in that order."""
    from harness.ray_tune import searcher
    from harness.ray_tune.cluster import Options
    from harness.run.admission import Shares
    from harness.run.prepare import prepare
    from harness.run.session import Session, run
    from harness.storage.rows import read_rows
    from harness.study.load import load_with_recipe

    path, ends = folder / "study.toml", []
    path.write_text(study)
    prepared = prepare(load_with_recipe(str(path), []), folder, None, False, "cpu")

    def execute(driver: Any) -> None:
        show = driver.show

        def timed(driver: Any, row: Any) -> None:
            show(driver, row)
            if row:
                ends.append(time.perf_counter())

        driver.show = timed
        searcher.run(driver, Options(cpus=cores))

    missing = run(prepared, Session(execute, Shares({}, {}), "cpu", None, ""))
    assert not missing
    return ends, read_rows(prepared.folder)


def _each(ends: list[float]) -> float:
    """Milliseconds from one end to the next."""
    return 1000 * (ends[-1] - ends[0]) / (len(ends) - 1)


ONES: dict[str, Callable[..., Any]] = {
    "Ray Tune, reused actors": partial(tuner, True),
    "nas-harness on Ray": harness,
    "Ray Tune's defaults": partial(tuner, False),
    "a process per trial": processes,
    "mixed": mixed,
}


def apart(side: str, *numbers: float) -> Any:
    """The side in a process of its own."""
    line = [sys.executable, "-m", "benchmarks.orchestration", "--one", side, *map(str, numbers)]
    done = subprocess.run(line, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    return json.loads(done.splitlines()[-1])


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--trials", type=int, default=1000)
    options.add_argument("--slow", type=int, default=20, help="trials of the two slow sides")
    options.add_argument("--cores", type=int, default=2)
    options.add_argument("--one", nargs="*", help=argparse.SUPPRESS)
    options.set_defaults(rounds=3)
    chosen = options.parse_args()
    if chosen.one:
        side, *numbers = chosen.one
        print(json.dumps(ONES[side](*(float(n) if "." in n else int(n) for n in numbers))))
        return
    if chosen.quick:
        chosen.trials, chosen.slow, chosen.rounds = 50, 4, 1
    sizes = [chosen.trials, chosen.trials, chosen.slow, chosen.slow]
    sides = {side: partial(apart, side, size, chosen.cores) for side, size in zip(ONES, sizes, strict=False)}
    found: Comparison = in_turn("a trial's cost", "ms", sides, chosen.rounds, warm=False)
    seeds, naps = (2, [0.25]) if chosen.quick else (4, [0.25, 1.0])
    finish("orchestration", [found], chosen, mixed=[apart("mixed", seeds, nap, chosen.cores) for nap in naps])


if __name__ == "__main__":
    main()
