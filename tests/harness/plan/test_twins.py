"""Twins that share more than the count: their rows, keys and random stream, from the study file to the report."""

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from analysis.findings.collect import findings
from analysis.report import write
from harness.cli import main
from harness.commands import status as status_module
from harness.commands import verify
from harness.errors import BadInput
from harness.plan.jobs import Job, Plan
from harness.plan.keys import SCHEMA
from harness.plan.make import make
from harness.plan.methods import merged
from harness.plan.sources import from_json
from harness.plan.strategies import strategy
from harness.plan.twins import sample_twin
from harness.run.checks.study import check_methods
from harness.storage.rows import latest_rows
from harness.study.load import load_study
from spaces.registry import load
from tests.studies import TINY, as_toml, tiny

pytestmark = pytest.mark.training

SPACE = load("shortcut-vgg11", TINY["space_options"])
OLD = Path(__file__).parents[2] / "data" / "schema-1"


def planned(twins: Any, schema: int = SCHEMA, **more: Any) -> Plan:
    method = [{"name": "darts-A", "rule": "A", "twins": twins, **more.pop("method", {})}, {"name": "baseline"}]
    return make(merged(tiny(method=method, **more)), SPACE.rules, strategy, schema=schema)


def twins_of(plan: Plan) -> list[Job]:
    return [job for job in plan.jobs.values() if job.role == "twin"]


@pytest.mark.parametrize("schema", [1, 2, 3, 4, 5])
def test_a_table_that_asks_for_the_count_alone_is_the_number(schema: int) -> None:
    assert list(planned({"count": 2}, schema).jobs) == list(planned(2, schema).jobs)
    assert list(planned({"match": "count"}, schema).jobs) == list(planned(1, schema).jobs)
    assert tiny(method=[{"name": "a", "twins": {"count": 2, "match": "count"}}]).model_dump()["method"][0]["twins"] == 2


@pytest.mark.parametrize("match", ["targets", "parameters"])
def test_other_twins_have_rows_and_keys_of_their_own_and_the_networks_stay(match: str) -> None:
    counted, matched = planned(1), planned({"match": match})
    assert list(matched.rows) == ["darts-A@1", f"random-A-{match}@1", "darts-A@2", f"random-A-{match}@2", "baseline"]
    both = counted.jobs.keys() & matched.jobs.keys()
    assert not both & {job.key for job in (*twins_of(counted), *twins_of(matched))}
    assert len(both) == len(counted.jobs) - len(twins_of(counted)) == len(matched.jobs) - len(twins_of(matched))


@pytest.mark.parametrize("schema", [1, 2, 3, 4, 5])
def test_the_stream_is_of_study_seed_search_seed_row_and_index_alone(schema: int) -> None:
    """Not of the recipe, the precision or the search's settings; all four decide it."""
    network = SPACE.parse("vgg11 1-3 1-5 2-5 2-6 3-7 4-8 5-8")

    def drawn(**changes: Any) -> dict[tuple[str, int, int], str]:
        found = {}
        for job in twins_of(planned({"count": 2, "match": "targets"}, schema, **changes)):
            source = from_json(json.loads(json.dumps(job.settings["source"])))
            found[job.method, job.seed, job.twin] = str(sample_twin(source, network, job, SPACE))
        return found

    first = drawn()
    assert first == drawn(recipe={**TINY["recipe"], "precision": "bf16", "lr": 0.5, "epochs": 3}, name="other")
    assert first == drawn(search={**TINY["search"], "alpha_lr": 0.5})
    assert len(set(first.values())) == len(first) == 8
    assert not set(first.values()) & set(drawn(seeds={"search": 2, "study": 1}).values())


@pytest.mark.parametrize(
    ("twins", "says"),
    [
        ({"match": "colour"}, "method.0.twins.match takes 'count', 'targets' or 'parameters'"),
        ({"count": -1}, "method.0.twins.count takes numbers from 0 on"),
        ({"number": 3}, "unknown key 'method.0.twins.number'"),
        ("many", "method.0.twins.count takes a whole number"),
    ],
    ids=str,
)
def test_what_twins_cannot_be_is_named(twins: Any, says: str, tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(as_toml({**TINY, "method": [{"name": "darts-A", "twins": twins}]}))
    with pytest.raises(BadInput) as error:
        load_study(str(tmp_path / "study.toml"))
    assert says in str(error.value)


def test_a_match_that_the_space_does_not_offer_is_refused() -> None:
    method = {"name": "cells", "rule": "node-wise", "twins": {"match": "targets"}}
    with pytest.raises(BadInput, match=r"method 'cells': twins.match = 'targets': by rule 'node-wise' this space "
                                       "matches twins in count or parameters"):  # fmt: skip
        check_methods(merged(tiny(space="cell-study1", space_options={}, method=[method])), load("cell-study1"))


def run(study: Path, *more: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(["run", str(study), "--executor", "in-process", "--results", str(study.parent), *more])
    return int(end.value.code or 0)


def written(folder: Path, **changes: Any) -> Path:
    study = folder / "study.toml"
    study.write_text(as_toml({**TINY, "task": "harness.training.formula:stand_in", **changes}))
    return study


def test_a_network_that_nothing_else_matches_has_no_twin_and_the_table_says_so(tmp_path: Path) -> None:
    """One of two: into block 3 leads but one shortcut."""
    methods = [{"name": name, "architecture": text, "twins": {"match": "targets"}}
               for name, text in (("alone", "vgg11 1-3"), ("paired", "vgg11 1-4"))]  # fmt: skip
    assert run(written(tmp_path, method=methods)) == 0
    folder = tmp_path / "tiny"
    rows = [row for row in latest_rows(folder).values() if row["role"] == "twin"]
    assert Counter((row["method"], row["status"], row["architecture"]) for row in rows) == {
        ("random-alone-targets", "unmatched", None): 2, ("random-paired-targets", "done", "vgg11 2-4"): 2,
    }  # fmt: skip
    assert rows[0]["error"] == "no twin: nothing but vgg11 1-3 itself matches it in targets"
    assert "2 unmatched" in status_module.text(status_module.look(folder))
    assert verify.problems(folder) == []
    text = write.numbers(findings(folder))["table.md"]
    assert "2 unmatched" in text
    assert "random twins with as many shortcuts into each block" in text


def test_a_new_folder_takes_rows_of_the_first_schema_over(tmp_path: Path) -> None:
    """Their keys are of that schema, so that a study of today goes on under it."""
    shutil.copytree(OLD, tmp_path / "old")
    kept = latest_rows(tmp_path / "old")
    assert run(tmp_path / "old" / "study.toml", "--set", "name=new", "--reuse", str(tmp_path / "old")) == 0
    found = latest_rows(tmp_path / "old" / "new")
    assert {row["schema"] for row in found.values()} == {1}
    assert {key: row["test_accuracy"] for key, row in found.items()} == {k: r["test_accuracy"] for k, r in kept.items()}
    assert verify.problems(tmp_path / "old" / "new") == []
