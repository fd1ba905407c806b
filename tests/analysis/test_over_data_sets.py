"""Tests over several data sets, as a report makes and shows them."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rows_factory as factory
from data_sets_made import METHODS, several_sets
from judging import made
from scipy import stats

from analysis.figures import critical_difference
from analysis.figures.style import styled
from analysis.findings.collect import Findings, findings
from analysis.findings.rules import Rules
from analysis.findings.tests_over_data_sets import Over, Pair, over_sets
from analysis.report import write
from analysis.report.tables.listed import report_tables
from analysis.report.tables.table import Table
from analysis.results.rows import load
from analysis.results.table import lines
from analysis.statistics.friedman import critical_difference as difference

pytestmark = pytest.mark.long

EFFECTS = [1.0, 0.8, 0.9]


def over(folder: Path) -> Over:
    results = load(folder)
    found = over_sets(results, lines(results))
    assert found is not None
    return found


def accuracies(folder: Path) -> pd.DataFrame:
    """By data set and seed, a column a method."""
    trials = load(folder).trials
    trials = trials[trials["kind"] == "train"]
    parts = trials["method"].str.split("/", expand=True)
    return trials.assign(data=parts[0], name=parts[1]).pivot(
        index=["data", "seed"], columns="name", values="test_accuracy")  # fmt: skip


def pair(found: Over, first: str, second: str) -> Pair:
    return next(one for one in found.pairs if (one.first, one.second) == (first, second))


def table(found: Findings, name: str) -> Table:
    return next(table for table in report_tables(found) if table.name == name)


def test_friedmans_test_is_of_the_means_of_every_row(tmp_path: Path) -> None:
    folder = several_sets(tmp_path, EFFECTS)
    found, means = over(folder), accuracies(folder).groupby("data").mean()
    assert (found.sets, set(found.names)) == (("set0", "set1", "set2"), set(METHODS))
    theirs = stats.friedmanchisquare(*(means[name] for name in found.names))
    assert (found.test.chi2, found.test.p_chi2) == pytest.approx((theirs.statistic, theirs.pvalue))
    assert dict(zip(found.names, found.test.ranks, strict=True)) == (-means).rank(axis=1).mean().to_dict()


def test_a_pair_is_tested_over_seeds_over_data_sets_and_on_each(tmp_path: Path) -> None:
    folder = several_sets(tmp_path, EFFECTS)
    found, values = over(folder), accuracies(folder)
    one = pair(found, "darts-A@5", "darts-B@5")
    differences = values["darts-A@5"] - values["darts-B@5"]
    by_seed = stats.ttest_1samp(differences.groupby("seed").mean(), 0)
    assert (one.mean.p, one.mean.low) == pytest.approx((by_seed.pvalue, by_seed.confidence_interval().low))
    each = [stats.ttest_1samp(x, 0).pvalue for _, x in differences.groupby("data")]
    assert [found.p for found in one.each] == pytest.approx(each)
    ranks = stats.wilcoxon(differences.groupby("data").mean(), method="exact")
    assert one.ranks.p == pytest.approx(ranks.pvalue)


def test_twins_and_pairs_are_one_family_under_holm(tmp_path: Path) -> None:
    found = over(several_sets(tmp_path, EFFECTS))
    assert [(one.first, one.second) for one in found.pairs] == [
        ("darts-A@5", "random-A@5"), ("darts-B@5", "random-B@5"), ("darts-A@5", "darts-B@5"),
        ("darts-A@5", "baseline"), ("darts-B@5", "baseline")]  # fmt: skip
    raw = sorted((one.mean.p, one.p_mean) for one in found.pairs)
    assert raw[0][1] == pytest.approx(5 * raw[0][0])
    assert raw[1][1] == pytest.approx(max(raw[0][1], 4 * raw[1][0]))


def test_one_sign_on_all_data_sets_is_the_largest_p_and_two_signs_are_none(tmp_path: Path) -> None:
    one = pair(over(several_sets(tmp_path / "same", EFFECTS)), "darts-A@5", "random-A@5")
    worst = max(found.p for found in one.each)
    assert worst <= one.p_every <= 5 * worst
    mixed = pair(over(several_sets(tmp_path / "mixed", [1.0, -1.0, 0.9])), "darts-A@5", "random-A@5")
    assert mixed.p_every == 1
    assert max(found.p for found in mixed.each) < 0.05


def test_three_data_sets_show_nothing_by_signed_ranks_and_the_report_says_so(tmp_path: Path) -> None:
    found = findings(several_sets(tmp_path, [5.0, 5.0, 5.0]))
    said = ("With 3 data sets Wilcoxon's exact two-sided p cannot go below 2/2ⁿ = 0.25, after Holm's method over 5 "
            "pairs not below 1: over data sets it can show nothing here.")  # fmt: skip
    assert said in table(found, "pairs-over-data-sets").note
    assert said in write.text(found)
    answers = [row[-1].text for row in table(found, "friedman").rows]
    assert answers == ["not shown"]


def test_enough_data_sets_need_no_such_words(tmp_path: Path) -> None:
    folder = several_sets(tmp_path, [5.0] * 7, rules=["A"])
    found = findings(folder)
    assert "can show nothing" not in table(found, "pairs-over-data-sets").note + " ".join(found.caveats)
    one = pair(over(folder), "darts-A@5", "random-A@5")
    assert (one.ranks.p, one.p_ranks) == (2 / 2**7, 2 * 2 / 2**7)
    assert table(found, "friedman").rows[0][-1].text == "shown"


def test_two_data_sets_and_two_rows_can_show_nothing_by_ranks(tmp_path: Path) -> None:
    folder = several_sets(tmp_path, [5.0, 5.0], rules=["A"])
    assert table(findings(folder), "friedman").rows[0][-1].text == "p cannot go below 0.167"  # 1 / 3!


def test_the_hierarchical_model_has_the_studys_margin(tmp_path: Path) -> None:
    wide = pair(over(several_sets(tmp_path / "wide", EFFECTS, equivalence_margin=6.0)), "darts-A@5", "random-A@5")
    narrow = pair(over(several_sets(tmp_path / "narrow", EFFECTS)), "darts-A@5", "random-A@5")
    assert wide.model.further.equal > 0.95
    assert narrow.model.further.better > 0.95
    assert wide.model.pooled == narrow.model.pooled


def test_a_failure_counts_as_guessing(tmp_path: Path) -> None:
    folder = several_sets(tmp_path, EFFECTS)
    study, rows = load(folder).study, factory_rows(folder)
    rows = [factory.failed(r, "diverged") if (r["method"], r["seed"]) == ("set1/darts-A@5", 0) else r for r in rows]
    before, after = over(folder), over(factory.write(tmp_path / "failed", study, rows))
    one, two = (pair(found, "darts-A@5", "random-A@5") for found in (before, after))
    lost = accuracies(folder).loc[("set1", 0), "darts-A@5"] - 10.0
    assert one.each[1].value - two.each[1].value == pytest.approx(lost / 5)
    assert two.mean.value == pytest.approx(one.mean.value - lost / 15)


def factory_rows(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "trials.jsonl").read_text().splitlines()]


def test_a_seed_that_one_data_set_lacks_is_left_out_of_the_mean(tmp_path: Path) -> None:
    folder = several_sets(tmp_path, EFFECTS)
    study = load(folder).study
    rows = [r for r in factory_rows(folder) if (r["method"], r["seed"]) != ("set2/darts-A@5", 4)]
    one = pair(over(factory.write(tmp_path / "fewer", study, rows)), "darts-A@5", "random-A@5")
    assert (one.mean.n, [each.n for each in one.each]) == (4, [5, 5, 4])


def test_a_row_that_one_data_set_lacks_takes_no_part(tmp_path: Path) -> None:
    folder = several_sets(tmp_path, EFFECTS)
    study = load(folder).study
    study = {**study, "rows": [row for row in study["rows"] if row["method"] != "set1/darts-B@5"]}
    found = over(factory.write(tmp_path / "less", study, factory_rows(folder)))
    assert set(found.names) == {"darts-A@5", "random-A@5", "baseline"}


def test_one_data_set_or_several_studies_have_no_such_tests(tmp_path: Path) -> None:
    one = findings(made(tmp_path, factory.study(), factory.rows(factory.study())))
    assert one.over is None
    assert "over-data-sets.csv" not in write.tables(one)
    assert not {"friedman", "pairs-over-data-sets"} & {table.name for table in report_tables(one)}
    folders = [several_sets(tmp_path / name, EFFECTS, name=name) for name in ("first", "second")]
    assert findings(folders).over is None  # each data set would count twice


def test_all_of_it_stands_in_a_csv(tmp_path: Path) -> None:
    found = findings(several_sets(tmp_path, EFFECTS))
    rows = list(csv.DictReader(io.StringIO(write.tables(found)["over-data-sets.csv"])))
    assert found.over is not None
    assert len(rows) == len(found.over.pairs)
    for row, one in zip(rows, found.over.pairs, strict=True):
        assert float(row["p_holm"]) == pytest.approx(one.p_mean, rel=1e-4)
        chances = [float(row[f"further_p_{name}"]) for name in ("worse", "equal", "better")]
        assert sum(chances) == pytest.approx(1, abs=1e-3)
        assert float(row["difference_set1"]) == pytest.approx(one.each[1].value, rel=1e-4)


# The figure


@pytest.mark.parametrize(("sets", "drawn"), [(4, False), (5, True)])
def test_the_figure_needs_five_data_sets(sets: int, drawn: bool, tmp_path: Path) -> None:
    found = over(several_sets(tmp_path, [3.0] * sets))
    with styled():
        assert bool(critical_difference.ranks(found, 0.05)) == drawn


def test_it_draws_ranks_the_critical_difference_and_what_is_indistinguishable(tmp_path: Path) -> None:
    found = over(several_sets(tmp_path, [3.0] * 12))
    with styled():
        drawn = critical_difference.ranks(found, 0.05)
    assert drawn is not None
    marks = drawn.data
    ranks = marks[marks["mark"] == "rank"]
    assert list(ranks["low"]) == sorted(found.test.ranks)
    assert ranks["row"].iloc[0] == "darts-A@5"
    length = marks[marks["mark"] == "critical difference"].iloc[0]
    wanted = difference(5, 12)
    assert length["high"] - length["low"] == pytest.approx(wanted)
    for _, bar in marks[marks["mark"] == "statistically indistinguishable"].iterrows():
        inside = ranks["low"].between(bar["low"], bar["high"])
        assert inside.sum() > 1
        assert np.ptp(ranks["low"][inside]) <= wanted


def test_looks_make_every_p_larger(tmp_path: Path) -> None:
    plain = pair(over(several_sets(tmp_path / "one", EFFECTS)), "darts-A@5", "random-A@5")
    looking = several_sets(tmp_path / "two", EFFECTS, looks=[3, 5], sequential=True)
    twice = pair(over(looking), "darts-A@5", "random-A@5")
    assert twice.p_mean == pytest.approx(2 * plain.p_mean)
    assert twice.mean.low < plain.mean.low
    assert not over(looking).able(Rules(0.05, 0.2, (3, 5)))
