"""A way from α to weights that does not go with the rest of a method is refused in one line, with the reason."""

import re

import pytest

from harness.errors import BadInput
from harness.plan.methods import merged
from harness.run.checks.study import check_methods
from spaces.registry import load
from tests.studies import TINY, tiny

SPACES = {"shortcut-vgg11": TINY["space_options"], "cell-study1": {}, "nasbench201": {}}
REFUSED = [
    ({"gate": "hard"}, "has sigmoid, softmax, gumbel, dirichlet, exponentiated, uniform"),
    ({"gate": "uniform"}, "learns no α that darts could read; take random-search or evolution with score = 'supernet'"),
    (
        {"gate": "uniform", "strategy": "random-search", "score": "supernet", "order": 2},
        "order = 2 with gate 'uniform'",
    ),
    (
        {"gate": "uniform", "strategy": "evolution", "score": "supernet", "zero_one": 1.0},
        "zero_one with gate 'uniform'",
    ),
    ({"gate": "uniform", "strategy": "tpe", "score": "supernet", "early_stop": True}, "early_stop with gate 'uniform'"),
    ({"gate": "gumbel", "zero_one": 1.0}, "zero_one with gate 'gumbel': its weights are 0 or 1 as they are"),
    ({"gate": "gumbel", "early_stop": True}, "early_stop with gate 'gumbel': the eigenvalue is that of a mixture"),
    ({"gate": "exponentiated", "alpha_weight_decay": 1e-3}, "alpha_weight_decay with gate 'exponentiated'"),
    ({"temperature": [5, 1]}, "search.temperature is of gate 'gumbel', and this one is 'sigmoid'; leave it out"),
]
ACCEPTED = [
    *({"gate": gate, "order": order} for gate in ("sigmoid", "softmax", "gumbel", "dirichlet", "exponentiated")
      for order in (1, 2)),
    {"gate": "uniform", "strategy": "random-search", "score": "supernet"},
    {"gate": "uniform", "strategy": "evolution", "score": "supernet", "warmup_epochs": 1},
    {"gate": "uniform", "strategy": "random-search", "score": "train", "order": 2},  # there is no supernet
    {"gate": "gumbel", "temperature": [5, 1]},
    {"gate": "dirichlet", "zero_one": 1.0, "alpha_weight_decay": 1e-3, "early_stop": True},
    {"gate": "exponentiated", "zero_one": 1.0, "early_stop": True},
]  # fmt: skip


@pytest.mark.parametrize(("search", "says"), REFUSED, ids=str)
def test_what_makes_no_sense_is_refused(search, says):
    study = tiny(method=[{"name": "sought", "search": search}])
    with pytest.raises(BadInput, match=rf"^method 'sought': .*{re.escape(says)}") as refused:
        check_methods(merged(study), load("shortcut-vgg11", SPACES["shortcut-vgg11"]))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("search", ACCEPTED, ids=str)
def test_what_goes_together_is_accepted(space, search):
    method = {"name": "sought", "rule": {"shortcut-vgg11": "B"}.get(space), "search": search}
    study = tiny(space=space, space_options=SPACES[space], method=[method])
    check_methods(merged(study), load(space, SPACES[space]))


@pytest.mark.parametrize("value", [[0, 1], [10], [10, -1], 3])
def test_a_temperature_has_two_positive_ends(value):
    with pytest.raises(BadInput, match="temperature"):
        merged(tiny(method=[{"name": "sought", "search": {"gate": "gumbel", "temperature": value}}]))


@pytest.mark.parametrize("cells", [1, 2])
def test_a_supernet_of_reduction_cells_alone_is_refused(cells: int) -> None:
    """DARTS puts reduction cells at a third and two thirds: of fewer than three cells none is a normal one."""
    options = {"cells": cells}
    says = rf"^method 'sought': .*with cells = {cells} all cells of the supernet are reduction cells, .*cells = 3"
    with pytest.raises(BadInput, match=says):
        check_methods(merged(tiny(space="cell-darts", space_options=options, method=[{"name": "sought"}])),
                      load("cell-darts", options))  # fmt: skip


@pytest.mark.parametrize(("cells", "strategy"), [(3, "darts"), (2, "random")])
def test_what_trains_normal_cells_or_no_supernet_is_accepted(cells: int, strategy: str) -> None:
    options = {"cells": cells}
    study = tiny(space="cell-darts", space_options=options, method=[{"name": "sought", "strategy": strategy}])
    check_methods(merged(study), load("cell-darts", options))
