"""The table of latency and memory, where `nas-harness measure` measured the networks."""

from collections.abc import Iterator, Sequence

import pandas as pd

from analysis.numbers import EMPTY
from analysis.report.tables.table import Cell, Table, named, number
from analysis.results.aggregate import spread
from analysis.results.measured import FILE, every, place
from analysis.results.rows import Results
from analysis.results.table import Line

MEBI = 2.0**-20


def latency(results: Results, table: Sequence[Line]) -> Table:
    """A row for each row of the table and each machine that measured it."""
    head = ("Method", "Search epochs", "Batch 1, ms", "Batch 64, ms", "Peak memory at 64, MiB",
            "Random twins: batch 1, ms", "batch 64, ms", "Measured on")  # fmt: skip
    measured = every(results.folders)
    rows = [row for line in table for row in _rows(results, line, measured)]
    note = (
        "Forward passes in fp32 after a warm-up, mean ± standard deviation over search seeds of each network's median; "
        f"intervals of each network are in {FILE}. Memory: what the process took beyond what it had before it built "
        "the network."
    )
    return Table("latency", "Latency and memory", head, tuple(rows), note)


def _rows(results: Results, line: Line, measured: pd.DataFrame) -> Iterator[tuple[Cell, ...]]:
    for (device, hardware, threads), lines in measured.groupby(["device", "hardware", "threads"]):
        own = _texts(results, line.method, lines, (("median_ms", 1), ("median_ms", 64), ("peak_memory_bytes", 64)))
        twins = _texts(results, line.twin, lines, (("median_ms", 1), ("median_ms", 64)))
        if own[0].text == EMPTY:
            continue
        yield (*named(line), *own, *twins, Cell(place(device, hardware, threads), (line.method,)))


def _texts(results: Results, method: str | None, lines: pd.DataFrame,
           wanted: Sequence[tuple[str, int]]) -> list[Cell]:  # fmt: skip
    if method is None:
        return [Cell(EMPTY)] * len(wanted)
    trials, out = results.trainings(method), []
    for name, batch in wanted:
        values = lines[lines["batch"] == batch].drop_duplicates("key", keep="last").set_index("key")[name]
        known = trials.assign(measured=trials["key"].map(values))
        out.append(Cell(number(spread(known, "measured"), 2, MEBI if "bytes" in name else 1.0), (method,)))
    return out
