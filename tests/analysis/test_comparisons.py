"""Paired comparisons: what makes a pair, what is left out, and the verdict in words."""

from math import isnan, nan
from pathlib import Path

import numpy as np
import pingouin
import pytest
import rows_factory as factory
from scipy import stats

from analysis.figures import distributions
from analysis.figures.style import styled
from analysis.findings.collect import findings
from analysis.findings.comparisons import compared, still_open
from analysis.findings.verdicts import verdict
from analysis.report.tables.listed import report_tables
from analysis.results.pairs import twin_pairs
from analysis.results.rows import Results, load
from analysis.results.table import lines
from analysis.statistics.effects import hedges_g
from analysis.statistics.paired import mean_interval


def loaded(tmp_path: Path, study: dict, rows: list[dict]) -> Results:
    return load(factory.write(tmp_path / study["name"], study, rows))


def test_comparison_with_twins_agrees_with_scipy_and_pingouin(tmp_path: Path) -> None:
    study = factory.study(seeds=6)
    rows = factory.rows(study)
    results = loaded(tmp_path, study, rows)
    found = compared(results, lines(results)).twins["darts-A@10"]
    own, twins = ([r["test_accuracy"] for r in rows if r["method"] == name] for name in ("darts-A@10", "random-A@10"))
    test = stats.ttest_rel(own, twins)
    interval = test.confidence_interval()
    assert found.difference.p == pytest.approx(test.pvalue)
    assert (found.difference.low, found.difference.high) == pytest.approx((interval.low, interval.high))
    assert found.effect == hedges_g(own, twins)
    assert found.improvement.value == pytest.approx(100 * (np.mean(own) / np.mean(twins) - 1))
    assert set(found.keys) == {r["key"] for r in rows if r["method"] in ("darts-A@10", "random-A@10")}


def test_p_is_adjusted_over_twins_pairs_and_gains_as_one_family(tmp_path: Path) -> None:
    study = factory.study(seeds=5)
    results = loaded(tmp_path, study, factory.rows(study))
    found = compared(results, lines(results)).every
    assert len(found) == 6 + 21 + 3
    expected = pingouin.multicomp([c.difference.p for c in found], method="holm")[1]
    assert [c.adjusted for c in found] == pytest.approx(expected)


@pytest.mark.parametrize("sides", [("darts-A", "darts-B"), ("darts-B", "darts-A")])
def test_the_primary_pair_is_compared_once_whichever_is_named_first(tmp_path: Path, sides: tuple[str, str]) -> None:
    primary = {"method": sides[0], "against": sides[1], "at": None}
    study = factory.study(seeds=4, snapshots=[5], primary=primary)
    results = loaded(tmp_path, study, factory.rows(study))
    found = compared(results, lines(results))
    assert found.primary is not None
    pairs = [frozenset((c.method, c.against)) for c in found.pairs]
    assert len(pairs) == len(set(pairs)) == 3
    assert found.size == 2 + 2 + 1  # twins, the other pairs, the gain


def test_a_seed_without_a_complete_pair_is_left_out_and_counted(tmp_path: Path) -> None:
    study = factory.study(seeds=4, rules=["A"], snapshots=[5])
    rows = factory.rows(study)
    broken = next(n for n, row in enumerate(rows) if row["method"] == "random-A@5" and row["seed"] == 2)
    del rows[broken]
    results = loaded(tmp_path, study, rows)
    found = compared(results, lines(results)).twins["darts-A@5"]
    assert (found.difference.n, found.missing) == (3, 1)


def test_trainings_and_twins_of_a_seed_are_one_pair(tmp_path: Path) -> None:
    study = factory.study(seeds=3, train=2, twins=2, rules=["A"], snapshots=[5])
    rows = factory.rows(study)
    results = loaded(tmp_path, study, rows)
    pairs = twin_pairs(results.trainings("darts-A@5"), results.trainings("random-A@5"))
    assert list(pairs.index) == [0, 1, 2]
    twins = [r["test_accuracy"] for r in rows if r["method"] == "random-A@5" and r["seed"] == 1]
    assert pairs.loc[1, "other"] == pytest.approx(np.mean(twins))


@pytest.mark.long
def test_rows_without_pairs_are_paired_by_their_seeds(tmp_path: Path) -> None:
    study = factory.study(seeds=3, train=2)
    rows = factory.rows(study)
    with_pairs = loaded(tmp_path / "a", study, rows)
    without = loaded(tmp_path / "b", study, [{**row, "pair": None} for row in rows])
    sides = [compared(results, lines(results)).twins["darts-B@20"].difference for results in (with_pairs, without)]
    assert sides[0].value == pytest.approx(sides[1].value)


def test_every_method_meets_every_other_once(tmp_path: Path) -> None:
    study = factory.study(seeds=5)
    results = loaded(tmp_path, study, factory.rows(study))
    table = lines(results)
    found = compared(results, table).pairs
    assert len(found) == 7 * 6 / 2
    assert all(c.difference.n == 5 for c in found)
    against = next(c for c in found if (c.method, c.against) == ("darts-A@5", "baseline"))
    means = {line.method: line.cells["accuracy"].mean for line in table}
    assert against.difference.value == pytest.approx(means["darts-A@5"] - means["baseline"])


def test_gains_over_twins_are_compared_at_equal_search_epochs(tmp_path: Path) -> None:
    study = factory.study(seeds=6)
    rows = factory.rows(study)
    results = loaded(tmp_path, study, rows)
    found = {(c.method, c.against): c for c in compared(results, lines(results)).gains}
    assert found.keys() == {(f"darts-A@{epochs}", f"darts-B@{epochs}") for epochs in (5, 10, 20)}
    names = ("darts-A@20", "random-A@20", "darts-B@20", "random-B@20")
    own, own_twins, other, other_twins = (
        np.array([r["test_accuracy"] for r in rows if r["method"] == name]) for name in names
    )
    test = stats.ttest_1samp(own - own_twins - other + other_twins, 0)
    assert found[names[0], names[2]].difference.p == pytest.approx(test.pvalue)
    assert set(found[names[0], names[2]].keys) == {r["key"] for r in rows if r["method"] in names}
    assert all(isnan(gain.improvement.value) for gain in found.values()), "a difference of gains has no ratio"


def test_a_larger_gain_is_called_larger_and_leads_to_all_four_sides(tmp_path: Path) -> None:
    study = factory.study(seeds=6, snapshots=[20])
    rows = [
        {**row, "test_accuracy": row["test_accuracy"] + 3} if row["method"] == "darts-A@20" else row
        for row in factory.rows(study)
    ]
    found = findings(factory.write(tmp_path / study["name"], study, rows))
    table = next(table for table in report_tables(found) if table.name == "gains")
    assert [row[-1].text for row in table.rows] == ["larger than that of darts-B@20 (exploratory)"]
    assert set(table.rows[0][-1].methods) == {"darts-A@20", "darts-B@20", "random-A@20", "random-B@20"}


def test_nothing_is_compared_before_there_are_rows(tmp_path: Path) -> None:
    results = loaded(tmp_path, factory.study(), [])
    for found in (*compared(results, lines(results)).twins.values(), *compared(results, lines(results)).pairs):
        assert found.verdict == "not tested: no complete pair"
        assert isnan(found.adjusted)


@pytest.mark.parametrize(
    ("values", "significant", "words"),
    [
        ([], False, "not tested: no complete pair"),
        ([0.4], False, "not tested: one pair"),
        ([0.4, 0.4, 0.4], False, "not tested: all 3 differences are equal"),
        ([0.4, 0.5, 0.6], True, "better than its twins"),
        ([-0.4, -0.5, -0.6], True, "worse than its twins"),
        ([0.10, 0.11, 0.12], True, "better than its twins, by less than 0.2 points"),
        ([0.4, -0.4, 0.6], False, "inconclusive; n = 3 finds ≥ 1.50 points"),
        ([0.01, -0.01, 0.02], False, "inconclusive; the interval lies within ±0.2 points"),
    ],
)
def test_verdict_in_words(values: list[float], significant: bool, words: str) -> None:
    assert verdict(mean_interval(values), significant, 1.5, "its twins", margin=0.2) == words


def test_looks_count_where_the_study_was_run_until_decided(tmp_path: Path) -> None:
    study = factory.study(seeds=5, looks=[3, 5], sequential=True)
    rows = factory.rows(study, effect=0.6, noise=0.1)
    once, twice = (loaded(tmp_path / n, s, rows) for n, s in (("a", {**study, "sequential": False}), ("b", study)))
    plain, looked = (compared(results, lines(results)).twins for results in (once, twice))
    for name, found in looked.items():
        if found.difference.n == 5:
            assert found.adjusted >= plain[name].adjusted
            assert (
                found.difference.high - found.difference.low > plain[name].difference.high - plain[name].difference.low
            )
    assert {found.difference.n for found in looked.values()} <= {3, 5}


def test_only_open_comparisons_want_more_seeds(tmp_path: Path) -> None:
    study = factory.study(seeds=3, rules=["A"], snapshots=[5, 10], looks=[3, 5])
    rows = factory.rows(study, noise=0.01)
    clear = {0: 75.0, 1: 75.01, 2: 75.02}
    rows = [{**r, "test_accuracy": clear[r["seed"]]} if r["method"] == "darts-A@5" else r for r in rows]
    wild = {0: 60.0, 1: 90.0, 2: 70.0}
    rows = [{**r, "test_accuracy": wild[r["seed"]]} if r["method"] == "darts-A@10" else r for r in rows]
    results = loaded(tmp_path, study, rows)
    assert still_open(results, lines(results)) == (1, ["darts-A@10"])


def test_what_the_report_calls_inconclusive_wants_more_seeds(tmp_path: Path) -> None:
    """@5's spread is small by chance: one test says it is better, the other one does not."""
    study = factory.study(seeds=3, looks=[3, 5], sequential=True)
    rows = factory.rows(study, noise=3.0)
    twins = {r["seed"]: r["test_accuracy"] for r in rows if r["method"] == "random-A@5"}
    above = {seed: accuracy + 2.95 + 0.05 * seed for seed, accuracy in twins.items()}
    rows = [{**r, "test_accuracy": above[r["seed"]]} if r["method"] == "darts-A@5" else r for r in rows]
    results = loaded(tmp_path, study, rows)
    found = compared(results, lines(results)).twins["darts-A@5"]
    assert found.adjusted < 0.05 < found.moderated
    assert found.verdict == "inconclusive: rests on an unusually small spread"
    look, open_ = still_open(results, lines(results))
    assert look == 1
    assert "darts-A@5" in open_


def test_a_done_row_without_a_number_counts_as_a_failure(tmp_path: Path) -> None:
    study = factory.study(seeds=3, rules=["A"], snapshots=[5])
    rows = [
        {**r, "test_accuracy": nan} if r["method"] == "darts-A@5" and r["seed"] == 0 else r for r in factory.rows(study)
    ]
    results = loaded(tmp_path, study, rows)
    found = compared(results, lines(results)).twins["darts-A@5"]
    assert (found.difference.n, found.failures) == (3, 1)
    assert found.without is not None
    assert found.without.n == 2


def test_a_row_tells_of_the_look_at_which_it_was_decided(tmp_path: Path) -> None:
    """@5 is decided at three seeds; its estimate comes from all rows, as in the table."""
    study = factory.study(seeds=5, rules=["A"], snapshots=[5, 10], looks=[3, 5], sequential=True)
    rows = factory.rows(study, noise=0.01)
    for row in rows:
        if row["method"] == "darts-A@5":
            row["test_accuracy"] += 20 if row["seed"] < 3 else -30
        if row["method"] == "darts-A@10":
            row["test_accuracy"] += (-1) ** row["seed"] * 3
    results = loaded(tmp_path, study, rows)
    found = compared(results, lines(results)).twins["darts-A@5"]
    assert found.difference.n == 5
    assert found.difference.value == pytest.approx(-0, abs=1)
    assert found.verdict.startswith("better than its twins; decided at 3 pairs, where estimates are biased away from 0")


def test_what_comes_after_the_look_is_no_part_of_what_it_says(tmp_path: Path) -> None:
    """Eight seeds, a look at five: a training that failed at seed six neither spreads nor counts."""
    study = factory.study(seeds=8, rules=["A"], snapshots=[5], looks=[5, 10], sequential=True)
    rows = [factory.failed(r, "diverged") if r["method"] == "darts-A@5" and r["seed"] in (6, 7) else r
            for r in factory.rows(study, effect=0.0)]  # fmt: skip
    results = loaded(tmp_path, study, rows)
    found = compared(results, lines(results)).twins["darts-A@5"]
    assert (found.difference.n, found.failures, found.without) == (5, 0, None)
    assert found.finds < 5


def test_before_the_first_look_nothing_is_tested(tmp_path: Path) -> None:
    study = factory.study(seeds=2, looks=[3, 5], sequential=True)
    results = loaded(tmp_path, study, factory.rows(study))
    for found in compared(results, lines(results)).twins.values():
        assert found.verdict == "not tested: the first look is not reached"


@pytest.mark.parametrize("sides", [("darts-A", "darts-B"), ("darts-B", "darts-A")])
def test_a_primary_pair_named_in_either_direction_is_drawn_once(tmp_path: Path, sides: tuple[str, str]) -> None:
    primary = {"method": sides[0], "against": sides[1]}
    study = factory.study(seeds=5, snapshots=[5], twins=0, primary=primary)
    results = loaded(tmp_path, study, factory.rows(study))
    found = compared(results, lines(results))
    asked = [frozenset((c.method, c.against)) for c in found.every]
    assert len(asked) == len(set(asked)) == 3
    assert found.primary
    assert (found.primary.method, found.primary.against) == tuple(f"{side}@5" for side in sides)
    assert found.size == 2
    with styled():
        drawn = distributions.pairwise(found.pairs)
    assert drawn
    shown = drawn.data.set_index(["row", "column"])["difference"]
    assert shown["darts-A@5", "darts-B@5"] == pytest.approx(
        found.primary.difference.value * (1 if sides[0] == "darts-A" else -1)
    )
