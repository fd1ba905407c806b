"""What is said of a setting of the wrong kind: the field, what it takes and how it is written."""

import re
from typing import Any

import pytest

from harness.errors import BadInput
from harness.plan.methods import merged
from harness.run.prepare import open_space
from harness.study.load import load_study
from tests.studies import TINY, as_toml, tiny

FOREIGN = re.compile(r"Input should|instance of|valid (dictionary|tuple|integer|string)|not supported|unpack|__|Error|"
                     r"unexpected keyword|Field required|object is not|NoneType|has no attribute")  # fmt: skip
RANGE = "as in lr = { low = 0.001, high = 0.1 }"


def tuned(ranges: Any) -> dict[str, Any]:
    return {"tuning": [{"name": "t", "trials": 2, "ranges": ranges}]}


SETTINGS: dict[str, tuple[dict[str, Any], str]] = {
    "a number for a range": (tuned({"lr": 0.1}), f"tuning.0.ranges.lr takes a table, {RANGE} (given: 0.1)"),
    "a list for a range": (tuned({"lr": [0.1, 0.2]}), f"tuning.0.ranges.lr takes a table, {RANGE}"),
    "a text for a range": (tuned({"scheduler.gamma": "0.1-0.9"}), RANGE),
    "a list for ranges": (tuned([0.1]), "tuning.0.ranges takes a table, as in ranges = { lr = { low"),
    "a text for low": (tuned({"lr": {"low": "small", "high": 1}}), "tuning.0.ranges.lr.low takes a number"),
    "a text for choices": (tuned({"augment": {"choices": 3}}), "choices takes a list, as in choices = [16, 32]"),
    "a number for when": (tuned({"lr": {"low": 0.1, "high": 1, "when": 3}}),
                          'as in when = { "scheduler.kind" = "step" }'),
    "a text for a recipe": ({"recipe": "fast"}, "recipe takes a table, as in recipe = { lr = 0.1 }"),
    "a text for a schedule": ({"recipe": {"scheduler": "cosine"}},
                              'recipe.scheduler takes a table, as in scheduler = { kind = "cosine" }'),
    "a number for data": ({"data": 10}, 'data takes a table, as in data = { name = "digits" }'),
    "a number for seeds": ({"seeds": 3}, "seeds takes a table, as in seeds = { search = 3 }"),
    "a text for a search": ({"search": "darts"}, "search takes a table, as in search = { epochs = 20 }"),
    "a number for snapshots": ({"search": {"epochs": 2, "snapshots": 2}}, "as in snapshots = [10, 20]"),
    "texts for snapshots": ({"search": {"snapshots": ["last"]}}, "search.snapshots takes a list of numbers, as in"),
    "numbers as texts in a list": ({"looks": ["2", "3"]}, "looks takes a list of numbers, as in looks = [3, 5, 10]"),
    "a number as text": ({"recipe": {"lr": "0.1"}}, 'recipe.lr takes a number, as in lr = 0.1 (given: "0.1")'),
    "a whole number as text": ({"seeds": {"search": "3"}}, "seeds.search takes a whole number, as in search = 3"),
    "yes for true": ({"recipe": {"nesterov": "yes"}}, "recipe.nesterov takes true or false, as in nesterov = true"),
    "1 for true": ({"test_curve": 1}, "test_curve takes true or false, as in test_curve = true (given: 1)"),
    "true for a number": ({"recipe": {"epochs": True}}, "recipe.epochs takes a whole number, as in epochs = 3"),
    "a number as text in a method": ({"method": [{"name": "m", "recipe": {"lr": "0.1"}}]}, "lr takes a number"),
    "a sum of no file": ({"recipe": {"pretrained_sha256": "ab"}}, "of the file that pretrained names"),
    "twins to match, and none": ({"method": [{"name": "m", "rule": "A", "twins": {"count": 0, "match": "targets"}}]},
                                 "match = 'targets' is of twins, and count = 0 leaves them out"),
    "one beta": ({"search": {"alpha_betas": [0.9]}},
                 "search.alpha_betas.1 is missing, as in alpha_betas = [0.5, 0.999]"),
    "a number for betas": ({"search": {"alpha_betas": 0.9}}, "as in alpha_betas = [0.5, 0.999]"),
    "a table for an integer": ({"recipe": {"epochs": {"low": 1}}},
                               "recipe.epochs takes a whole number, as in epochs = 3"),
    "half an epoch": ({"recipe": {"epochs": 2.5}}, "recipe.epochs takes a whole number, as in epochs = 3 (given: 2.5)"),
    "words for a rate": ({"recipe": {"lr": "fast"}}, "recipe.lr takes a number, as in lr = 0.1"),
    "an unknown schedule": ({"recipe": {"scheduler": {"kind": "linear"}}},
                            "recipe.scheduler.kind takes 'step', 'cosine' or 'constant'"),
    "an unknown order": ({"search": {"order": 3}}, "search.order takes 1 or 2"),
    "a number for a name": ({"name": 3}, 'name takes a text, as in name = "…"'),
    "words for yes": ({"test_curve": "perhaps"}, "test_curve takes true or false, as in test_curve = true"),
    "a table for methods": ({"method": {"name": "baseline"}},
                            'method takes a list, as in [[method]] and below it name = "b'),
    "a text for a method": ({"method": ["baseline"]},
                            'method.0 takes a table, as in [[method]] and below it name = "b'),
    "a method without a name": ({"method": [{"rule": "A"}]}, "method.0.name is missing"),
    "a list for a primary": ({"primary": ["darts-A"]}, "primary takes a table, as in primary = { method ="),
    "a word for looks": ({"looks": "often"}, "looks takes a list, as in looks = [3, 5, 10]"),
    "a list for a tuning's name": ({"recipe": {"tuned": ["t"]}}, "recipe.tuned takes a text"),
    "a list in a method": ({"method": [{"name": "m", "recipe": {"tuned": ["t"]}}]},
                           "recipe.tuned = '['t']' is no [[tuning]]"),
    "a method's schedule": ({"method": [{"name": "m", "recipe": {"scheduler": "step"}}]}, "scheduler takes a table"),
    "a method's search": ({"method": [{"name": "m", "search": {"recipe": 3}}]}, "recipe takes a table"),
    "a word for options": ({"space_options": "small"},
                           "space_options takes a table, as in space_options = { width = 0.1"),
    "a long text": ({"recipe": "x" * 5000}, "xxx…"),
}  # fmt: skip


@pytest.mark.parametrize("what", SETTINGS)
def test_a_setting_of_another_kind_is_named_with_what_it_takes(what: str) -> None:
    changes, says = SETTINGS[what]
    with pytest.raises(BadInput) as error:
        merged(tiny(**changes))
    said = str(error.value)
    assert says in said
    assert not FOREIGN.search(said), said
    assert len(said.splitlines()) == 1
    assert len(said) < 300


CELL, VGG = "cell-study1", "shortcut-vgg11"
OPTIONS: list[tuple[str, dict[str, Any], str]] = [
    (CELL, {"width": 0.125}, "space_options.width is unknown; there are nodes, inputs"),
    (VGG, {"widht": 0.125}, "space_options.widht is unknown; there are width"),
    (VGG, {"vgg": "vgg16"}, "space_options.vgg is unknown"),
    (VGG, {"width": "0.125"}, "space_options.width must be a number, as in width = 0.125"),
    (VGG, {"width": [1]}, "space_options.width must be a number"),
    (VGG, {"width": True}, "space_options.width must be a number"),
    (CELL, {"nodes": "5"}, "space_options.nodes must be an integer, as in nodes = 4"),
    (CELL, {"nodes": 2.5}, "space_options.nodes must be an integer"),
    (CELL, {"channels": {"low": 4}}, "space_options.channels must be an integer"),
    (CELL, {"concat": "last"}, "space_options.concat must be an integer or a list of them, as in concat = [3, 4]"),
    (CELL, {"concat": [1, "a"]}, "space_options.concat must be an integer or a list"),
    (CELL, {"operations": "conv_3x3"},
     'space_options.operations must be a list of texts, as in operations = ["conv_3x3"'),
    (CELL, {"operations": 3}, "space_options.operations must be a list of texts"),
    (CELL, {"operations": [1, 2]}, "space_options.operations must be a list of texts"),
    (CELL, {"drop_path": "a fifth"}, "space_options.drop_path must be a number, as in drop_path = 0.2"),
    (CELL, {"auxiliary": "yes"}, "space_options.auxiliary must be a number or true"),
    (CELL, {"reduction": 1}, "space_options.reduction must be true or false"),
    (CELL, {"rules": "edge-wise"}, "space_options.rules must be a list of texts"),
]  # fmt: skip


@pytest.mark.parametrize(("space", "options", "says"), OPTIONS)
def test_an_option_of_another_kind_is_named_with_what_it_takes(space: str, options: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput) as error:
        open_space(tiny(space=space, space_options=options))
    assert says in str(error.value)
    assert not FOREIGN.search(str(error.value))


@pytest.mark.parametrize("changes", [{"space_options": {"operations": ["conv_3x3", "none"]}, "space": CELL},
                                     {"space_options": {"auxiliary": True, "concat": [3, 4, 5]}, "space": CELL},
                                     {"space_options": {"width": 1}}])  # fmt: skip
def test_options_of_the_right_kind_are_taken(changes: dict[str, Any]) -> None:
    assert open_space(tiny(**changes)).rules


@pytest.mark.parametrize(("change", "says"), [
    ("recipe.scheduler=cosine", "scheduler takes a table, as in scheduler = { kind"),
    ("recipe=fast", "recipe takes a table"), ("seeds=3", "seeds takes a table"),
    ("recipe.epochs=many", "epochs takes a whole number"), ("method=A", "method takes a list"),
    ("search.snapshots=5", "snapshots takes a list"),
])  # fmt: skip
def test_a_change_on_the_command_line_is_said_alike(tmp_path: Any, change: str, says: str) -> None:
    (tmp_path / "s.toml").write_text(as_toml(TINY))
    with pytest.raises(BadInput, match=re.escape(says)):
        load_study(str(tmp_path / "s.toml"), [change])
