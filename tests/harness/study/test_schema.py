"""Study files: unknown keys, wrong values and overrides."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import BadInput
from harness.plan.make import make
from harness.plan.methods import merged
from harness.plan.strategies import strategy
from harness.study.load import load_study, parsed_study
from harness.study.schema import Recipe
from harness.study.validation import validated
from tests.studies import TINY, as_toml, tiny


@pytest.fixture
def file(tmp_path):
    def written(**changes):
        path = tmp_path / "study.toml"
        path.write_text(as_toml({**TINY, **changes}))
        return str(path)

    return written


def test_a_file_gives_what_it_says(file):
    assert load_study(file()) == tiny()


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ("recipe.epochs=7", ("recipe", "epochs"), 7),
        ("recipe.scheduler.kind=cosine", ("recipe", "scheduler", "kind"), "cosine"),
        ("search.snapshots=[2]", ("search", "snapshots"), (2,)),
        ("space_options.width=0.5", ("space_options", "width"), 0.5),
        ('name="other"', ("name",), "other"),
        ("test_curve=true", ("test_curve",), True),
    ],
)
def test_every_field_can_be_overridden(file, change, field, value):
    found = load_study(file(), [change]).model_dump()
    for part in field:
        found = found[part]
    assert found == value


def test_a_methods_field_is_reached_by_its_name(file):
    study = load_study(file(), ["method.darts-B.twins=3"])
    assert [method.twins.count for method in study.method] == [1, 3, 0]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("method.darts-0.5.twins=2", lambda study: study.method[1].twins.count == 2),
        ("method.darts-0.5.recipe.lr=0.3", lambda study: study.method[1].recipe == {"lr": 0.3}),
        ("method.darts-0.twins=2", lambda study: study.method[0].twins.count == 2),
        ("data.my.pkg:fn.train_images=5", lambda study: study.data[1].train_images == 5),
        ("tuning.t.1.ranges.scheduler.gamma.high=0.5",
         lambda study: study.tuning[0].ranges["scheduler.gamma"].high == 0.5),
        ("tuning.t.1.ranges.scheduler.gamma={ choices = [0.1, 0.3] }",
         lambda study: study.tuning[0].ranges["scheduler.gamma"].choices == (0.1, 0.3)),
    ],
)  # fmt: skip
def test_names_with_dots_are_reached(change, found):
    tuning = {"name": "t.1", "trials": 2, "ranges": {"scheduler.gamma": {"low": 0.1, "high": 0.9}}}
    values = {"name": "s", "space": "shortcut-vgg11", "data": [{"name": "digits"}, {"name": "my.pkg:fn"}],
              "method": [{"name": "darts-0"}, {"name": "darts-0.5"}],
              "tuning": [tuning]}  # fmt: skip
    assert found(parsed_study(values, "study", [change]))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"sede": 3}, "unknown key 'sede' (did you mean 'seeds'?)"),
        ({"recipe": {"epoch": 3}}, "unknown key 'recipe.epoch' (did you mean 'epochs'?)"),
        ({"recipe": {"scheduler": {"kind": "step", "gama": 0.1}}}, "'recipe.scheduler.gama' (did you mean 'gamma'?)"),
        ({"method": [{"name": "darts-A", "rul": "A"}]}, "'method.0.rul' (did you mean 'rule'?)"),
        ({"seeds": {"search": 0}}, "seeds.search"),
        ({"seeds": {"search": -1}}, "seeds.search"),
        ({"search": {"epochs": 2, "snapshots": [3]}}, "snapshots: 3 lies outside"),
        ({"search": {"epochs": 2, "snapshots": [1, 2], "trained": [3]}}, "trained: 3 is none of the snapshots 1, 2"),
        ({"recipe": {"lr": float("inf")}}, "recipe.lr = inf is no finite number"),
        ({"space_options": {"width": float("nan")}}, "space_options.width = nan is no finite number"),
        ({"method": [{"name": "a", "recipe": {"lr": float("-inf")}}]}, "method.0.recipe.lr = -inf"),
        ({"seeds": {"search": 10**9}}, "takes numbers up to 10000"),
        ({"seeds": {"study": 10**30}}, "takes numbers up to 9007199254740992"),
        ({"recipe": {"epochs": 10**30}}, "takes numbers up to 1000000"),
        ({"data": {"image_size": 100000}}, "takes numbers up to 4096"),
        ({"search": {"candidates": 10**6}}, "takes numbers up to 10000"),
        ({"name": "a" * 300}, "a name has at most 100 characters, this one 300"),
        ({"recipe": {"lr": -1.0}}, "recipe.lr"),
        ({"name": "../up"}, "'../up' is no name"),
        ({"method": [{"name": "a/b"}]}, "'a/b' is no name"),
        ({"method": [{"name": "a"}, {"name": "a"}]}, "appears twice"),
        ({"method": []}, "at least one"),
        ({"recipe": {"tuned": "nothing"}}, "is no [[tuning]]"),
        (
            {"search": {"recipe": {"epochs": 7}}},
            "search.recipe.epochs is of final trainings, and would be",
        ),
        ({"method": [{"name": "a", "search": {"recipe": {"tuned": "x"}}}]}, "method 'a': search.recipe.tuned is of"),
    ],
    ids=str,
)
def test_what_is_wrong_is_named(file, changes, says):
    with pytest.raises(BadInput) as error:
        load_study(file(**changes))
    assert says in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "change", ["recipe.lr", "method.nobody.twins=2", "name.deep=1", "method.twins=2", "method.a.b.twins=2"]
)
def test_an_override_that_reaches_nothing_is_refused(file, change):
    with pytest.raises(BadInput):
        load_study(file(), [change])


def test_a_study_that_is_nowhere_names_what_there_is():
    with pytest.raises(BadInput, match="demo"):
        load_study("no-such-study")


@given(st.text(max_size=40))
def test_no_name_leaves_the_results_folder(name):
    try:
        study = validated(type(tiny()), {**TINY, "name": name}, "x")
    except BadInput:
        return
    assert "/" not in study.name
    assert not study.name.startswith(".")


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_learning_rate_is_positive_and_bounded_or_refused(lr):
    try:
        assert validated(Recipe, {"lr": lr}, "x").lr > 0
    except BadInput:
        assert not 0 < lr <= 1000


@pytest.mark.parametrize(
    ("methods", "row"),
    [
        ([("darts-A", 1), ("A", 1)], "random-A@2"),
        ([("A", 1), ("random-A@2", 0)], None),
        ([("evo", 1), ("random-evo", 0)], "random-evo"),
        ([("darts-evo", 1), ("evo", 1)], "random-evo"),
        ([("pretraining", 0)], "pretraining"),
        ([("baseline", 0), ("evo", 1), ("random-evo", 1)], "random-evo"),
    ],
)
def test_methods_that_would_share_a_row_of_the_table_are_refused(methods, row):
    """Their runs would be taken for one method's."""
    strategies = {"A": "darts", "darts-A": "darts"}
    entries = [{"name": name, "twins": twins, "strategy": strategies.get(name, "random")} for name, twins in methods]
    with pytest.raises(BadInput, match=rf"row '{row}'" if row else "is no name"):
        make(merged(tiny(method=entries, search={"epochs": 2})), ("A", "B"), strategy)


@pytest.mark.parametrize("name", ["a@b", "@", "A@1"])
def test_a_methods_name_has_no_sign_of_its_search_epochs(name):
    with pytest.raises(BadInput, match="is no name"):
        tiny(method=[{"name": name}])
