"""What a report says in one place agrees with what it says in others, and with the rows."""

from pathlib import Path

import numpy as np
import optuna
import pytest
import rows_factory as factory
from data_sets_made import several_sets
from judging import judged, made, with_accuracies
from optuna.distributions import FloatDistribution
from optuna.trial import create_trial
from scipy import stats

from analysis.figures.scale import cost_front
from analysis.findings.best_practices import practices
from analysis.findings.comparisons import unmoderated_why
from analysis.findings.family_tests import Judged
from analysis.findings.methods_text import methods_paragraph
from analysis.findings.slopes import models
from analysis.results.rows import load
from analysis.results.table import lines
from analysis.statistics.paired import mean_interval
from analysis.tuning.figures import importances

pytestmark = pytest.mark.long


def test_seeds_needed_are_those_of_all_comparisons_that_found_nothing(tmp_path: Path) -> None:
    """One spreads by 4 points, one by 0.4: the second needs far fewer seeds."""
    study = factory.study(seeds=6, rules=["A", "B"], snapshots=[5])
    wide, narrow = np.array([4, -4, 4, -4, 4, -4.0]), np.array([0.4, -0.4, 0.4, -0.4, 0.4, -0.4])
    values = {"darts-A@5": 70 + wide, "darts-B@5": 70 + narrow, "random-A@5": [70.0] * 6, "random-B@5": [70.0] * 6}
    _, found, said = judged(made(tmp_path, study, with_accuracies(factory.rows(study), values)))
    few, many = sorted(c.needed.value or 0 for c in found.twins.values())
    assert few < many
    assert f"to find 0.2 points would take {few:,} to {many:,} seeds" in said


def test_more_seeds_than_are_tried_are_said_to_be_more(tmp_path: Path) -> None:
    study = factory.study(seeds=3, rules=["A"], snapshots=[5])
    values = {"darts-A@5": [90.0, 10.0, 50.0], "random-A@5": [10.0, 90.0, 52.0]}
    assert (
        "would take more than 100,000 seeds"
        in judged(made(tmp_path, study, with_accuracies(factory.rows(study), values)))[2]
    )


def test_what_is_called_equal_is_not_called_inconclusive(tmp_path: Path) -> None:
    """The 90 % interval lies within a point, the 95 % one does not."""
    primary = {"method": "darts-A", "against": "twins", "at": 5}
    study = factory.study(seeds=8, rules=["A"], snapshots=[5], primary=primary, equivalence_margin=1.0)
    noise = np.array([1, -1, 1, -1, 1, -1, 1, -1.0])
    error = noise.std(ddof=1) / 8**0.5
    shift = 1 - error * (stats.t.isf(0.05, 7) + stats.t.isf(0.025, 7)) / 2
    values = {"darts-A@5": 70 + shift + noise, "random-A@5": [70.0] * 8}
    _, found, said = judged(made(tmp_path, study, with_accuracies(factory.rows(study), values)))
    assert found.primary is not None
    assert found.primary.difference.high > 1
    assert found.primary.verdict == "equal within ±1 points (exploratory)"
    assert not found.primary.inconclusive
    assert "inconclusive" not in said


def test_a_spread_is_called_small_only_where_the_moderated_test_took_it_for_small() -> None:
    """Where that test's own p is the smaller one, Holm's method decided: other comparisons have smaller p still."""
    found = mean_interval([0.5, 1.0, 1.6])
    for raw, why in ((found.p * 1.2, "rests on an unusually small spread"), (found.p * 0.6, "by the t test alone")):
        assert unmoderated_why(Judged(found, 0.04, 0.0525, raw, significant=False)).endswith(why)


def test_equal_accuracies_in_another_order_are_no_difference(tmp_path: Path) -> None:
    """Both sides have the same three trainings a seed: their means differ by rounding alone."""
    rng = np.random.default_rng(0)
    study = factory.study(seeds=6, train=3, rules=["A"], snapshots=[5])
    rows = factory.rows(study)
    for seed in range(6):
        three = rng.normal(70, 1, 3)
        for method, order in (("darts-A@5", [0, 1, 2]), ("baseline", [2, 0, 1])):
            own = [row for row in rows if row["method"] == method and row["seed"] == seed]
            for row, place in zip(own, order, strict=True):
                row["test_accuracy"] = float(three[place])
    _, found, _ = judged(made(tmp_path, study, rows))
    (against,) = found.pairs
    assert against.verdict == "not tested: all 6 differences are equal"


def test_failures_count_in_the_front_of_costs(tmp_path: Path) -> None:
    study = factory.study(seeds=5, rules=["A"], snapshots=[5])
    rows = [factory.failed(row, "diverged") if row["method"] == "darts-A@5" and row["seed"] else row
            for row in factory.rows(study)]  # fmt: skip
    results = load(made(tmp_path, study, rows))
    drawn = cost_front(results, lines(results))
    assert drawn is not None
    mean = dict(zip(drawn.data["row"], drawn.data["accuracy"], strict=True))
    (last,) = (row["test_accuracy"] for row in rows if row["method"] == "darts-A@5" and row["status"] == "done")
    assert mean["darts-A@5"] == pytest.approx((last + 4 * 10) / 5)
    front = dict(zip(drawn.data["row"], drawn.data["front"], strict=True))
    assert front["baseline"]


def test_networks_without_a_twin_s_number_have_a_slope(tmp_path: Path) -> None:
    study = factory.study(seeds=5)
    whole, without = factory.rows(study), [{**row, "twin": None} for row in factory.rows(study)]
    fits = [models(results, lines(results)) for name, rows in (("whole", whole), ("without", without))
            for results in (load(made(tmp_path / name, study, rows)),)]  # fmt: skip
    assert [len(model.points) for model in fits[0]] == [len(model.points) for model in fits[1]]


def test_each_data_set_has_its_number_of_images(tmp_path: Path) -> None:
    data = [{"name": "set0", "train_images": 8000}, {"name": "set1"}]
    results = load(several_sets(tmp_path, [0.1, 0.2], data=data))
    assert "on set0 (8,000 of its training images) and set1." in methods_paragraph(results, lines(results))


def test_zero_cost_candidates_were_not_looked_up(tmp_path: Path) -> None:
    study = factory.study(seeds=5, rules=["A"], snapshots=[5])
    methods = [{"name": "darts-A", "rule": "A", "strategy": "random-search", "twins": 1}]
    text = []
    for score in ("synflow", "train"):
        search = {"strategy": "random-search", "candidates": 20, "score": score}
        changed = {**study, "search": search, "methods": methods, "table": {"name": "nasbench201"}}
        results = load(made(tmp_path / score, changed, factory.rows(study)))
        text.append(methods_paragraph(results, lines(results)))
    assert "Candidates were scored on training images only." in text[0]
    assert "Candidates were looked up." in text[1]


def test_rules_of_methods_with_other_recipes_are_no_ablation(tmp_path: Path) -> None:
    study = factory.study(seeds=5, snapshots=[5])
    said = []
    for name, recipe in (("equal", {}), ("other", {"epochs": 9})):
        methods = [{**one, "recipe": recipe if one["name"] == "darts-B" else {}} for one in study["methods"]]
        results = load(made(tmp_path / name, {**study, "methods": methods}, factory.rows(study)))
        said += [one.done for one in practices(results, lines(results), {}) if "vari" in one.done.lower()]
    assert "2 rules (A, B)" in said[0]
    assert said[1] == "The study varies nothing but the method."


@pytest.mark.parametrize(("together", "noise"), [(True, False), (False, True)])
def test_fields_explain_no_more_than_they_do_alone(together: bool, noise: bool) -> None:
    """Accuracy is a product of two fields, or chance: shares that were made to sum to one would hide it."""
    rng = np.random.default_rng(0)
    span = {name: FloatDistribution(-1.0, 1.0) for name in "ab"}
    study = optuna.create_study(direction="maximize")
    for a, b in rng.uniform(-1, 1, (80, 2)):
        value = 60 + 10 * a * b * together + rng.normal() * noise
        study.add_trial(create_trial(value=value, params={"a": a, "b": b}, distributions=span))
    assert sum(share for (share,) in importances({0: study}).values()) < (0.4 if together else 0.95)
