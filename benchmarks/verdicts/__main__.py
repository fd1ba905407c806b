"""Counts how often a report's verdicts are right on studies drawn from many runs, and puts the tables into the page.

python -m benchmarks.verdicts [--studies 5000]
python -m benchmarks.verdicts --results results/nasbench201-methods

The first simulates the runs, and writes benchmarks/results/verdicts.csv and verdicts-truth.csv: one process, three
minutes. The second takes the runs of a long study, and writes verdicts-study.csv. Both make the tables of
docs/verdicts.md anew. Needs nas-harness[nasbench201].
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
KEPT = ROOT / "benchmarks" / "results"
COUNTS, TRUTH, STUDY = (KEPT / f"{name}.csv" for name in ("verdicts", "verdicts-truth", "verdicts-study"))
NAMES = {"random-search": "random search", "local-search": "local search", "regularised-evolution": "evolution"}
PAGE = ROOT / "docs" / "verdicts.md"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=5000, help="of one kind and size")
    parser.add_argument("--results", type=Path, help="a long study's results folder")
    options = parser.parse_args()
    if options.results:
        _write(STUDY, of_study(pools.kept(options.results), pd.read_csv(TRUTH), options.studies))
    else:
        runs = pools.simulated()
        TRUTH.write_text(as_csv(true(runs)))
        _write(COUNTS, counted(runs, options.studies))
    PAGE.write_text(page.filled(PAGE.read_text(), kept_counts(), pd.read_csv(TRUTH)))


def _write(file: Path, counts: Iterator[Counted]) -> None:
    file.write_text(as_csv(pd.DataFrame([{**asdict(row), "error": row.error} for row in counts])))


def kept_counts() -> pd.DataFrame:
    return pd.concat([pd.read_csv(file) for file in (COUNTS, STUDY) if file.exists()], ignore_index=True)


def of_study(runs: pools.Pools, truth: pd.DataFrame, studies: int) -> Iterator[Counted]:
    """Of its methods whose truth is known from simulation, at its own seeds."""
    known = {(row.data, row.method): row.mean for row in truth.itertuples()}
    named = {data: {NAMES[name]: values for name, values in methods.items() if name in NAMES}
             for data, methods in runs.items()}  # fmt: skip
    yield from two_methods("the study's runs", named, known, studies)


def counted(runs: pools.Pools, studies: int) -> Iterator[Counted]:
    truth = pools.means(runs)
    yield from same_method(runs, 0.0, studies)
    for planted in PLANTED:
        yield from same_method(runs, planted, studies // 5)
    yield from two_methods("two methods", runs, truth, studies)
    yield from two_methods("two methods, means made equal", runs, truth, studies, equal=True)
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
