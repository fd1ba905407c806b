"""The same question in several ways and practical equality, as a report shows them."""

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import rows_factory as factory
from data_sets_made import several_sets
from judging import KEPT, made, with_accuracies
from scipy import stats

from analysis.findings.collect import findings
from analysis.findings.comparisons import compared
from analysis.findings.sensitivity import ABOVE, FLIPS, MANY, MIXED, MODERATED, Asked, T, several
from analysis.report import write
from analysis.report.tables.listed import report_tables
from analysis.results.rows import load
from analysis.results.table import lines

pytestmark = pytest.mark.long

OWN = {"darts-A@5": [73.0, 71.2, 74.1, 72.6, 70.9, 73.3], "darts-A@10": [73.4, 71.9, 73.8, 72.2, 71.5, 73.9]}
TWIN = {"random-A@5": [71.0, 71.0, 71.9, 70.2, 70.1, 72.0], "random-A@10": [71.2, 70.2, 72.4, 71.4, 69.8, 71.7]}
BASE = {"baseline": [70.0, 70.4, 70.9, 69.9, 70.2, 71.1]}
VALUES = OWN | TWIN | BASE


def place(folder: Path, values: dict[str, list[float]] = VALUES, **changes: Any) -> Path:
    study = factory.study(seeds=6, rules=["A"], snapshots=[5, 10], **changes)
    return made(folder, study, with_accuracies(factory.rows(study), values))


def asked(folder: Path) -> dict[str, Asked]:
    results = load(folder)
    table = lines(results)
    return {one.name: one for one in several(results, table, compared(results, table))}


def means(values: dict[str, list[float]]) -> np.ndarray:
    return np.mean([*values.values()], axis=0)


def test_each_way_is_the_test_of_its_name(tmp_path: Path) -> None:
    found = asked(place(tmp_path))
    one = found["darts-A against its twins, mean over snapshots"]
    ways = {way.name: way for way in one.ways}
    x = means(OWN) - means(TWIN)
    t = stats.ttest_1samp(x, 0)
    assert list(ways) == [T, FLIPS, MODERATED, MIXED, ABOVE]
    assert (ways["paired t test"].value, ways["paired t test"].p) == pytest.approx((x.mean(), t.pvalue))
    assert ways["paired t test"].low == pytest.approx(t.confidence_interval().low)
    assert ways["sign flips"].p == 2 / 2**6 == ways["sign flips"].least
    assert ways["mixed model"].value == pytest.approx(x.mean())
    above = stats.mannwhitneyu(means(OWN), means(TWIN)).statistic / 36
    assert ways["probability of improvement"].value == pytest.approx(above)
    assert (one.n, one.primary, one.agree) == (6, False, True)
    assert set(one.methods) == {*OWN, *TWIN}


def test_against_the_baseline_stands_every_method(tmp_path: Path) -> None:
    """Two methods: their p of many-to-one lie above their own and below Bonferroni's."""
    study = factory.study(seeds=6, snapshots=[5, 10])
    found = asked(made(tmp_path, study, factory.rows(study)))
    names = [name for name in found if "against baseline" in name]
    assert names == [f"darts-{rule} against baseline, mean over snapshots" for rule in "AB"]
    for name in names:
        p = {way.name: way.p for way in found[name].ways}
        assert p["paired t test"] <= p["many-to-one"] <= 2 * p["paired t test"] + 1e-4


def test_each_study_has_its_own_baseline(tmp_path: Path) -> None:
    """Put together, many-to-one stays within a study, or within a data set, as names say."""
    folders = []
    for number, name in enumerate(("one", "two")):
        study = factory.study(name, seeds=6, snapshots=[5])
        folders.append(made(tmp_path, study, factory.rows(study, random_seed=number)))
    results = load(folders)
    table = lines(results)
    found = {one.name: one for one in several(results, table, compared(results, table))}
    against = [name for name in found if "baseline" in name]
    assert against == [f"{study}/darts-{rule} against {study}/baseline" for study in ("one", "two") for rule in "AB"]
    alone = asked(folders[0])["darts-A against baseline"]
    together = found["one/darts-A against one/baseline"]
    p = [next(way.p for way in one.ways if way.name == "many-to-one") for one in (alone, together)]
    assert p[0] == p[1]


def test_a_primary_question_on_one_data_set_leaves_the_others_their_analyses(tmp_path: Path) -> None:
    """Many-to-one is over all methods against that data set's baseline, the primary one among them."""
    plain = asked(several_sets(tmp_path / "plain", [1.0, 0.5]))
    primary = {"method": "darts-A", "against": "baseline", "at": None, "data": "set0"}
    found = asked(several_sets(tmp_path / "primary", [1.0, 0.5], primary=primary))
    assert found.keys() == plain.keys()
    assert [name for name, one in found.items() if one.primary] == ["set0/darts-A against set0/baseline"]
    for name, one in found.items():
        ways = {way.name: way.p for way in one.ways}
        assert ways == pytest.approx({way.name: way.p for way in plain[name].ways}, abs=1e-3, nan_ok=True), name


def test_the_primary_question_comes_first_at_its_snapshot_and_once(tmp_path: Path) -> None:
    primary = {"method": "darts-A", "against": "twins", "at": 10}
    found = asked(place(tmp_path, primary=primary))
    assert list(found) == ["darts-A against its twins at 10 epochs", "darts-A against its twins, mean over snapshots",
                           "darts-A against baseline, mean over snapshots"]  # fmt: skip
    one = found["darts-A against its twins at 10 epochs"]
    t = stats.ttest_rel(OWN["darts-A@10"], TWIN["random-A@10"])
    assert one.primary
    assert one.ways[0].p == pytest.approx(t.pvalue)
    assert {way.name for way in one.ways} >= {"mixed model"}
    averaged = asked(place(tmp_path / "mean", primary={**primary, "at": "mean"}))
    assert [one.primary for one in averaged.values()] == [True, False]


def test_five_pairs_can_show_nothing_by_sign_flips_and_the_report_says_so(tmp_path: Path) -> None:
    study = factory.study(seeds=5, rules=["A"], snapshots=[5])
    found = findings(made(tmp_path, study, factory.rows(study, effect=3.0, noise=0.1)))
    table = next(table for table in report_tables(found) if table.name == "analyses")
    answers = {row[2].text: row[-1].text for row in table.rows if "twins" in row[0].text}
    assert answers["sign flips"] == "p cannot go below 0.062"
    assert answers["paired t test"] == "shown"
    assert all(one.agree for one in found.several)
    assert not [caveat for caveat in found.caveats if "hangs on the analysis" in caveat]
    assert "mixed model" not in answers


def test_where_they_disagree_the_report_says_so_plainly(tmp_path: Path) -> None:
    """One seed lies far above: the t test cannot tell, all signs and ranks can."""
    above = {5: (0.5, 0.6, 0.4, 0.5, 0.7, 9.0), 10: (0.5, 0.4, 0.6, 0.6, 0.5, 9.0)}
    own = {f"darts-A@{at}": np.add(TWIN[f"random-A@{at}"], more).tolist() for at, more in above.items()}
    values = VALUES | own
    found = findings(place(tmp_path, values))
    said = [caveat for caveat in found.caveats if "hangs on the analysis" in caveat]
    assert said[0].startswith("darts-A against its twins, mean over snapshots: a difference is shown by sign flips, ")
    assert "not by paired t test" in said[0]
    assert "The paired t test and the moderated t test of its table decide" in said[0]
    assert said[0] in write.text(findings(tmp_path / "made-up"))


def test_a_failed_run_counts_with_guessing_in_every_way(tmp_path: Path) -> None:
    study = factory.study(seeds=6, rules=["A"], snapshots=[5])
    rows = [factory.failed(r, "diverged") if (r["method"], r["seed"]) == ("darts-A@5", 0) else r
            for r in with_accuracies(factory.rows(study), VALUES)]  # fmt: skip
    one = asked(made(tmp_path, study, rows))["darts-A against its twins"]
    x = np.subtract([10.0, *OWN["darts-A@5"][1:]], TWIN["random-A@5"])
    assert one.ways[0].value == pytest.approx(x.mean())


def test_a_snapshot_that_is_missing_leaves_the_seed_to_the_mixed_model_alone(tmp_path: Path) -> None:
    study = factory.study(seeds=6, rules=["A"], snapshots=[5, 10])
    rows = [r for r in with_accuracies(factory.rows(study), VALUES) if (r["method"], r["seed"]) != ("darts-A@10", 2)]
    one = asked(made(tmp_path, study, rows))["darts-A against its twins, mean over snapshots"]
    kept = [0, 1, 3, 4, 5]
    assert one.n == 5
    assert one.ways[0].value == pytest.approx((means(OWN) - means(TWIN))[kept].mean())
    mixed = next(way for way in one.ways if way.name == "mixed model")
    assert mixed.value != pytest.approx(one.ways[0].value, abs=1e-6)


def test_equal_differences_say_nothing_of_how_others_spread(tmp_path: Path) -> None:
    """They are moderated by nothing and moderate nothing."""
    above = {name: np.add(BASE["baseline"], 1).tolist() for name in OWN}
    found = asked(place(tmp_path, VALUES | above))
    constant, other = (found[f"darts-A against {side}, mean over snapshots"] for side in ("baseline", "its twins"))
    assert MODERATED not in [way.name for way in constant.ways]
    p = {way.name: way.p for way in other.ways}
    assert p[MODERATED] == pytest.approx(p[T]), "one spread alone is its own"


@pytest.mark.parametrize("number", [4, 6, 8])
def test_of_planned_looks_they_see_what_decides(number: int, tmp_path: Path) -> None:
    """Looks at five and ten pairs: nothing before, and with eight pairs the first five."""
    study = factory.study(seeds=number, rules=["A"], snapshots=[5], looks=[5, 10], sequential=True,
                          primary={"method": "darts-A", "at": 5})  # fmt: skip
    results = load(made(tmp_path, study, factory.rows(study, effect=0.1)))
    decided = compared(results, table := lines(results))
    found = several(results, table, decided)
    assert {one.n for one in found} == ({5} if number >= 5 else set())
    assert decided.primary is not None
    if number >= 5:
        assert found[0].primary
        (t,) = (way for way in found[0].ways if way.name == T)
        assert min(1, 2 * t.p) == pytest.approx(decided.primary.adjusted)
        assert (t.value, t.low) == pytest.approx((decided.primary.difference.value, decided.primary.difference.low))
        assert decided.primary.difference.n == 5


def test_the_primary_question_has_no_second_name_before_its_look(tmp_path: Path) -> None:
    """It waits for seeds that its twins lack; another comparison's look is taken."""
    study = factory.study(seeds=5, rules=["A", "B"], snapshots=[5], looks=[5], sequential=True,
                          primary={"method": "darts-A", "at": 5})  # fmt: skip
    rows = [
        row for row in factory.rows(study) if not (row["method"] in ("darts-A@5", "random-A@5") and row["seed"] > 2)
    ]
    results = load(made(tmp_path, study, rows))
    table = lines(results)
    decided = compared(results, table)
    assert decided.primary is not None
    assert decided.primary.verdict == "not tested: the first look is not reached"
    assert not [
        one.name for one in several(results, table, decided) if one.name.startswith("darts-A against its twins")
    ]


def test_a_primary_question_at_its_only_snapshot_leaves_many_to_one(tmp_path: Path) -> None:
    study = factory.study(seeds=6, snapshots=[5], primary={"method": "darts-A", "against": "baseline", "at": 5})
    found = asked(made(tmp_path, study, factory.rows(study)))
    against = [one for one in found.values() if "baseline" in one.name]
    assert len(against) == 2
    assert all(MANY in [way.name for way in one.ways] for one in against)


def test_one_question_under_two_names_is_one(tmp_path: Path) -> None:
    """With one snapshot a primary question at its epochs is that on the mean: it must not moderate itself."""
    study = factory.study(seeds=6, rules=["A"], snapshots=[5])
    whole = asked(made(tmp_path / "whole", study, factory.rows(study)))
    primary = {"method": "darts-A", "against": "twins", "at": 5}
    named = asked(made(tmp_path / "named", {**study, "primary": primary}, factory.rows(study)))
    assert len(named) == len(whole)
    p = [[way.p for way in next(iter(found.values())).ways] for found in (whole, named)]
    assert p[0] == pytest.approx(p[1], nan_ok=True)


def test_nothing_to_ask() -> None:
    results = load(KEPT / "tune-cifar10-mini")
    table = lines(results)
    assert several(results, table, compared(results, table)) == []


def test_all_of_it_stands_in_a_csv(tmp_path: Path) -> None:
    found = findings(place(tmp_path))
    rows = list(csv.DictReader(io.StringIO(write.tables(found)["analyses.csv"])))
    assert len(rows) == sum(len(one.ways) for one in found.several)
    assert {row["shown"] for row in rows} <= {"True", "False", ""}
    assert float(rows[0]["p"]) == pytest.approx(found.several[0].ways[0].p, rel=1e-4)


# Practical equality


def equality(folder: Path) -> tuple[tuple[str, ...], list[list[str]], str, pd.DataFrame]:
    found = findings(folder)
    table = next(table for table in report_tables(found) if table.name == "equality")
    frame = pd.read_csv(io.StringIO(write.tables(found)["comparisons.csv"]))
    return table.head, [[cell.text for cell in row] for row in table.rows], table.note, frame


def test_at_the_margin_both_one_sided_tests_and_probabilities_stand_on_the_page(tmp_path: Path) -> None:
    head, rows, note, frame = equality(place(tmp_path, equivalence_margin=4.0))
    assert head[2:5] == ("Difference, points [90 %]", "p (TOST)", "p (Bonferroni)")
    assert "±4 points, the study's equivalence margin" in note
    x = np.subtract(OWN["darts-A@5"], TWIN["random-A@5"])
    sided = [stats.ttest_1samp(x, end, alternative=way) for end, way in ((-4, "greater"), (4, "less"))]
    line = frame[frame["method"] == "darts-A@5"].iloc[0]
    assert line["p_tost"] == pytest.approx(max(one.pvalue for one in sided))
    assert line["tost_high"] == pytest.approx(stats.ttest_1samp(x, 0).confidence_interval(0.9).high)
    posterior = stats.t(5, x.mean(), x.std(ddof=1) / 6**0.5)
    assert (line["p_worse"], line["p_better"]) == pytest.approx((posterior.cdf(-4), posterior.sf(4)))
    assert line["p_equal"] == pytest.approx(posterior.cdf(4) - posterior.cdf(-4))
    assert (rows[0][-1], line["rope_answer"]) == ("practically equal", "practically equal")


def test_without_a_margin_equality_is_not_tested_and_probabilities_are_those_of_the_smallest_effect(
    tmp_path: Path,
) -> None:
    head, rows, note, frame = equality(place(tmp_path))
    assert "p (TOST)" not in head
    assert "The study fixed no equivalence margin, so that equality is not tested." in note
    assert "±0.2 points, the study's smallest effect" in note
    assert frame["p_tost"].isna().all()
    assert rows[0][-1] == "better"
    assert set(frame["rope_answer"]) <= {"better", "worse", "practically equal", "undecided"}


@pytest.mark.parametrize(
    ("shift", "spread", "answer"), [(3.0, 0.1, "better"), (-3.0, 0.1, "worse"), (0.0, 0.02, "practically equal"),
                                    (0.3, 1.5, "undecided")]
)  # fmt: skip
def test_each_answer(shift: float, spread: float, answer: str, tmp_path: Path) -> None:
    noise = np.array([1.0, -1.0, 0.5, -0.5, 0.8, -0.8])
    own = {f"darts-A@{at}": (np.array(TWIN[f"random-A@{at}"]) + shift + spread * noise).tolist() for at in (5, 10)}
    _, rows, _, _ = equality(place(tmp_path, VALUES | own))
    assert [row[-1] for row in rows] == [answer, answer]


def test_one_pair_is_undecided(tmp_path: Path) -> None:
    study = factory.study(seeds=1, rules=["A"], snapshots=[5])
    _, rows, _, _ = equality(made(tmp_path, study, factory.rows(study)))
    assert rows[0][-1] == "undecided"
    assert rows[0][2:5] == ["–", "–", "–"]
