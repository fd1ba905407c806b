"""How many look-ups in NAS-Bench-201's table a second: as jobs of a study with durable rows, and inside one job.

python benchmarks/look_ups.py [--jobs 20000] [--rounds 3]

A process a round. `plan` is not counted: a plan is made before anything runs. Needs nas-harness[nasbench201].
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from statistics import median

CANDIDATES = 100
STUDY = """
name = "look-ups"
space = "nasbench201"
data = {{ name = "cifar10" }}
table = {{ name = "nasbench201" }}
seeds = {{ search = {seeds} }}
search = {{ strategy = "random-search", candidates = {candidates} }}
method = [{{ name = "random-search" }}]
"""


def as_jobs(jobs: int) -> float:
    """Look-ups a second, each a job with its row, every row on the disk at the end."""
    from harness.run import in_process
    from harness.run.admission import Shares
    from harness.run.prepare import prepare
    from harness.run.session import Session, run
    from harness.study.load import load_study

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "study.toml"
        path.write_text(STUDY.format(seeds=jobs // CANDIDATES, candidates=CANDIDATES))
        prepared = prepare(load_study(str(path)), Path(folder), None, False, "cpu")
        start = time.perf_counter()
        missing = run(prepared, Session(in_process.run, Shares({}, {}), "cpu", None, ""))
        seconds = time.perf_counter() - start
    assert missing == 0
    return len(prepared.plan.jobs) / seconds


def in_one_job(count: int) -> float:
    """Look-ups a second of a loop that samples a cell and asks what a search sees of it."""
    from harness.seeding import Seeds
    from harness.tables import opened
    from harness.tables.table import score
    from spaces.nasbench201.space import BenchSpace

    space, rng, seeds = BenchSpace(), Random(0), Seeds()
    table = opened.table({"table": {"name": "nasbench201", "data": "cifar10"}}, None)
    start = time.perf_counter()
    for _ in range(count):
        text = str(space.draw("edge-wise", rng))
        score(table.entry(text), "run", seeds.stream("table run", "cifar10", text))
    return count / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", choices=["as_jobs", "in_one_job"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(globals()[options.one](options.jobs)))
        return
    for what in ("as_jobs", "in_one_job"):
        command = [sys.executable, __file__, "--one", what, "--jobs", str(options.jobs)]
        texts = (subprocess.run(command, check=True, capture_output=True, text=True).stdout
                 for _ in range(options.rounds))  # fmt: skip
        rounds = [json.loads(text.splitlines()[-1]) for text in texts]
        print(f"{what}: {median(rounds):,.0f} a second ({min(rounds):,.0f} to {max(rounds):,.0f}, "
              f"{options.rounds} rounds of {options.jobs:,})")  # fmt: skip


if __name__ == "__main__":
    main()
