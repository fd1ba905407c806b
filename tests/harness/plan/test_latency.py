"""Latency as NSGA-II's second objective, from a table of one's own: in rows, in figures and in tidy data."""

from itertools import product
from pathlib import Path

import pytest

from analysis.figures import fronts
from analysis.figures.style import styled
from analysis.results import tidy
from analysis.results.rows import load as loaded
from analysis.results.table import lines
from harness.black_box.loop import rounded
from harness.black_box.pareto import front
from harness.commands.verify import problems
from harness.errors import BadInput
from harness.storage.rows import latest_rows
from harness.tables import opened
from spaces.registry import load
from spaces.shortcuts.space import ShortcutSpace
from tests.driven import ran
from tests.planted import value
from tests.studies import as_toml

SPACE = load("shortcut-vgg11", {})
SEARCH = {"candidates": 24, "population": 6, "lag": 1, "objective": "latency"}


def table(path: Path) -> Path:
    """Two runs of every architecture of rule B; the slower a network is, the better on the whole."""
    assert isinstance(SPACE, ShortcutSpace)
    rows = ["architecture,data,run,accuracy,latency_seconds"]
    for options in product(*(range(count) for count in SPACE.options("B"))):
        text = str(SPACE.decode(options, "B"))
        slow = sum(map(bool, options))
        for run in range(2):
            accuracy, latency = 50 + 5 * slow + value(text) % 500 / 100 + run, 0.01 * slow + 0.002 * run
            rows.append(f"{text},digits,{run},{accuracy:.2f},{latency}")
    path.write_text("\n".join(rows) + "\n")
    return path


def study(file: Path, **search):
    return {
        "name": "driven", "space": "shortcut-vgg11", "data": {"name": "digits"}, "seeds": {"search": 1},
        "table": {"name": str(file)}, "search": {**SEARCH, **search},
        "method": [{"name": "small", "rule": "B", "strategy": "nsga2"}],
    }  # fmt: skip


def rows_of(folder: Path, file: Path, **search):
    assert ran(folder, study=as_toml(study(file, **search)))[0] == 0
    return latest_rows(folder / "driven").values()


@pytest.mark.long
def test_a_search_for_low_latency_on_a_table_of_ones_own(tmp_path: Path):
    file = table(tmp_path / "mine.csv")
    row, trained = sorted(rows_of(tmp_path, file, one_job=True), key=lambda row: row["kind"])
    known = opened.table(row["settings"], None)
    entries = [known.entry(sorted(known.entries)[number]) for number in row["history"]["queries"]]
    assert row["latency"] == known.entry(row["architecture"]).latency
    assert row["history"]["objective"] == "latency"
    seen = row["history"]["front"]
    assert [latency for _, _, latency in seen] == [rounded(entries[number - 1].latency or -1) for number, *_ in seen]
    assert front([(accuracy, latency) for _, accuracy, latency in seen]) == list(range(len(seen)))
    assert len(seen) > 1
    assert problems(tmp_path / "driven") == []
    results = loaded(tmp_path / "driven")
    with styled():
        drawing = fronts.searched(results, lines(results), "latency")
    assert drawing
    assert drawing.data["latency"].tolist() == pytest.approx(sorted(1000 * latency for _, _, latency in seen))
    runs = tidy.runs(results).set_index("kind")
    assert runs["latency"].to_dict() == {"black-box": row["latency"], "train": row["latency"]}
    (each,) = [one for one in rows_of(tmp_path / "jobs", file) if one["kind"] == "train"]
    assert each["architecture"] == trained["architecture"]


def test_a_table_without_latencies_is_refused_with_the_column_that_it_lacks(tmp_path: Path):
    (tmp_path / "mine.csv").write_text("architecture,data,run,accuracy,parameters\nvgg11,digits,0,77.0,100\n")
    with pytest.raises(BadInput) as refused:
        ran(tmp_path, study=as_toml(study(tmp_path / "mine.csv", one_job=True)))
    assert "search.objective = 'latency': " in str(refused.value)
    assert "mine.csv does not say it of every network; give it the column latency_seconds" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("latency", ["-0.1", "", "fast", "inf"])
def test_a_latency_that_is_none_is_named_with_its_row(tmp_path: Path, latency: str):
    content = (
        f"architecture,data,run,accuracy,latency_seconds\nvgg11,digits,0,77.0,0.5\nvgg11,digits,1,77.0,{latency}\n"
    )
    (tmp_path / "mine.csv").write_text(content)
    with pytest.raises(BadInput, match=r"mine.csv, row 3: latency_seconds = .* is not a number from 0 on"):
        ran(tmp_path, study=as_toml(study(tmp_path / "mine.csv")))
