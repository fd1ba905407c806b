"""Medians without a distribution, and the table of latency: known numbers come out as they were measured."""

from math import isnan
from pathlib import Path

import pandas as pd
import pytest
import rows_factory as factory
from scipy import stats

from analysis.figures.latencies import against_latency
from analysis.figures.style import styled
from analysis.report.tables.latency import latency
from analysis.results.measured import FILE, read
from analysis.results.protocol_view import Damaged
from analysis.results.rows import load
from analysis.results.table import lines
from analysis.statistics.medians import median
from harness.commands import report_pages


def test_a_median_lies_between_the_order_statistics_of_the_binomial() -> None:
    assert median([5, 1, 4, 2, 3, 6]) == (3.5, 1, 6)
    assert median(range(1, 11)) == (5.5, 2, 9)  # Conover's example: ranks 2 and 9 of ten hold it with 97.9 %
    assert isnan(median([1, 2, 3, 4, 5]).low), "five values hold it with 93.75 % at most"
    assert isnan(median([]).value)


@pytest.mark.parametrize("n", [6, 9, 25, 100])
def test_it_holds_the_median_as_often_as_said_and_no_narrower_interval_does(n: int) -> None:
    rank = int(median(range(1, n + 1)).low)
    covers = [1 - 2 * stats.binom.cdf(r - 1, n, 0.5) for r in (rank, rank + 1)]
    assert covers[0] >= 0.95 > covers[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    study = factory.study(seeds=2, snapshots=(5,), rules=("A",))
    return factory.write(tmp_path / "made-up", study, factory.rows(study))


def measured(folder: Path, **changes: object) -> None:
    """Every training of seed s takes 1 + s ms at batch 1 and 10 times that at batch 64; twins twice as long."""
    trials = load(folder).trials
    found = []
    for key, role, seed in trials.loc[trials["kind"] == "train", ["key", "role", "seed"]].itertuples(index=False):
        for batch in (1, 64):
            took = (1 + seed) * (10 if batch == 64 else 1) * (2 if role == "twin" else 1)
            found.append({"key": key, "batch": batch, "device": "cpu", "hardware": "Abacus", "threads": 2,
                          "precision": "fp32", "median_ms": took, "low_ms": took, "high_ms": took,
                          "peak_memory_bytes": 2**21, "torch": "2", "measured": "now", **changes})  # fmt: skip
    pd.DataFrame(found).to_csv(folder / FILE, index=False)


def shown(folder: Path) -> list[list[str]]:
    results = load(folder)
    return [[cell.text for cell in row] for row in latency(results, lines(results)).rows]


def test_the_table_has_means_over_seeds_beside_those_of_twins(folder: Path) -> None:
    assert shown(folder) == [], "nothing was measured"
    measured(folder)
    one, ten = "1.50 ± 0.71 (n=2)", "15.00 ± 7.07 (n=2)"
    assert shown(folder) == [
        ["darts-A", "5", one, ten, "2.00 (n=2)", "3.00 ± 1.41 (n=2)", "30.00 ± 14.14 (n=2)", "Abacus, 2 threads"],
        ["baseline", "–", one, ten, "2.00 (n=2)", "–", "–", "Abacus, 2 threads"],
    ]


@pytest.mark.parametrize("content", ["", "key,batch\na,1\n", "\0", "key\n\x1b[31m"])
def test_a_file_that_measure_did_not_write_is_named(folder: Path, content: str) -> None:
    (folder / FILE).write_text(content)
    with pytest.raises(Damaged, match=r"measured.csv is none that nas-harness measure wrote"):
        shown(folder)


def test_numbers_and_texts_are_checked(folder: Path) -> None:
    measured(folder, hardware="a\x1b[31mb")
    assert "\x1b" not in read(folder)["hardware"].iloc[0]
    measured(folder, median_ms="fast")
    with pytest.raises(Damaged):
        read(folder)


def test_accuracy_is_drawn_against_latency_where_it_was_measured(folder: Path) -> None:
    results = load(folder)
    table = lines(results)
    assert against_latency(results, table, 1) is None, "nothing was measured"
    measured(folder)
    with styled():
        drawing = against_latency(results, table, 64)
    assert drawing is not None
    drawn = drawing.data.set_index("row")
    assert drawn["latency"].to_dict() == pytest.approx({"darts-A@5": 15.0, "random-A@5": 30.0, "baseline": 15.0})
    assert drawn["latency_std"]["random-A@5"] == pytest.approx(200**0.5)
    cells = {line.method: line.cells["accuracy"] for line in table}
    assert drawn["accuracy"]["baseline"] == cells["baseline"].mean
    best = max(("darts-A@5", "baseline"), key=lambda row: cells[row].mean)
    slowest = ["random-A@5"] if drawn["accuracy"].idxmax() == "random-A@5" else []
    assert drawn.index[drawn["front"]].tolist() == [best, *slowest]
    assert set(drawn["measured on"]) == {"Abacus, 2 threads"}
    assert [axes.get_title() for axes in drawing.figure.axes] == ["Abacus, 2 threads"]


def test_each_machine_has_a_panel_and_a_front_of_its_own(folder: Path) -> None:
    measured(folder)
    first = (folder / FILE).read_text()
    measured(folder, hardware="Slide rule", threads=1)
    second = (folder / FILE).read_text().partition("\n")[2]
    (folder / FILE).write_text(first + second)
    results = load(folder)
    with styled():
        drawing = against_latency(results, lines(results), 1)
    assert drawing is not None
    assert [axes.get_title() for axes in drawing.figure.axes] == ["Abacus, 2 threads", "Slide rule, 1 thread"]
    assert drawing.data.groupby("measured on")["front"].any().all()


@pytest.mark.slow
def test_the_report_has_the_figure_with_its_numbers_and_verify_holds(folder: Path) -> None:
    measured(folder)
    report_pages.show([folder])
    numbers = pd.read_csv(folder / "report" / "figures" / "accuracy-latency-64.csv")
    assert set(numbers["measured on"]) == {"Abacus, 2 threads"}
    assert report_pages.differences(folder) == []
    measured(folder, median_ms=3)
    assert any("accuracy-latency-64.csv" in line for line in report_pages.differences(folder))
