"""Settings of a mixture's search that do not go with the rest of a method are refused in one line, with the reason."""

import re

import pytest

from harness.errors import BadInput
from harness.plan.methods import merged
from harness.run.checks.study import check_methods
from spaces.registry import load
from tests.studies import TINY, tiny

OPTIONS = {"shortcut-vgg11": TINY["space_options"], "cell-study1": {"channels": 8}, "nasbench201": {}}
REFUSED = [
    ("shortcut-vgg11", {"partial": 4}, "partial is of cells, whose edges mix operations; shortcut-vgg11: it has"),
    ("shortcut-vgg11", {"edge_normalisation": True}, "edge_normalisation is of cells"),
    ("shortcut-vgg11", {"auxiliary_skip": 1}, "its choices are skip connections themselves, beside which another is"),
    ("cell-study1", {"partial": 3}, "does not divide the supernet's 8 channels; take space_options.channels = 6"),
    ("cell-study1", {"partial": 2, "gate": "gumbel"}, "partial with gate 'gumbel': it trains single paths"),
    ("cell-study1", {"auxiliary_skip": 1, "gate": "gumbel"}, "auxiliary_skip with gate 'gumbel': it trains single"),
    ("cell-study1", {"perturb": 0.3, "gate": "gumbel"}, "perturb with gate 'gumbel': it trains single paths"),
    ("cell-study1", {"perturb": 0.3, "gate": "dirichlet"}, "perturb with gate 'dirichlet': its weights are drawn"),
    ("cell-study1", {"auxiliary_decay": "cosine"}, "auxiliary_decay is of auxiliary_skip, which is 0"),
    ("nasbench201", {"partial": 4, "strategy": "random-search", "score": "supernet"},
     "partial is of strategy 'darts', and this one is 'random-search'"),
    ("nasbench201", {"perturb": 0.3, "strategy": "evolution", "score": "supernet"}, "perturb is of strategy 'darts'"),
]  # fmt: skip
CELLS = ("cell-study1", "nasbench201")
ACCEPTED = [
    *((space, {"partial": 4, "edge_normalisation": True, "gate": gate, "warmup_epochs": 15, "order": order})
      for space in CELLS for gate in ("softmax", "sigmoid", "dirichlet", "exponentiated") for order in (1, 2)),
    *((space, {"auxiliary_skip": 1, "auxiliary_decay": "cosine", "partial": 4, "perturb": 0.3}) for space in CELLS),
    *((space, {"perturb": 0.3, "early_stop": True, "zero_one": 1.0}) for space in OPTIONS),
    ("shortcut-vgg11", {"partial": 4, "strategy": "random-search", "score": "train"}),  # there is no supernet
    ("shortcut-vgg11", {"perturb": 0.3, "strategy": "random-search", "score": "synflow"}),
]  # fmt: skip


def checked(space, search):
    method = {"name": "sought", "rule": {"shortcut-vgg11": "B"}.get(space), "search": search}
    study = tiny(space=space, space_options=OPTIONS[space], method=[method])
    check_methods(merged(study), load(space, OPTIONS[space]))


@pytest.mark.parametrize(("space", "search", "says"), REFUSED, ids=str)
def test_what_makes_no_sense_is_refused(space, search, says):
    with pytest.raises(BadInput, match=rf"^method 'sought': .*{re.escape(says)}") as refused:
        checked(space, search)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("space", "search"), ACCEPTED, ids=str)
def test_what_goes_together_is_accepted(space, search):
    checked(space, search)


@pytest.mark.parametrize(("of_space", "of_method"), [("mine:rule", "edge-wise"), ("node-wise", "mine:rule")])
def test_a_rule_that_reads_alpha_alone_is_refused_with_edge_normalisation(of_space, of_method, monkeypatch):
    monkeypatch.setattr("harness.run.checks.study._check_rule", lambda *_: None)
    study = tiny(space="cell-study1", space_options={"channels": 8},
                 method=[{"name": "sought", "rule": of_method, "search": {"edge_normalisation": True}}])  # fmt: skip
    space = load("cell-study1", {"channels": 8})
    object.__setattr__(space, "rules", ("edge-wise", of_space))
    with pytest.raises(BadInput, match=r"edge_normalisation with rule 'mine:rule': it reads α alone"):
        check_methods(merged(study), space)


@pytest.mark.parametrize("value", [{"perturb": -0.1}, {"perturb": 1.5}, {"partial": 0}, {"auxiliary_skip": -1},
                                   {"auxiliary_decay": "step"}], ids=str)  # fmt: skip
def test_values_out_of_range_are_refused(value):
    with pytest.raises(BadInput, match=next(iter(value))):
        merged(tiny(method=[{"name": "sought", "search": value}]))
