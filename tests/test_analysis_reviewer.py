"""What a hostile reviewer tried on reports, each with the smallest input and the right answer (docs/reviewers.md)."""

import json
import shutil
from collections.abc import Mapping
from math import isnan, nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rows_factory as factory
from scipy import stats

from analysis import formats, report, sheets
from analysis.caveats import caveats
from analysis.comparisons import Compared, Comparison, compared
from analysis.effects import hedges_g
from analysis.fieller import relative_improvement
from analysis.findings import findings
from analysis.models import models
from analysis.rows import Results, load
from analysis.rules import rules
from analysis.table import lines
from harness import protocol, records, verify
from harness.protocol import Event

KEPT = Path(__file__).parents[1] / "results"
PRIMARY = {"method": "darts-A", "against": "twins", "at": "mean"}

pytestmark = pytest.mark.long


def judged(folders: Path | list[Path]) -> tuple[Results, Compared, str]:
    results = load(folders)
    table = lines(results)
    found = compared(results, table)
    return results, found, "\n".join(caveats(results, table, found))


def made(place: Path, study: Mapping[str, Any], rows: list[dict[str, Any]]) -> Path:
    return factory.write(place / study["name"], study, rows)


def fixed(study: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """What the protocol of a made-up study fixes."""
    names = ("smallest_effect", "alpha", "looks", "rows", "seeds")
    return {**{name: study[name] for name in names}, "primary": study.get("primary"), "failures": "chance", **changes}


def with_accuracies(rows: list[dict[str, Any]], values: Mapping[str, list[float]]) -> list[dict[str, Any]]:
    """The rows with these accuracies, a method's in the order of seeds."""
    return [
        {**row, "test_accuracy": values[row["method"]][row["seed"]]} if row["method"] in values else row for row in rows
    ]


def cut(folder: Path, methods: set[str]) -> None:
    study = json.loads((folder / "study.json").read_text())
    study["rows"] = [row for row in study["rows"] if row["method"] in methods]
    study["plan"] = [job for job in study["plan"] if job["kind"] != "train" or job["method"] in methods]
    (folder / "study.json").write_text(json.dumps(study))


def pair(found: Compared, first: str, second: str) -> Comparison:
    return next(c for c in found.pairs if (c.method, c.against) == (first, second))


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


# A2, A3: looks and changes


@pytest.fixture
def registered(tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    study = factory.study(seeds=5, snapshots=[5, 10], primary=PRIMARY)
    place = made(tmp_path, study, factory.rows(study, effect=2.0))
    protocol.settle(place, fixed(study), 0, len(study["plan"]))
    return place, study


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
    sheet = next(sheet for sheet in findings(place).sheets if sheet.name == "deviations")
    assert [row[1].text for row in sheet.rows] == ["smallest_effect: 0.2 → 4.0"]


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
    assert [sheet.name for sheet in findings(place).sheets][:2] == ["primary", "table"]
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


def test_seeds_needed_have_an_interval() -> None:
    wanted = judged(KEPT / "shortcut-cifar10-small")[1].twins["darts-A@10"].needed
    assert wanted.value is not None
    assert wanted.low is not None
    assert wanted.high is not None
    assert wanted.low < wanted.value < wanted.high


# E: failures are part of the result


@pytest.mark.parametrize("status", ["diverged", "disconnected", "failed"])
def test_failures_count_with_the_accuracy_of_guessing(tmp_path: Path, status: str) -> None:
    study = factory.study(seeds=5, rules=["A"], snapshots=[5])
    own, twins = [73.1, 72.9, 73.0, 0.0, 0.0], [70.1, 70.0, 69.9, 70.2, 69.8]
    rows = with_accuracies(factory.rows(study), {"darts-A@5": own, "random-A@5": twins})
    rows = [factory.failed(r, status) if r["method"] == "darts-A@5" and r["seed"] > 2 else r for r in rows]
    place = made(tmp_path, study, rows)
    _, found, said = judged(place)
    against = found.twins["darts-A@5"]
    expected = stats.ttest_rel([*own[:3], 10, 10], twins)
    assert against.difference.p == pytest.approx(expected.pvalue)
    assert against.difference.n == 5
    assert not against.significant
    assert against.without is not None
    assert (against.without.value, against.without.n) == (pytest.approx(3.0), 3)
    assert f"2 {status}" in said
    assert "no verdict rests on the latter" in said
    cell = sheets.results(lines(load(place))).rows[0][2].text
    assert "(n=3)" in cell
    assert "40 % [5, 85] failed" in cell


def test_failures_of_unknown_chance_are_said_and_may_be_given(tmp_path: Path) -> None:
    study = factory.study(seeds=3, rules=["A"], snapshots=[5], data={"name": "birds"})
    rows = factory.rows(study)
    rows = [factory.failed(r, "diverged") if (r["method"], r["seed"]) == ("darts-A@5", 0) else r for r in rows]
    _, found, said = judged(made(tmp_path, study, rows))
    assert "1 of them could not be counted in comparisons" in said
    assert found.twins["darts-A@5"].difference.n == 2
    _, found, said = judged(made(tmp_path / "given", {**study, "chance": 0.5}, rows))
    assert "guessing (0.5 %)" in said
    assert found.twins["darts-A@5"].difference.n == 3


# F: merged studies


def test_the_order_of_folders_means_nothing(tmp_path: Path) -> None:
    one = factory.study("one", rules=["A"], snapshots=[5], looks=[3, 5], sequential=True)
    two = factory.study("two", rules=["A"], snapshots=[5], smallest_effect=1.0, looks=[2])
    places = [made(tmp_path, study, factory.rows(study)) for study in (one, two)]
    texts = []
    for folders in (places, places[::-1]):
        results, _, said = judged(folders)
        assert (rules(results).smallest, rules(results).looks) == (0.2, (3, 5))
        assert "differ in smallest_effect, looks" in said
        texts.append(report.numbers(folders))
    assert texts[0] == texts[1]


def test_a_row_that_two_studies_share_is_compared_once(tmp_path: Path) -> None:
    one, two = (factory.study(name, snapshots=[5, 10]) for name in ("one", "two"))
    shared = {job["seed"]: job["key"] for job in one["plan"] if job["method"] == "baseline"}
    for job in two["plan"]:
        job["key"] = shared[job["seed"]] if job["method"] == "baseline" else job["key"]
    _, found, _ = judged([made(tmp_path, study, factory.rows(study)) for study in (one, two)])
    assert len(found.pairs) == 9 * 8 / 2


# G: one account of each comparison


def test_equal_differences_are_not_tested_and_not_in_the_spread(tmp_path: Path) -> None:
    study = factory.study(seeds=5, rules=["A", "B"], snapshots=[5])
    rows = factory.rows(study, effect=0.0, noise=2.0)
    twins = {s: r["test_accuracy"] for r in rows for s in [r["seed"]] if r["method"] == "random-A@5"}
    same = [{**r, "test_accuracy": twins[r["seed"]]} if r["method"] == "darts-A@5" else r for r in rows]
    _, found, said = judged(made(tmp_path, study, same))
    assert found.twins["darts-A@5"].verdict == "not tested: all 5 differences are equal"
    assert isnan(found.twins["darts-A@5"].difference.p)
    assert "1 of 2 comparisons with twins are inconclusive" in said
    differences = found.twins["darts-B@5"].pairs.differences
    power = stats.nct(4, found.twins["darts-B@5"].finds / float(differences.std()) * 5**0.5)
    assert power.sf(stats.t.isf(0.05 / found.size / 2, 4)) == pytest.approx(0.8, abs=1e-4)


def test_within_the_margin_there_is_no_second_sentence_on_power(tmp_path: Path) -> None:
    study = factory.study(seeds=5, rules=["A"], snapshots=[5], smallest_effect=2.0)
    _, found, said = judged(made(tmp_path, study, factory.rows(study, effect=0.0)))
    assert found.twins["darts-A@5"].verdict == "inconclusive; the interval lies within ±2 points"
    assert "would take" not in said


# H is test_a_row_tells_of_the_look_at_which_it_was_decided. I: rows that contradict each other


def test_two_finished_rows_of_a_key_that_differ_are_found(tmp_path: Path) -> None:
    study = factory.study(seeds=3, rules=["A"], snapshots=[5])
    rows = factory.rows(study)
    again = next(row for row in rows if row["method"] == "darts-A@5")
    place = made(tmp_path, study, [*rows, {**again, "test_accuracy": again["test_accuracy"] + 5}])
    assert f"several finished rows that differ, of which the last counts: {again['key']} (" in judged(place)[2]
    equal = made(tmp_path / "equal", study, [*rows, again])
    assert "several finished rows" not in judged(equal)[2]


@pytest.mark.parametrize(
    ("value", "words"), [(12.5, "two finished rows of one key differ"), (nan, "NaN, which is no percentage")]
)
def test_verify_names_rows_that_cannot_be_right(tmp_path: Path, value: float, words: str) -> None:
    place = tmp_path / "shortcut-cifar10-mini"
    shutil.copytree(KEPT / "shortcut-cifar10-mini", place)
    assert verify.problems(place) == []
    row = next(row for row in records.read(place) if row["kind"] == "train")
    (place / "trials.jsonl").write_text(json.dumps({**row, "test_accuracy": value}) + "\n")
    assert any(row["key"] in line and words in line for line in verify.problems(place))


# J, M: the right statistics stand in the table


def test_improvement_is_a_ratio_of_means_and_g_is_that_of_correlated_pairs(tmp_path: Path) -> None:
    study = factory.study(seeds=4, rules=["A"], snapshots=[5])
    values = {"darts-A@5": [50.0, 62.0, 71.0, 80.0], "random-A@5": [30.0, 60.0, 65.0, 75.0]}
    place = made(tmp_path, study, with_accuracies(factory.rows(study), values))
    found = judged(place)[1].twins["darts-A@5"]
    expected = relative_improvement(values["darts-A@5"], values["random-A@5"])
    assert found.improvement.value == pytest.approx(100 * (263 / 230 - 1))
    assert (found.improvement.low, found.improvement.high) == pytest.approx((expected.low, expected.high), nan_ok=True)
    assert found.effect == hedges_g(values["darts-A@5"], values["random-A@5"])
    assert found.effect.correlation == pytest.approx(np.corrcoef(*values.values())[0, 1])


# K, L: searches are what is independent


def test_networks_of_one_search_are_one_cluster(tmp_path: Path) -> None:
    study = factory.study(seeds=4)
    results = load(made(tmp_path, study, factory.rows(study)))
    (model, *_) = models(results, lines(results))
    assert model.points["cluster"].nunique() == 4
    assert model.points.groupby("cluster").size().eq(6).all()


def test_unequal_numbers_of_trainings_have_components_with_intervals(tmp_path: Path) -> None:
    study = factory.study(seeds=4, train=3, rules=["A"], snapshots=[5])
    rows = [r for r in factory.rows(study) if (r["method"], r["seed"], r["train_seed"]) != ("darts-A@5", 1, 2)]
    results = load(made(tmp_path, study, rows))
    sheet = sheets.resources(lines(results))
    for cell in sheet.rows[0][-2:]:
        assert "] (4 × 2–3)" in cell.text


# N: numbers that are none


@pytest.mark.parametrize("value", [nan, None, float("inf"), True, "70", -1.0, 100.5])
def test_what_is_no_percentage_counts_as_a_failure_and_is_named(tmp_path: Path, value: Any) -> None:
    study = factory.study(seeds=3, rules=["A"], snapshots=[5])
    rows = factory.rows(study)
    at = next(n for n, row in enumerate(rows) if row["method"] == "darts-A@5")
    rows[at] = {**rows[at], "test_accuracy": value}
    place = made(tmp_path, study, rows)
    _, found, said = judged(place)
    told = f"Row {rows[at]['key']}: test_accuracy is {json.dumps(value)}, which is no percentage; it counts as failed."
    assert told in said
    assert (found.twins["darts-A@5"].difference.n, found.twins["darts-A@5"].failures) == (3, 1)


def test_fractions_are_noticed(tmp_path: Path) -> None:
    study = factory.study(seeds=3, rules=["A"], snapshots=[5])
    rows = [{**r, "test_accuracy": r["test_accuracy"] / 100} if r["kind"] == "train" else r
            for r in factory.rows(study)]  # fmt: skip
    assert "looks like a fraction" in judged(made(tmp_path, study, rows))[2]


@pytest.mark.parametrize("sequential", [False, True])
def test_large_seeds_cost_nothing(tmp_path: Path, sequential: bool) -> None:
    study = factory.study(seeds=3, rules=["A"], snapshots=[5], looks=[3], sequential=sequential)
    rows = [{**r, "seed": 10**15 + r["seed"]} for r in factory.rows(study)]
    _, found, _ = judged(made(tmp_path, study, rows))
    assert found.twins["darts-A@5"].difference.n == 3


# Words on paper


def test_the_latex_table_has_marks_with_their_legend_n_and_no_verdict(registered: tuple[Path, dict[str, Any]]) -> None:
    found = findings(registered[0])
    text = formats.latex([sheet for sheet in found.sheets if sheet.name == "twins"], "made-up")
    assert r"\toprule" in text
    assert "Verdict" not in text
    assert "better" not in text
    assert "n = 5 pairs." in text
    assert "$^{*}$" in text
    assert "* significant." in text


def test_every_comparison_stands_in_the_csv(registered: tuple[Path, dict[str, Any]]) -> None:
    text = report.tables(findings(registered[0]))["comparisons.csv"]
    head, *rows = text.splitlines()
    assert len(rows) == 1 + 4 + 10 + 2
    wanted = {"difference_p", "difference_p_holm", "simultaneous_low", "failures", "correlation", "pairs", "status"}
    assert wanted <= set(head.split(","))


def test_a_study_without_a_protocol_is_said_to_be_exploratory(tmp_path: Path) -> None:
    study = factory.study(seeds=3)
    place = made(tmp_path, study, factory.rows(study))
    assert (
        "Not preregistered: nothing was fixed before the first row; all comparisons are exploratory."
        in judged(place)[2]
    )
    assert "all findings are exploratory" in findings(place).methods
