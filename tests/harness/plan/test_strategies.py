"""Every strategy on every space that it can run on; genetic search's history; what the rows say of all of them."""

import gc
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import BadInput
from harness.plan.make import make
from harness.plan.methods import merged
from harness.plan.resolve import best, resolve
from harness.plan.strategies import Found, Request, strategy, supernet
from harness.run import in_process
from harness.run.admission import Shares
from harness.run.prepare import prepare
from harness.run.session import Session, run
from harness.seeding import stream
from harness.storage.rows import latest_rows, read_rows
from harness.study.schema import Study
from harness.study.validation import validated
from spaces.registry import SPACES, load
from tests.studies import as_toml, tiny

ARCHITECTURES = {
    "shortcut-vgg11": "vgg11 1-3 2-8",
    "shortcut-vgg13": "vgg13 1-3 2-10",
    "shortcut-vgg16": "vgg16 1-3 2-13",
    "shortcut-vgg19": "vgg19 1-3 2-16",
    "cell-study1": "cells inputs=1 concat=3,4,5 normal=0>1:conv_3x3,1>3:skip_connect",
    "cell-study1-two-inputs": "cells inputs=2 concat=4,5,6 normal=0>2:conv_3x3,1>4:skip_connect,2>6:max_pool_3x3",
    "cell-study1-reduction": "cells inputs=1 concat=3,4,5 normal=0>3:conv_3x3 reduction=0>4:avg_pool_3x3",
    "nasbench201": "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_1x1~1|none~2|",
    "cell-darts": "Genotype(normal=[('sep_conv_3x3', 0), ('skip_connect', 1)] * 4, normal_concat=range(2, 6), "
                  "reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1)] * 4, reduce_concat=range(2, 6))",
}  # fmt: skip
SEARCHES = {"candidates": 3, "population": 2, "lag": 1, "score_epochs": 1}


def values(name):
    """A study of all strategies on one space."""
    shortcuts = name.startswith("shortcut")
    small = {"width": 0.0625} if shortcuts else {"channels": 4, "train_channels": 4, "cells": 3, "train_cells": 3}
    if name == "nasbench201":
        small |= {"cells": 1, "train_cells": 1}
    if name.startswith("cell-study1"):
        small = {"channels": 4, "cells": 3}
    rule = {"shortcut": "B", "cell-darts": "darts-top2", "nasbench201": "edge-wise"}.get(
        "shortcut" if shortcuts else name, "node-wise"
    )
    methods = [
        {"name": "darts", "rule": rule, "twins": 1},
        {"name": "drawn", "strategy": "random", "rule": rule},
        {"name": "rs-train", "strategy": "random-search", "rule": rule},
        {"name": "rs-supernet", "strategy": "random-search", "rule": rule, "search": {"score": "supernet"}},
        {"name": "ga-train", "strategy": "evolution", "rule": rule},
        {"name": "ga-supernet", "strategy": "evolution", "rule": rule, "search": {"score": "supernet"}},
        {"name": "given", "architecture": ARCHITECTURES[name].replace(" * 4", "")},
        *([{"name": "baseline"}] if shortcuts else []),
    ]
    return {
        "name": "all", "space": name, "space_options": small, "seeds": {"search": 1}, "method": methods,
        "data": {"name": "digits", "train_images": 32, "test_images": 16, **({"image_size": 32} if shortcuts else {})},
        "search": {"epochs": 1, **SEARCHES},
        "recipe": {"epochs": 1, "batch_size": 16, "lr": 0.02, "augment": "crop", "precision": "fp32"},
    }  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _what_is_imported_is_no_garbage():
    """Trials collect garbage, and there are hundreds of them here."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="module", params=SPACES)
def finished(request, tmp_path_factory):
    """(the plan, its rows by key) after all strategies have run on one space."""
    study = validated(Study, values(request.param), "all")
    prepared = prepare(study, tmp_path_factory.mktemp("all"), None, False, "cpu")
    assert run(prepared, Session(in_process.run, Shares({}, {}), "cpu", None, "test")) == 0
    return prepared, latest_rows(prepared.folder)


@pytest.mark.training
def test_every_strategy_runs_on_every_space(finished):
    prepared, rows = finished
    assert rows.keys() == prepared.plan.jobs.keys()
    assert {row["status"] for row in rows.values()} == {"done"}
    strategies = {"darts@1", "random-darts@1", "drawn", "rs-train", "rs-supernet", "ga-train", "ga-supernet", "given"}
    expected = strategies | ({"baseline"} if prepared.space.baseline() else set())
    assert Counter(row["method"] for row in rows.values() if row["kind"] == "train") == dict.fromkeys(expected, 1)
    assert set(prepared.plan.rows) == expected


@pytest.mark.training
def test_one_supernet_serves_the_search_and_all_scores_inside_it(finished):
    _, rows = finished
    (search,) = [row for row in rows.values() if row["kind"] == "search"]
    inside = [
        row for row in rows.values() if row["kind"] == "score" and row["settings"]["search"]["score"] == "supernet"
    ]
    assert len(inside) == 2 * SEARCHES["candidates"]
    assert all(search["key"] in row["needs"] for row in inside)


@pytest.mark.training
def test_scores_are_of_the_validation_split_and_the_best_is_trained(finished):
    prepared, rows = finished
    scores = {key: row for key, row in rows.items() if row["kind"] == "score"}
    assert all(row["val_accuracy"] is not None and row["test_accuracy"] is None for row in scores.values())
    for method in ("rs-train", "rs-supernet", "ga-train", "ga-supernet"):
        keys = [key for key, job in prepared.plan.jobs.items() if job.kind == "score" and job.method == method]
        (trained,) = [row for row in rows.values() if row["kind"] == "train" and row["method"] == method]
        assert trained["architecture"] == scores[best(keys, rows)]["architecture"]
        assert trained["val_accuracy"] is None


@pytest.mark.training
def test_rows_tell_each_generations_time_and_memory(finished):
    _, rows = finished
    generations = {}
    for row in rows.values():
        if row["kind"] == "score" and "evolve" in row["settings"]["source"]:
            source = row["settings"]["source"]
            generations.setdefault(source["index"] // source["evolve"]["population"], []).append(row)
    assert {number: len(found) for number, found in generations.items()} == {0: 4, 1: 2}
    for found in generations.values():
        assert all(row["device_seconds"] > 0 and row["peak_memory_bytes"] > 0 for row in found)


@pytest.mark.training
def test_a_given_architecture_is_trained_as_it_is(finished):
    prepared, rows = finished
    (row,) = [row for row in rows.values() if row["method"] == "given"]
    text = next(method.architecture for method in prepared.study.method if method.architecture)
    assert row["architecture"] == str(prepared.space.parse(text))


def test_cells_have_no_baseline(tmp_path):
    study = {**values("cell-study1"), "method": [{"name": "baseline"}]}
    with pytest.raises(BadInput, match="cell-study1 has no baseline"):
        prepare(validated(Study, study, "all"), tmp_path, None, False, "cpu")


@pytest.mark.training
def test_a_cell_that_fell_apart_is_a_row_that_says_what_was_cut_off_and_costs_nothing(tmp_path):
    text = "cells inputs=1 concat=3,4,5 normal=0>1:conv_3x3,2>3:skip_connect"
    method = {"name": "apart", "architecture": text, "rule": "edge-wise", "twins": 1}
    study = validated(Study, {**values("cell-study1"), "method": [method]}, "all")
    prepared = prepare(study, tmp_path, None, False, "cpu")
    assert run(prepared, Session(in_process.run, Shares({}, {}), "cpu", None, "test")) == 0
    rows = {row["role"]: row for row in read_rows(prepared.folder)}
    assert {row["status"] for row in rows.values()} == {"disconnected"}
    assert "none of the concatenated nodes 3, 4, 5 is reached" in rows["method"]["error"]
    assert (rows["method"]["shortcuts"], rows["method"]["seconds"]) == (1, 0)
    assert rows["twin"]["error"].startswith("no twin")


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.training
def test_every_kind_of_job_on_ray(tmp_path):
    study = {
        **values("shortcut-vgg11"),
        "tuning": [{"name": "tpe", "trials": 2, "startup_trials": 1, "ranges": {"lr": {"low": 0.01, "high": 0.02}}}],
        "method": [
            {"name": "darts", "rule": "B", "twins": 1, "recipe": {"tuned": "tpe"}},
            {"name": "rs-train", "strategy": "random-search", "rule": "B"},
            {"name": "ga-supernet", "strategy": "evolution", "rule": "B", "search": {"score": "supernet"}},
        ],
    }
    (tmp_path / "all.toml").write_text(as_toml(study))
    command = [sys.executable, "-m", "harness", "run", tmp_path / "all.toml", "--results", tmp_path, "--cpus", "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=550)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in (tmp_path / "all" / "trials.jsonl").read_text().splitlines()]
    assert Counter(row["kind"] for row in rows) == {"search": 1, "train": 4, "score": 6, "tune": 2}
    assert {row["status"] for row in rows} == {"done"}


# --- genetic search: the rows before a candidate decide it


def evolved(seed=0, completion=0, forget=None, **search):
    """Architectures of the candidates in their order, when what can run ends in an order drawn from `completion`.

    Fitness is drawn from the architecture's text; `forget` names a candidate that fails.
    """
    spec = {"candidates": 14, "population": 5, "lag": 3, **search}
    study = validated(Study, {**values("shortcut-vgg11"), "search": spec, "seeds": {"search": 1, "study": seed},
                              "method": [{"name": "ga", "strategy": "evolution", "rule": "A"}]}, "evolved")  # fmt: skip
    space, rng, rows, most = load(study.space), Random(completion), {}, 0
    left = {key: job for key, job in make(merged(study), space.rules, strategy).jobs.items() if job.kind == "score"}
    while left:
        ready = [key for key, job in left.items() if all(need in rows for need in job.needs)]
        most = max(most, len(ready))
        job = left.pop(rng.choice(ready))
        text = resolve(job, rows, space)["architecture"]
        failed = job.settings["source"]["index"] == forget
        fitness = None if failed else stream(0, 0, text) % 1000 / 10
        rows[job.key] = {"architecture": text, "val_accuracy": fitness, "index": job.settings["source"]["index"]}
    assert most == spec["lag"]
    return [row["architecture"] for row in sorted(rows.values(), key=lambda row: row["index"])]


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 10_000))
def test_evolution_has_one_history_whatever_ends_first(completion):
    assert evolved(completion=completion) == evolved()


def test_another_seed_is_another_history():
    assert evolved(seed=1) != evolved()


def test_a_candidate_depends_on_results_up_to_the_lag_alone():
    whole, without = evolved(), evolved(forget=7)
    assert without[:10] == whole[:10]
    assert without[10:] != whole[10:]


def test_candidates_are_all_different_and_the_first_are_even_draws():
    assert len(set(evolved())) == 14
    drawn = evolved(candidates=5, population=5)
    assert evolved()[:5] == drawn


def test_no_candidate_scored_is_a_row_that_says_so():
    with pytest.raises(Exception, match="none of the candidates was scored"):
        best(["a"], {"a": {"status": "failed", "val_accuracy": None}})


# --- what a table, or another strategy, has been asked


@pytest.mark.parametrize(("score", "schema", "seeds"), [
    ("train", 5, (0,)), ("supernet", 5, ()), ("supernet", 4, (0,)),
])  # fmt: skip
def test_a_table_was_asked_where_it_gave_the_scores(score, schema, seeds):
    """A network that its scores inside a supernet chose is judged by all of the table's runs."""
    method = [{"name": "rs", "strategy": "random-search", "search": {"candidates": 2, "score": score}}]
    study = tiny(space="nasbench201", space_options={}, method=method, table={"name": "nasbench201"},
                 search={"gate": "uniform"} if score == "supernet" else {}, seeds={"search": 1})  # fmt: skip
    space, rows = load(study.space), {}
    jobs = make(merged(study), space.rules, strategy, schema=schema).jobs
    for key, job in jobs.items():
        found = resolve(job, rows, space)
        accuracy = stream(0, 0, found.get("architecture", "")) % 1000 / 10
        rows[key] = {"status": "done", "role": job.role, "seed": 0, "settings": job.settings, "snapshots": {"1": {}},
                     "val_accuracy": accuracy, "architecture": found.get("architecture")}  # fmt: skip
    (trained,) = (job for job in jobs.values() if job.kind == "train")
    assert resolve(trained, rows, space)["seen_at"] == seeds


@pytest.mark.parametrize("schema", [4, 5])
def test_one_random_network_is_not_the_first_candidate_of_searches(schema):
    method = [{"name": "one", "strategy": "random", "rule": "A"},
              {"name": "many", "strategy": "random-search", "rule": "A", "search": {"candidates": 2}}]  # fmt: skip
    space = load("shortcut-vgg19")
    study = tiny(space="shortcut-vgg19", space_options={}, method=method, seeds={"search": 3})
    jobs = make(merged(study), space.rules, strategy, schema=schema).jobs.values()
    found = {(job.seed, job.kind, job.settings["source"].get("index")): resolve(job, {}, space)["architecture"]
             for job in jobs if not job.needs}  # fmt: skip
    same = [found[seed, "train", None] == found[seed, "score", 0] for seed in range(3)]
    assert same == [schema == 4] * 3
    assert len({found[seed, "train", None] for seed in range(3)}) == 3, "each seed has its own"


def searching(ask: Request) -> Iterator[Found]:
    key = supernet(ask)
    yield Found(ask.method, {"read": key, "rule": ask.rule, "epoch": ask.search.epochs}, (key,), ask.rule)


def drawing(ask: Request) -> Iterator[Found]:
    yield Found(ask.method, {"baseline": True}, (), ask.rule)


@pytest.mark.parametrize(("own", "images"), [(searching, 96), (drawing, 0)])
def test_a_strategy_from_outside_has_its_images_beside_a_table_where_it_trains(own, images, tmp_path):
    (tmp_path / "mine.csv").write_text("architecture,data,run,accuracy\nvgg11,digits,0,77.0\n")
    study = tiny(search={"strategy": f"{__name__}:{own.__name__}", "epochs": 1}, method=[{"name": "it", "rule": "A"}],
                 table={"name": str(tmp_path / "mine.csv")})  # fmt: skip
    assert len(prepare(study, tmp_path, None, False, "cpu").sets[0].train) == images
