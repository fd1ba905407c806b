"""Counts how often a report's verdicts are right on studies drawn from many runs, and puts the tables into the page.

python -m benchmarks.verdicts [--studies 5000] [--results results/nasbench201-methods]

Writes benchmarks/results/verdicts.csv and verdicts-truth.csv, and the tables of docs/verdicts.md. One process, about
ten minutes. Needs nas-harness[nasbench201].
"""

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from analysis.numbers import as_csv
from benchmarks.verdicts import page, pools
from benchmarks.verdicts.counting import PLANTED, Counted, same_method, two_methods, whole_reports
from benchmarks.verdicts.searches import SEARCHES

ROOT = Path(__file__).parents[2]
COUNTS, TRUTH = (ROOT / "benchmarks" / "results" / name for name in ("verdicts.csv", "verdicts-truth.csv"))
PAGE = ROOT / "docs" / "verdicts.md"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=5000, help="of one kind and size")
    options = parser.parse_args()
    runs = pools.simulated()
    counts = pd.DataFrame([{**asdict(row), "error": row.error} for row in counted(runs, options.studies)])
    COUNTS.write_text(as_csv(counts))
    TRUTH.write_text(as_csv(true(runs)))
    PAGE.write_text(page.filled(PAGE.read_text(), pd.read_csv(COUNTS), pd.read_csv(TRUTH)))


def counted(runs: pools.Pools, studies: int) -> Iterator[Counted]:
    truth = pools.means(runs)
    yield from same_method(runs, 0.0, studies)
    for planted in PLANTED:
        yield from same_method(runs, planted, studies // 5)
    yield from two_methods(runs, truth, studies)
    yield from two_methods(runs, truth, studies, equal=True)
    yield from whole_reports("the three methods", runs, truth, studies // 2)
    for number, method in enumerate(SEARCHES):
        alike = pools.copies(runs, method)
        equal = dict.fromkeys(pools.means(alike), 0.0)
        yield from whole_reports(f"{method} three times", alike, equal, studies // 2, seed=3 + number)


def true(runs: pools.Pools) -> pd.DataFrame:
    rows = [(data, method, len(values), values.mean(), values.std(ddof=1) / len(values) ** 0.5, values.std(ddof=1))
            for data, methods in runs.items() for method, values in methods.items()]  # fmt: skip
    return pd.DataFrame(rows, columns=["data", "method", "seeds", "mean", "error", "std"])


if __name__ == "__main__":
    main()
