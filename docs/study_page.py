"""Writes docs/study.md, every field of a study: types from harness/study/, words from study_fields.toml."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from harness.study.best_of import BestOf
from harness.study.data import Data, Sets
from harness.study.data import Table as LookedUp
from harness.study.primary import Primary
from harness.study.schema import Method, Range, Recipe, Scheduler, Seeds, Study, Tuning
from harness.study.scores import Scores
from harness.study.search import Search
from harness.study.twins import Twins

HERE = Path(__file__).parent
WORDS: Mapping[str, Any] = tomllib.loads((HERE / "study_fields.toml").read_text())
MODELS: tuple[type[BaseModel], ...] = (Study, Data, Seeds, Search, Recipe, Scheduler, Method, Twins, BestOf, Primary,
                                       Tuning, Range, LookedUp, Scores)  # fmt: skip
BASIC = {int: "whole number", float: "number", bool: "true or false", str: "text", Any: "value", Sets: "table or list"}
SEVERAL = {"whole number": "whole numbers", "number": "numbers", "text": "texts", "value": "values", "table": "tables"}
BOUNDS = {"gt": "above {}", "ge": "from {} on", "lt": "below {}", "le": "up to {}"}
HEAD = """# Every field of a study

<!-- `make study-page` writes this page from harness/study/ and docs/study_fields.toml -->

A study is a TOML file. `nas-harness new` writes one with comments, and `nas-harness studies NAME` shows one of the
package. Only `name`, `space` and one `[[method]]` or `[[tuning]]` must be there. An unknown field is refused, and so is
a value out of its bounds. Each field can also be set on the command line: `--set search.epochs=3`,
`--set method.darts-A.twins=2`.
"""


def page() -> str:
    return "\n".join([HEAD, *map(section, MODELS)])


def section(model: type[BaseModel]) -> str:
    words = WORDS[model.__name__]
    heading = words["title"] if model is Study else f"`{words['title']}`"
    lines = [f"## {heading}\n", f"{words['words']}\n", "| field | what it says | takes | default | example |",
             "|---|---|---|---|---|"]  # fmt: skip
    lines += [line(name, field, words[name]) for name, field in model.model_fields.items()]
    return "\n".join(lines) + "\n"


def line(name: str, field: FieldInfo, words: Mapping[str, str]) -> str:
    taken = ", ".join([kind(field.annotation), *bounds(field)])
    unit = f" ({words['unit']})" if "unit" in words else ""
    return f"| `{name}` | {words['says']} | {taken}{unit} | {default(field)} | `{words['example']}` |"


def kind(annotation: Any) -> str:
    """What a field takes, in words."""
    if annotation in BASIC:
        return BASIC[annotation]
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(f"`{json.dumps(value)}`" for value in inside)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(kind(one) for one in inside if one is not NoneType))
    if origin is Annotated:
        return kind(inside[0])
    if origin is tuple:
        number = "list of" if inside[-1] is Ellipsis else f"list of {len(inside)}"
        inner = kind(inside[0])
        return f"{number} {SEVERAL.get(inner, inner)}"
    if origin is dict or (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return "table"
    raise TypeError(f"no words for {annotation}")


def bounds(field: FieldInfo) -> list[str]:
    return [words.format(f"{limit:,}") for one in field.metadata for name, words in BOUNDS.items()
            if (limit := getattr(one, name, None)) is not None]  # fmt: skip


def default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return "must be given"
    if value is None:
        return "left out"
    if isinstance(value, BaseModel):
        value = value.model_dump()
        return f"`{value}`" if isinstance(value, int) else "as below"
    return f"`{json.dumps(value)}`" if value not in ({}, ()) else "empty"


if __name__ == "__main__":  # as `make study-page`
    (HERE / "study.md").write_text(page())
