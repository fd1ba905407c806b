"""How a hostile reviewer attacked plans and verdicts, each with the smallest input and the right answer."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rows_factory as factory
from judging import KEPT, PRIMARY, cut, fixed, judged, made, pair, with_accuracies
from scipy import stats

from analysis.findings.collect import findings
from analysis.findings.comparisons import compared
from analysis.findings.rules import rules
from analysis.report import latex, write
from analysis.report.tables.listed import report_tables
from analysis.results.rows import load
from analysis.results.table import lines
from harness.storage import protocol
from harness.storage.protocol import Event

pytestmark = pytest.mark.long


@pytest.fixture
def registered(tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    study = factory.study(seeds=5, snapshots=[5, 10], primary=PRIMARY)
    place = made(tmp_path, study, factory.rows(study, effect=2.0))
    protocol.settle(place, fixed(study), 0, len(study["plan"]))
    return place, study


# A1: what was planned is the family, whatever study.json says later


def test_rows_that_were_taken_out_stay_in_the_family(tmp_path: Path) -> None:
    place = tmp_path / "shortcut-cifar10-small"
    shutil.copytree(KEPT / "shortcut-cifar10-small", place)
    before = judged(place)[1].twins["darts-A@10"]
    cut(place, {"darts-A@10", "random-A@10", "baseline"})
    _, found, said = judged(place)
    after = found.twins["darts-A@10"]
    assert after.difference.p == before.difference.p == pytest.approx(0.0104, abs=5e-5)
    assert after.adjusted >= before.adjusted >= 0.062
    assert found.size == 30
    assert "darts-A@20, darts-A@30, darts-B@10, darts-B@20, darts-B@30. Their 28 comparisons count" in said


def test_rows_that_the_protocol_fixed_stay_in_the_family_though_none_was_trained(tmp_path: Path) -> None:
    study = factory.study(seeds=4, snapshots=[5])
    rows = [row for row in factory.rows(study) if "B@" not in row["method"]]
    place = made(tmp_path, study, rows)
    protocol.settle(place, fixed(study), 0, len(study["plan"]))
    cut(place, {"darts-A@5", "random-A@5", "baseline"})
    _, found, said = judged(place)
    assert found.size == 2 + 3 + 1
    assert "Taken out" in said
    assert "darts-B@5" in said


def test_looks_are_taken_where_a_row_without_twins_was_taken_out(tmp_path: Path) -> None:
    study = factory.study(seeds=3, snapshots=[5, 10], rules=["A"], twins=0, looks=[2, 3], sequential=True)
    place = made(tmp_path, study, factory.rows(study, effect=20.0, noise=0.01))
    protocol.settle(place, fixed(study), 0, len(study["plan"]))
    cut(place, {"darts-A@5", "baseline"})
    (one,) = judged(place)[1].every
    assert one.verdict.startswith("better than baseline")
    assert one.adjusted > 0


# A2, A3: looks and changes


def test_unplanned_looks_multiply_p_and_are_said(registered: tuple[Path, dict[str, Any]]) -> None:
    place, study = registered
    before = judged(place)[1]
    protocol.append(place, Event.REPORTED, {}, 12, 40)
    protocol.append(place, Event.REPORTED, {}, 12, 40)  # nothing new was to be seen
    protocol.settle(place, fixed(study, seeds={"search": 4, "train": 1}), 20, 50)
    results, after, said = judged(place)
    assert "looked at 2 times before they were complete" in said
    for one, other in zip(before.every, after.every, strict=True):
        assert other.adjusted == pytest.approx(min(1.0, 3 * one.adjusted))
    assert rules(results).level == pytest.approx(1 - 0.05 / 3)
    assert "no bound holds for the whole report; p is times 3" in findings(place).methods


def test_planned_looks_and_looks_at_nothing_cost_nothing_more(registered: tuple[Path, dict[str, Any]]) -> None:
    place, _ = registered
    protocol.append(place, Event.REPORTED, {}, 0, 40)
    protocol.append(place, Event.LOOKED, {"looks": 1}, 12, 40)
    assert rules(load(place)).times == 1


def test_what_was_fixed_first_counts_and_the_change_is_printed(registered: tuple[Path, dict[str, Any]]) -> None:
    place, study = registered
    changed = {**study, "smallest_effect": 4.0}
    (place / "study.json").write_text(json.dumps(changed))
    protocol.settle(place, fixed(changed), 30, 40)
    results, _, said = judged(place)
    assert rules(results).smallest == 0.2
    assert "smallest_effect (0.2 → 4.0)" in said
    table = next(table for table in report_tables(findings(place)) if table.name == "deviations")
    assert [row[1].text for row in table.rows] == ["smallest_effect: 0.2 → 4.0"]


def test_a_change_before_the_first_row_is_no_deviation(tmp_path: Path) -> None:
    study = factory.study(seeds=3, snapshots=[5], smallest_effect=1.0)
    place = made(tmp_path, study, factory.rows(study))
    protocol.settle(place, fixed(study, smallest_effect=0.2), 0, 10)
    protocol.settle(place, fixed(study), 0, 10)
    results, _, said = judged(place)
    assert rules(results).smallest == 1.0
    assert "Changed after" not in said


# B: no test between different data or splits


def test_methods_of_different_data_are_not_compared(tmp_path: Path) -> None:
    one = factory.study("one", rules=["A"], snapshots=[5])
    two = factory.study("two", rules=["A"], snapshots=[5], data={"name": "digits"})
    places = [made(tmp_path, study, factory.rows(study)) for study in (one, two)]
    _, found, said = judged(places)
    assert {c.method.split("/")[0] + c.against.split("/")[0] for c in found.every} == {"oneone", "twotwo"}
    assert "trained on different data are not compared" in said


def test_pairs_of_different_splits_are_refused_and_named(tmp_path: Path) -> None:
    study = factory.study(seeds=4, rules=["A"], snapshots=[5])
    rows = [{**r, "split": "other"} if r["method"] == "baseline" else r for r in factory.rows(study)]
    _, found, said = judged(made(tmp_path, study, rows))
    against = pair(found, "darts-A@5", "baseline")
    assert (against.difference.n, against.refused, against.missing) == (0, (0, 1, 2, 3), 0)
    assert against.verdict == "not tested: no complete pair"
    assert "darts-A@5 and baseline saw different images at seed 0, 1, 2, 3: these are no pairs" in said
    assert found.twins["darts-A@5"].difference.n == 4


# C: a primary question, tested first


def test_the_mean_over_snapshots_within_seeds_is_one_comparison() -> None:
    results = load(KEPT / "shortcut-cifar10-small")
    results.study["primary"] = PRIMARY  # type: ignore[index]
    found = compared(results, lines(results))
    assert found.primary is not None
    difference = found.primary.difference
    assert (difference.value, difference.low, difference.high) == pytest.approx((3.09, 2.36, 3.82), abs=0.005)
    assert difference.p == found.primary.adjusted == pytest.approx(0.0003, abs=5e-5)
    assert found.primary.verdict == "better than its twins (exploratory)"
    assert found.size == 30
    assert all(c.status == "exploratory" for c in found.every)


def test_secondary_comparisons_confirm_only_behind_a_significant_primary(
    registered: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    place, study = registered
    _, found, said = judged(place)
    assert found.primary is not None
    assert found.primary.significant
    assert found.primary.verdict == "better than its twins"
    assert {c.status for c in found.secondary} == {"confirmatory"}
    assert "xploratory" not in said
    assert [table.name for table in report_tables(findings(place))][:2] == ["primary", "table"]
    weak = made(tmp_path / "weak", study, factory.rows(study, effect=0.0))
    protocol.settle(weak, fixed(study), 0, len(study["plan"]))
    _, found, _ = judged(weak)
    assert found.primary is not None
    assert not found.primary.significant
    assert {c.status for c in found.secondary} == {"exploratory"}


@pytest.mark.parametrize(
    ("primary", "sides"),
    [
        ({"method": "darts-A", "against": "twins", "at": 10}, ("darts-A@10", "random-A@10")),
        ({"method": "darts-A", "against": "darts-B", "at": 5}, ("darts-A@5", "darts-B@5")),
        ({"method": "darts-A", "against": "baseline", "at": "mean"}, ("darts-A", "baseline")),
    ],
)
def test_a_primary_row_leaves_the_family(tmp_path: Path, primary: dict[str, Any], sides: tuple[str, str]) -> None:
    study = factory.study(seeds=4, snapshots=[5, 10], primary=primary)
    rows = factory.rows(study)
    _, found, _ = judged(made(tmp_path, study, rows))
    assert found.primary is not None
    assert (found.primary.method, found.primary.against) == sides
    assert found.size == 4 + 10 + 2 - (primary["at"] != "mean")
    own, other = (
        [np.mean([r["test_accuracy"] for r in rows if r["seed"] == s and r["method"].split("@")[0] == side.split("@")[0]
                  and ("@" not in side or r["method"] == side)]) for s in range(4)]
        for side in sides
    )  # fmt: skip
    assert found.primary.difference.p == pytest.approx(stats.ttest_rel(own, other).pvalue)


def test_a_primary_question_without_rows_is_said(tmp_path: Path) -> None:
    study = factory.study(seeds=3, snapshots=[5], primary={"method": "darts-A", "against": "twins", "at": 7})
    _, found, said = judged(made(tmp_path, study, factory.rows(study)))
    assert found.primary is None
    assert "The primary comparison cannot be made: darts-A against its twins at 7 epochs" in said


def test_a_primary_question_of_which_a_snapshot_was_taken_out_is_not_answered(
    registered: tuple[Path, dict[str, Any]],
) -> None:
    place, study = registered
    cut(place, {row["method"] for row in study["rows"]} - {"darts-A@5"} | {"random-A@10", "random-B@5", "random-B@10"})
    _, found, said = judged(place)
    assert found.primary is None
    assert "mean over snapshots: darts-A@5 was taken out" in said
    assert {c.status for c in found.every} == {"exploratory"}


# D: a spread that is small by luck


def test_a_small_spread_alone_is_no_finding() -> None:
    _, found, _ = judged(KEPT / "shortcut-evolution-mini")
    against = pair(found, "evolution", "darts-A@20")
    assert against.difference.std == pytest.approx(0.24, abs=0.005)
    assert against.difference.p == pytest.approx(0.0025, abs=5e-5)
    assert against.moderated_raw > 0.05
    assert not against.significant


def test_a_verdict_names_an_unusually_small_spread(tmp_path: Path) -> None:
    study = factory.study(seeds=3)
    rows = factory.rows(study, noise=3.0)
    twins = [r["test_accuracy"] for r in rows if r["method"] == "random-A@5"]
    values = {"darts-A@5": [twin + more for twin, more in zip(twins, (2.9, 3.0, 3.1), strict=True)]}
    _, found, _ = judged(made(tmp_path, study, with_accuracies(rows, values)))
    against = found.twins["darts-A@5"]
    assert against.adjusted < 0.02
    assert against.moderated > 0.05
    assert against.verdict == "inconclusive: rests on an unusually small spread"


# Words on paper


def test_the_latex_table_has_marks_with_their_legend_n_and_no_verdict(registered: tuple[Path, dict[str, Any]]) -> None:
    found = findings(registered[0])
    text = latex.latex([table for table in report_tables(found) if table.name == "twins"], "made-up")
    assert r"\toprule" in text
    assert "Verdict" not in text
    assert "better" not in text
    assert "n = 5 pairs." in text
    assert "$^{*}$" in text
    assert "* significant." in text


def test_every_comparison_stands_in_the_csv(registered: tuple[Path, dict[str, Any]]) -> None:
    text = write.tables(findings(registered[0]))["comparisons.csv"]
    head, *rows = text.splitlines()
    assert len(rows) == 1 + 4 + 10 + 2
    wanted = {"difference_p", "difference_p_holm", "simultaneous_low", "failures", "correlation", "pairs", "status"}
    assert wanted <= set(head.split(","))
