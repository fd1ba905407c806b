"""The best of several searches: which networks it chooses among, what it costs, and what it is compared with."""

import json
from pathlib import Path
from typing import Any

import pytest

from analysis.findings.comparisons import compared
from analysis.report.tables import results as tables
from analysis.results.rows import load as load_results
from analysis.results.table import lines
from harness.commands.verify_labels import misplaced
from harness.errors import BadInput
from harness.plan.jobs import Plan, as_json, described
from harness.plan.keys import SCHEMA
from harness.plan.make import make
from harness.plan.methods import merged
from harness.plan.sources import as_json as source_json
from harness.plan.sources import from_json
from harness.plan.strategies import strategy
from harness.run.checks.study import check_methods
from harness.storage.rows import latest_rows
from spaces.registry import load
from tests.driven import ran
from tests.planted import value
from tests.studies import TINY, as_toml, tiny

SPACE = load("shortcut-vgg11", TINY["space_options"])
SEARCHES = """
name = "driven"
space = "shortcut-vgg11"
task = "tests.planted:ranked"
data = { name = "digits", image_size = 32 }
seeds = { search = 5 }
search = { epochs = 2, snapshots = [1, 2] }
recipe = { epochs = 2, lr = 1e-6 }
space_options = { width = 0.125 }

[[method]]
name = "darts-A"
rule = "A"
twins = 1
best_of = { searches = 2, epochs = 1 }

[[method]]
name = "darts-B"
rule = "B"
best_of = 2

[[method]]
name = "baseline"
"""


def planned(searches: int = 4, schema: int = SCHEMA, recipe: Any = None, **method: Any) -> Plan:
    methods = [{"name": "darts-A", "rule": "A", **method}, {"name": "baseline"}]
    study = tiny(seeds={"search": searches}, method=methods, **({"recipe": recipe} if recipe else {}))
    return make(merged(study), SPACE.rules, strategy, schema=schema)


@pytest.mark.parametrize("schema", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("twins", [0, 2])
def test_a_row_more_leaves_every_other_job_as_it_is(schema: int, twins: int) -> None:
    without, with_ = planned(twins=twins, schema=schema), planned(twins=twins, best_of=2, schema=schema)
    assert without.jobs.items() <= with_.jobs.items()
    more = [job for key, job in with_.jobs.items() if key not in without.jobs]
    assert {job.kind for job in more} == {"score", "train"}
    networks = 2 * (1 + twins)  # snapshots, each with its twins
    assert sum(job.kind == "score" for job in more) == 4 * networks
    assert sum(job.kind == "train" for job in more) == 2 * networks


def test_the_rows_stand_beside_those_of_the_mean() -> None:
    plan = planned(twins=1, best_of=4)
    assert [(row.method, row.twin, row.best_of) for row in plan.rows.values() if row.role != "twin"] == [
        ("darts-A@1", "random-A@1", None), ("darts-A@2", "random-A@2", None),
        ("darts-A-best-of-4@1", "random-A-best-of-4@1", 4), ("darts-A-best-of-4@2", "random-A-best-of-4@2", 4),
        ("baseline", None, None)]  # fmt: skip
    assert "best_of" not in as_json(plan.rows["darts-A@1"])
    assert as_json(plan.rows["darts-A-best-of-4@1"])["best_of"] == 4


@pytest.mark.parametrize(("searches", "groups"), [(2, 1), (3, 1), (4, 2), (5, 2)])
def test_only_whole_groups_count(searches: int, groups: int) -> None:
    plan = planned(searches, best_of=2)
    best = [job for job in plan.jobs.values() if job.method == "darts-A-best-of-2@1"]
    assert [job.seed for job in best] == list(range(groups))
    assert [[plan.jobs[key].seed for key in job.needs] for job in best] == [[0, 1], [2, 3]][:groups]


def test_its_trainings_follow_the_methods_recipe_and_hold_images_out() -> None:
    recipe = {**TINY["recipe"], "epochs": 7, "lr": 0.3}
    for spec, epochs in ((2, 7), ({"searches": 2, "epochs": 3}, 3)):
        scores = [job for job in planned(recipe=recipe, best_of=spec).jobs.values() if job.kind == "score"]
        assert {job.settings["search"]["score_epochs"] for job in scores} == {epochs}
        assert {job.settings["search"]["alpha_portion"] for job in scores} == {0.5}
        assert {job.settings["recipe"]["lr"] for job in scores} == {0.3}


def test_a_tuned_recipe_also_chooses() -> None:
    tuning = {"name": "rate", "trials": 2, "startup_trials": 1, "ranges": {"lr": {"low": 0.01, "high": 0.1}}}
    methods = [{"name": "darts-A", "rule": "A", "best_of": 2, "recipe": {"tuned": "rate"}}]
    plan = make(merged(tiny(method=methods, tuning=[tuning])), SPACE.rules, strategy)
    trials = [job.key for job in plan.jobs.values() if job.kind == "tune"]
    scores = [job for job in plan.jobs.values() if job.kind == "score"]
    assert [job.settings["recipe_from"] for job in scores] == [trials] * 4
    assert all({*trials} < {*job.needs} for job in scores)


@pytest.mark.parametrize("match", ["count", "targets"])
def test_where_a_twin_comes_from_is_kept_in_its_row(match: str) -> None:
    plan = planned(twins={"count": 2, "match": match}, best_of=2)
    twins = [job for job in plan.jobs.values() if job.role == "twin" and "best-of" in job.method]
    assert {(job.seed, job.twin) for job in twins} == {(group, index) for group in (0, 1) for index in (0, 1)}
    for job in twins:
        source = json.loads(json.dumps(job.settings["source"]))
        assert source_json(from_json(source)) == source
        assert source.get("match", "count") == match
        assert {plan.jobs[key].settings["source"]["twin"] for key in job.needs} == {job.twin}
        own = plan.jobs[job.pair or ""]
        assert (own.method, own.seed, own.role) == (job.twin_of, job.seed, "method")
        assert list(misplaced(described(job), job)) == []


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Accuracy there depends on the network alone, so that which one is best is known."""
    path = tmp_path_factory.mktemp("best")
    assert ran(path, study=SEARCHES)[0] == 0
    return path / "driven"


@pytest.mark.long
@pytest.mark.training
def test_the_best_network_of_each_group_is_trained_anew(folder: Path) -> None:
    rows = [row for row in latest_rows(folder).values() if row["kind"] == "train"]

    def networks(method: str) -> dict[int, str]:
        return {row["seed"]: row["architecture"] for row in rows if row["method"] == method}

    for at in (1, 2):
        for name in (f"darts-A{{}}@{at}", f"darts-B{{}}@{at}", f"random-A{{}}@{at}"):
            single, best = networks(name.format("")), networks(name.format("-best-of-2"))
            assert best == {group: max(single[2 * group], single[2 * group + 1], key=value) for group in (0, 1)}


@pytest.mark.long
@pytest.mark.training
def test_the_table_has_its_n_and_all_that_it_cost(folder: Path) -> None:
    results = load_results(folder)
    table = {line.method: line for line in lines(results)}
    single, best = table["darts-A@2"], table["darts-A-best-of-2@2"]
    assert (single.cells["accuracy"].n, best.cells["accuracy"].n, best.best_of) == (5, 2, 2)
    spent = {row["key"]: row for row in latest_rows(folder).values()}
    own = [row for row in spent.values() if row["method"] == "darts-A-best-of-2@2"]
    for row in own:
        scores = [spent[key] for key in row["needs"]]
        searches = {key for score in scores for key in score["needs"]}
        assert (len(scores), len(searches), {score["epochs"] for score in scores}) == (2, 2, {1})
    searched = sum(row["device_seconds"] for row in spent.values() if row["kind"] == "search" and row["seed"] < 4)
    assert best.spent["search"].mean == pytest.approx(searched / 2)
    assert {"search", "score", "train"} <= best.spent.keys()
    note = tables.results(list(table.values())).note
    assert "never in its place" in note
    assert "never in its place" not in tables.results([single]).note


@pytest.mark.long
@pytest.mark.training
def test_it_is_compared_with_its_like_alone(folder: Path) -> None:
    results = load_results(folder)
    found = compared(results, lines(results))
    pairs = [(one.method, one.against) for one in (*found.pairs, *found.gains)]
    apart = [pair for pair in pairs if ("best-of" in pair[0]) != ("best-of" in pair[1])]
    assert apart
    assert {pair[1] for pair in apart} == {"baseline"}
    assert ("darts-A-best-of-2@2", "darts-B-best-of-2@2") in pairs
    twins = found.twins["darts-A-best-of-2@2"]
    assert (twins.against, twins.difference.n, twins.missing) == ("random-A-best-of-2@2", 2, 0)


@pytest.mark.slow
@pytest.mark.training
def test_real_trainings_choose_by_the_validation_split(tmp_path: Path) -> None:
    """By other images than they train on, and than the search trained its weights on."""
    real = {**TINY, "name": "driven", "seeds": {"search": 2}, "search": {"epochs": 1, "alpha_lr": 0.05},
            "recipe": {**TINY["recipe"], "nesterov": True, "label_smoothing": 0.1},
            "method": [{"name": "darts-A", "rule": "A", "twins": 1, "best_of": 2}]}  # fmt: skip
    assert ran(tmp_path, study=as_toml(real))[0] == 0
    rows = latest_rows(tmp_path / "driven")
    for method in ("darts-A-best-of-2@1", "random-A-best-of-2@1"):
        (chosen,) = [row for row in rows.values() if row["method"] == method]
        scores = [rows[key] for key in chosen["needs"]]
        best = max(scores, key=lambda row: row["val_accuracy"] or 0.0)
        assert chosen["architecture"] == best["architecture"]
        assert chosen["val_accuracy"] is None
        assert all(row["test_accuracy"] is None for row in scores)
        searches = [rows[key] for score in scores for key in score["needs"]]
        assert [row["split"] for row in scores] == [row["split"] for row in searches]


@pytest.mark.parametrize(("changes", "says"), [
    ({"seeds": {"search": 3}}, "best_of = 4 chooses among as many searches; set seeds.search = 4 or a multiple"),
    ({"looks": (4, 8)}, "best_of takes whole groups of searches, while looks add seed after seed"),
    ({"method": [{"name": "baseline", "best_of": 4}]}, "so that its best_of would be ignored"),
    ({"method": [{"name": "a", "architecture": "vgg11 1-3", "best_of": 4}]}, "so that its best_of would be ignored"),
    ({"method": [{"name": "a", "best_of": 1}]}, "the best of one search is that search"),
    ({"method": [{"name": "a", "best_of": {"epochs": 3}}]}, "the best of one search is that search"),
    ({"method": [{"name": "a", "best_of": True}]}, "best_of.searches takes a whole number"),
    ({"recipe": {**TINY["recipe"], "scheduler": {"warmup_epochs": 1}},
      "method": [{"name": "a", "best_of": {"searches": 4, "epochs": 1}}]},
     "recipe.scheduler.warmup_epochs = 1 leaves none of 1 epochs to the schedule"),
])  # fmt: skip
def test_what_chooses_nothing_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        check_methods(
            merged(tiny(**{"seeds": {"search": 4}, "method": [{"name": "a", "best_of": 4}], **changes})), SPACE
        )


def test_two_methods_cannot_share_a_row() -> None:
    methods = [{"name": "darts-A", "rule": "A", "best_of": 2}, {"name": "darts-A-best-of-2", "rule": "A"}]
    with pytest.raises(BadInput, match="the table row 'darts-A-best-of-2@1' would hold both"):
        make(merged(tiny(method=methods)), SPACE.rules, strategy)
