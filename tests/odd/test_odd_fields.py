"""Whatever a field of a study holds, at any level of any table: the study is prepared, or refused in a line."""

import math
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from harness.errors import BadInput
from harness.run.prepare import prepare
from harness.study.best_of import BestOf
from harness.study.data import Data, Table
from harness.study.load import parsed_study
from harness.study.model import Model
from harness.study.primary import Primary
from harness.study.schema import Method, Range, Recipe, Scheduler, Seeds, Study, Tuning
from harness.study.scores import Scores
from harness.study.search import Search
from harness.study.twins import Twins
from tests.studies import TINY

STUDY: dict[str, Any] = {
    **TINY,
    "method": [{"name": "darts-A", "rule": "A"}, {"name": "baseline"}],
    "tuning": [{"name": "rate", "trials": 2, "ranges": {"lr": {"low": 0.01, "high": 0.1}}}],
}
VALUES = (5, -1, math.nan, True, "x", "5", "\ud83d", None, [1], ["3", "5"], {}, {"recipe": 5}, [{}])
PARTS: dict[str, type[Model]] = {  # by the name of the field that holds one, or several in a list
    "data": Data, "table": Table, "seeds": Seeds, "search": Search, "recipe": Recipe, "scheduler": Scheduler,
    "primary": Primary, "scores": Scores, "method": Method, "tuning": Tuning, "twins": Twins, "best_of": BestOf,
}  # fmt: skip
LISTS = ("method", "tuning")
Path_ = tuple[str | int, ...]


def fields(model: type[Model], before: Path_ = ()) -> Iterator[Path_]:
    for name in model.model_fields:
        here: Path_ = (*before, name)
        yield here
        if name in LISTS:
            here = (*here, 0)
            yield here
        if name in PARTS:
            yield from fields(PARTS[name], here)
        if name == "ranges":
            for field in (*Recipe.model_fields, *(f"scheduler.{one}" for one in Scheduler.model_fields)):
                yield (*here, field)
                yield from fields(Range, (*here, field))
                yield (*here, field, "when", "lr")


FIELDS = (*fields(Study), ("space_options", "width"), ("space_options", "x"))


def put(values: Any, path: Path_, value: Any) -> None:
    """Makes the tables on the way."""
    for name in path[:-1]:
        if not isinstance(values[name] if isinstance(values, list) else values.get(name), dict | list):
            values[name] = {}
        values = values[name]
    values[path[-1]] = value


def answered(changes: list[tuple[Path_, Any]], results: Path) -> str:
    """What is wrong with the answer; '' where nothing is."""
    study = deepcopy(STUDY)
    for path, value in changes:
        with suppress(TypeError, LookupError, AttributeError):  # where the change before left no table
            put(study, path, value)
    try:
        prepare(parsed_study(study, "study"), results, None, False, "cpu", home=results)
    except BadInput as error:
        said = str(error)
        return "" if said.isprintable() else f"{changes}: {said!r}"
    except Exception as error:
        return f"{changes}: {type(error).__name__}: {error}"
    return ""


@pytest.mark.long
def test_any_value_in_any_field(tmp_path: Path) -> None:
    wrong = [answered([(path, value)], tmp_path) for path in FIELDS for value in VALUES]
    assert not [line for line in wrong if line]
    assert len(FIELDS) > 300
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_values_in_several_fields(tmp_path: Path) -> None:
    @settings(max_examples=5000, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(st.lists(st.tuples(st.sampled_from(FIELDS), st.sampled_from(VALUES)), min_size=2, max_size=4))
    def every(changes: list[tuple[Path_, Any]]) -> None:
        assert not answered(changes, tmp_path)

    every()
