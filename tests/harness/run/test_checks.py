"""What a method asks for is honoured or refused, and methods that are one are named."""

import re
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from harness.errors import BadInput
from harness.plan.make import make
from harness.plan.methods import merged
from harness.plan.strategies import strategy
from harness.run.checks.black_box import random_notes
from harness.run.checks.study import alike, check_methods
from spaces.registry import load
from tests.studies import TINY, as_toml, tiny

SPACE = load("shortcut-vgg11", TINY["space_options"])
WRITTEN = "vgg11 1-3 2-7"


@pytest.mark.parametrize(
    ("method", "says"),
    [
        ({"name": "baseline", "architecture": WRITTEN}, "its architecture would be ignored"),
        ({"name": "baseline", "rule": "A"}, "its rule would be ignored"),
        ({"name": "baseline", "strategy": "random"}, "its strategy would be ignored"),
        ({"name": "baseline", "twins": 1}, "its twins would be ignored"),
        ({"name": "baseline", "search": {"epochs": 3}}, "its search would be ignored"),
        ({"name": "vgg", "strategy": "baseline", "rule": "B"}, "its rule would be ignored"),
        ({"name": "vgg", "search": {"strategy": "baseline"}, "architecture": WRITTEN, "strategy": "random"},
         "its strategy would be ignored"),
        ({"name": "written", "architecture": WRITTEN, "search": {"epochs": 3}}, "its search would be ignored"),
        ({"name": "written", "architecture": WRITTEN, "search": {"strategy": "evolution"}}, "its search would be ign"),
        ({"name": "drawn", "strategy": "random", "search": {"epochs": 3}}, "its search would be ignored"),
        ({"name": "written", "strategy": "given"}, "strategy 'given' trains an architecture; give it one"),
        ({"name": "random"}, "its name is a strategy's, but it is not by random"),
        ({"name": "evolution", "strategy": "random-search"}, "but it is not by evolution"),
        ({"name": "darts", "architecture": WRITTEN}, "but it is not by darts"),
    ],
    ids=str,
)  # fmt: skip
def test_what_would_be_ignored_is_refused(method: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput, match=rf"^method '{method['name']}': .*{re.escape(says)}"):
        check_methods(merged(tiny(method=[method])), SPACE)


@pytest.mark.parametrize(
    "method",
    [
        {"name": "baseline"},
        {"name": "baseline", "strategy": "baseline"},
        {"name": "vgg", "strategy": "baseline"},
        {"name": "written", "architecture": WRITTEN, "rule": "A", "twins": 1},
        {"name": "given", "architecture": WRITTEN, "strategy": "given"},
        {"name": "random", "strategy": "random", "rule": "B"},
        {"name": "drawn", "search": {"strategy": "random"}},
        {"name": "darts", "rule": "A", "search": {"epochs": 3}},
        {"name": "evolution", "strategy": "evolution", "search": {"candidates": 3}},
    ],
    ids=str,
)
def test_what_is_read_is_taken(method: dict[str, Any]) -> None:
    check_methods(merged(tiny(method=[method])), SPACE)


def test_methods_with_equal_settings_are_named() -> None:
    methods = [{"name": "a", "rule": "A"}, {"name": "b", "rule": "A", "twins": 1}, {"name": "c", "rule": "B"},
               {"name": "d", "rule": "A", "recipe": {"lr": 0.03}}, {"name": "vgg", "strategy": "baseline"},
               {"name": "baseline"}]  # fmt: skip
    plan = make(merged(tiny(method=methods)), SPACE.rules, strategy)
    assert alike(plan) == [("a", "b"), ("vgg", "baseline")]


@pytest.mark.parametrize(("strategy", "candidates", "said"), [
    ("tpe", 20, "method 'm' is random search: tpe samples its first 20 queries uniformly (search.startup), and has"),
    ("tpe", 21, ""), ("nsga2", 4, "(search.population), and has 4 in all"), ("random-search", 4, ""),
])  # fmt: skip
def test_a_search_that_never_gets_beyond_its_first_queries_is_named(strategy: str, candidates: int, said: str) -> None:
    study = tiny(method=[{"name": "m", "strategy": strategy, "search": {"candidates": candidates}}])
    notes = list(random_notes(merged(study).methods))
    assert len(notes) == bool(said)
    assert said in "".join(notes)


def test_the_command_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = tmp_path / "s.toml"
    values = {**TINY, "task": "harness.training.formula:stand_in", "seeds": {"search": 1}}
    study.write_text(as_toml({**values, "method": [{"name": "baseline"}, {"name": "vgg", "strategy": "baseline"}]}))
    with pytest.raises(SystemExit) as end:
        main(["run", str(study), "--results", str(tmp_path), "--executor", "in-process"])
    assert end.value.code == 0
    err = capsys.readouterr().err
    assert err.count("nas-harness: methods baseline and vgg have equal settings: their trials are the same\n") == 1
