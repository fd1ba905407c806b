"""What a hostile reviewer tried on rows and numbers, each with the smallest input and the right answer."""

import json
import shutil
from math import isnan, nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rows_factory as factory
from judging import KEPT, judged, made, with_accuracies
from scipy import stats

from analysis.findings.collect import findings
from analysis.findings.rules import rules
from analysis.findings.slopes import models
from analysis.report import write
from analysis.report.tables.results import resources
from analysis.report.tables.results import results as comparison
from analysis.results.rows import load
from analysis.results.table import lines
from analysis.statistics.effects import hedges_g
from analysis.statistics.fieller import relative_improvement
from harness.cli import main
from harness.commands import verify
from harness.storage.rows import read_rows

pytestmark = pytest.mark.long


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
    cell = comparison(lines(load(place))).rows[0][2].text
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
    against = found.twins["darts-A@5"]
    assert against.difference.n == 3


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
        texts.append(write.numbers(findings(folders)))
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
    assert "1 of 2 comparisons with twins is inconclusive" in said
    differences = found.twins["darts-B@5"].pairs.differences
    power = stats.nct(4, found.twins["darts-B@5"].finds / float(differences.std()) * 5**0.5)
    assert power.sf(stats.t.isf(0.05 / found.size / 2, 4)) == pytest.approx(0.8, abs=1e-4)


def test_within_the_margin_there_is_no_second_sentence_on_power(tmp_path: Path) -> None:
    study = factory.study(seeds=5, rules=["A"], snapshots=[5], smallest_effect=2.0)
    _, found, said = judged(made(tmp_path, study, factory.rows(study, effect=0.0)))
    assert found.twins["darts-A@5"].verdict == "inconclusive; the interval lies within ±2 points"
    assert "would take" not in said


def test_sides_are_called_equal_only_within_a_margin_that_was_fixed(tmp_path: Path) -> None:
    study = factory.study(seeds=8, rules=["A"], snapshots=[5], equivalence_margin=2.0)
    place = made(tmp_path, study, factory.rows(study, effect=0.0))
    found = judged(place)[1].twins["darts-A@5"]
    own, twins = found.pairs.frame["own"], found.pairs.frame["other"]
    sided = [stats.ttest_1samp(own - twins, end, alternative=way).pvalue for end, way in ((-2, "greater"), (2, "less"))]
    assert found.equivalence == pytest.approx(2 * max(sided))
    assert found.verdict == "equal within ±2 points (exploratory)"


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
    row = next(row for row in read_rows(place) if row["kind"] == "train")
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
    shown = resources(lines(results))
    for cell in shown.rows[0][-2:]:
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
    row = rows[at]["key"]
    expected = f"Row {row}: test_accuracy is {json.dumps(value)}, which is no percentage; it counts as failed."
    assert expected in said
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
    against = found.twins["darts-A@5"]
    assert against.difference.n == 3
    assert (against.verdict == "not tested: the look sees none of its pairs") is sequential
    assert not (sequential and against.inconclusive)


# Planning and words


def test_a_damaged_protocol_is_named_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = factory.study(seeds=2, rules=["A"], snapshots=[5])
    place = made(tmp_path, {**study, "schema": 2}, factory.rows(study))
    (place / "protocol.jsonl").write_text("no entry\n")
    with pytest.raises(SystemExit) as end:
        main(["report", str(place)])
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "protocol.jsonl, line 1 is no entry of a protocol; restore the file from a copy" in line


def test_seeds_needed_have_an_interval() -> None:
    wanted = judged(KEPT / "shortcut-cifar10-small")[1].twins["darts-A@10"].needed
    assert wanted.value is not None
    assert wanted.low is not None
    assert wanted.high is not None
    assert wanted.low < wanted.value < wanted.high


def test_a_study_without_a_protocol_is_said_to_be_exploratory(tmp_path: Path) -> None:
    study = factory.study(seeds=3)
    place = made(tmp_path, study, factory.rows(study))
    assert (
        "Not preregistered: nothing was fixed before the first row; all comparisons are exploratory."
        in judged(place)[2]
    )
    assert "all findings are exploratory" in findings(place).methods


def test_a_joint_report_compares_equal_networks_with_each_kind_of_twins() -> None:
    """A's networks of both studies are the same runs, and their twins are not."""
    _, found, _ = judged([KEPT / "shortcut-cifar10-small", KEPT / "shortcut-cifar10-small-targets"])
    values = {round(c.difference.value, 2) for name, c in found.twins.items() if "darts-A" in name}
    assert values == {3.75, 3.64, 1.88, 0.55, -0.77, -0.09}
    assert len(found.pairs) == 21, "the same networks stand against others once"
