"""The comparison table: means of means, twins beside, what is unfinished said."""

import ast
import csv
import io
import re
from pathlib import Path
from statistics import mean, stdev

import pytest
import rows_factory as factory

import analysis
from analysis.numbers import p_value, signed
from analysis.report import formats, latex
from analysis.report.tables.results import results as comparison
from analysis.report.tables.table import parts
from analysis.results.rows import Results, load
from analysis.results.table import Line, lines


def loaded(tmp_path: Path, study: dict, rows: list[dict]) -> Results:
    return load(factory.write(tmp_path / study["name"], study, rows))


def line(results: Results, method: str) -> Line:
    return next(line for line in lines(results) if line.method == method)


def test_lines_stand_in_the_studys_order_with_the_baseline_last(tmp_path: Path) -> None:
    study = factory.study()
    study["rows"].insert(0, study["rows"].pop())
    methods = [line.method for line in lines(loaded(tmp_path, study, factory.rows(study)))]
    assert methods == [f"darts-{rule}@{epochs}" for rule in "AB" for epochs in (5, 10, 20)] + ["baseline"]


def test_training_seeds_are_averaged_within_a_search_seed_first(tmp_path: Path) -> None:
    study = factory.study(seeds=3, train=2, twins=2)
    rows = factory.rows(study)
    rows = [row for row in rows if not (row["method"] == "darts-A@5" and row["seed"] == 1 and row["train_seed"] == 1)]
    own = [row for row in rows if row["method"] == "darts-A@5"]
    of = {seed: [row["test_accuracy"] for row in own if row["seed"] == seed] for seed in range(3)}
    cell = line(loaded(tmp_path, study, rows), "darts-A@5").cells["accuracy"]
    assert cell.n == 3
    assert cell.mean == pytest.approx(mean(map(mean, of.values())))
    assert cell.std == pytest.approx(stdev(map(mean, of.values())))
    assert len(cell.keys) == 5


def test_every_cell_knows_its_rows(tmp_path: Path) -> None:
    study = factory.study()
    rows = factory.rows(study)
    found = line(loaded(tmp_path, study, rows), "darts-B@10")
    assert set(found.cells["accuracy"].keys) == {r["key"] for r in rows if r["method"] == "darts-B@10"}
    assert set(found.twin_cells["accuracy"].keys) == {r["key"] for r in rows if r["method"] == "random-B@10"}


def test_unfinished_and_failed_runs_are_said_and_counted(tmp_path: Path) -> None:
    study = factory.study()
    rows = factory.rows(study)
    statuses = iter(("failed", "disconnected", "diverged"))
    rows = [factory.failed(row, next(statuses)) if row["method"] == "darts-A@5" else row for row in rows]
    results = loaded(tmp_path, study, [row for row in rows if (row["method"], row["seed"]) != ("darts-A@10", 0)])
    text = formats.text(comparison(lines(results)))
    assert "0/3 runs, 1 disconnected, 1 diverged, 1 failed" in text
    assert re.search(r"\(n=2\), 2/3 runs", text)


def test_a_disconnected_run_is_finished_without_a_number(tmp_path: Path) -> None:
    study = factory.study(seeds=2, rules=["A"], snapshots=[5])
    good, bad = (row for row in factory.rows(study) if row["method"] == "darts-A@5")
    found = line(loaded(tmp_path, study, [good, factory.failed(bad, "disconnected")]), "darts-A@5")
    assert str(found.state) == "1 disconnected"
    assert found.cells["accuracy"].n == 1


def test_n_stands_beside_every_plus_minus(tmp_path: Path) -> None:
    study = factory.study()
    table = lines(loaded(tmp_path, study, factory.rows(study)))
    made = comparison(table)
    for written in (formats.text(made), formats.markdown([made]), latex.latex([made], "s").split("tabular", 1)[1]):
        signs = re.findall(r"(?:±|\\pm\$) [\d.]+ (\(n=\d+\))?", written)
        assert len(signs) > 20
        assert all(signs)


def test_one_seed_has_no_spread_and_no_row_no_number(tmp_path: Path) -> None:
    study = factory.study(seeds=1, rules=["A"], snapshots=[5])
    text = formats.text(comparison(lines(loaded(tmp_path, study, factory.rows(study)))))
    assert "±" not in text
    assert "(n=1)" in text
    assert "nan" not in formats.text(comparison(lines(loaded(tmp_path / "empty", study, []))))


def test_search_cost_counts_up_to_the_snapshot(tmp_path: Path) -> None:
    study = factory.study(seeds=2, rules=["A"])
    results = loaded(tmp_path, study, factory.rows(study))
    costs = [line(results, f"darts-A@{epochs}").cells["cost"].mean for epochs in (5, 10, 20)]
    assert costs == pytest.approx([100 / 4 + 10, 100 / 2 + 10, 100 + 10])
    assert line(results, "baseline").cells["cost"].mean == pytest.approx(10)


def test_csv_holds_unrounded_numbers(tmp_path: Path) -> None:
    study = factory.study()
    table = lines(loaded(tmp_path, study, factory.rows(study)))
    records = list(csv.DictReader(io.StringIO(formats.comma_separated(table, {}))))
    assert [record["method"] for record in records] == [line.method for line in table]
    assert float(records[0]["accuracy_mean"]) == pytest.approx(table[0].cells["accuracy"].mean, rel=1e-9)
    assert records[-1]["twin_accuracy_mean"] == ""


def test_table_without_study_rows_is_taken_from_the_trials(tmp_path: Path) -> None:
    study = factory.study()
    bare = {"name": "bare"}
    shown = [
        {line.method: (line.twin, line.search_epochs, line.cells["accuracy"]) for line in lines(results)}
        for results in (loaded(tmp_path, s, factory.rows(study)) for s in (study, bare))
    ]
    assert shown[0] == shown[1]


def test_latex_has_no_bare_special_characters() -> None:
    assert latex.escaped("a_b & 50 % ± #1 {x}") == r"a\_b \& 50 \% $\pm$ \#1 \{x\}"


@pytest.mark.parametrize("part", ["report/tables", "findings"])
def test_latex_knows_every_sign_that_a_table_is_written_with(part: str) -> None:
    """Without a package, LaTeX has letters with accents and no other sign."""
    trees = [ast.parse(path.read_text()) for path in (Path(analysis.__file__).parent / part).glob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    texts = "".join(str(node.value) for node in nodes if isinstance(node, ast.Constant))
    left = set(latex.escaped(texts))
    assert {sign for sign in left if "Α" <= sign <= "ω" or not (sign.isascii() or sign.isalpha())} == set()


def test_spread_is_split_only_where_it_can_be(tmp_path: Path) -> None:
    study = factory.study(seeds=4, train=3)
    rows = factory.rows(study)
    found = line(loaded(tmp_path / "a", study, rows), "darts-A@5").parts
    assert found is not None
    assert (found.groups, found.repeats) == (4, "3")
    lost = [row for row in rows if (row["method"], row["seed"], row["train_seed"]) != ("darts-A@5", 1, 2)]
    unequal = line(loaded(tmp_path / "c", study, lost), "darts-A@5").parts
    assert unequal is not None
    assert (unequal.groups, unequal.repeats) == (4, "2–3")
    assert unequal.sizes == (3, 2, 3, 3)
    once = [row for row in rows if row["train_seed"] == 0]
    assert line(loaded(tmp_path / "b", study, once), "darts-A@5").parts is None
    assert parts(None) == ("not separable", "not separable")


@pytest.mark.parametrize(
    ("value", "words"), [(0.414, "+0.41"), (-0.414, "−0.41"), (0.001, "0.00"), (-0.001, "0.00"), (float("nan"), "–")]
)
def test_differences_have_a_sign_unless_they_are_nothing(value: float, words: str) -> None:
    assert signed(value) == words


@pytest.mark.parametrize(("p", "words"), [(0.0004, "< 0.001"), (0.0314, "0.031"), (1.0, "1.000"), (float("nan"), "–")])
def test_p_is_never_rounded_to_zero(p: float, words: str) -> None:
    assert p_value(p) == words
