"""Values as a part of a study file, or one line that says all that is wrong with them: the field and what it takes."""

import json
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, TypeVar, get_args

from pydantic import ValidationError

from harness.errors import BadInput
from harness.study.data import ONE, SEVERAL
from harness.study.model import Model

M = TypeVar("M", bound=Model)

TAKES = {  # the library's name for a fault → what a field takes, and how that is written
    "model_type": ("a table", "{ … }"),
    "model_attributes_type": ("a table", "{ … }"),
    "dict_type": ("a table", "{ … }"),
    "tuple_type": ("a list", "[…]"),
    "list_type": ("a list", "[…]"),
    "numbers_type": ("a list of numbers", "[…]"),
    "int_type": ("a whole number", "3"),
    "int_parsing": ("a whole number", "3"),
    "int_from_float": ("a whole number", "3"),
    "int_parsing_size": ("a whole number", "3"),
    "float_type": ("a number", "0.1"),
    "float_parsing": ("a number", "0.1"),
    "string_type": ("a text", '"…"'),
    "bool_type": ("true or false", "true"),
    "bool_parsing": ("true or false", "true"),
}
BOUNDS = {"gt": "above {}", "ge": "from {} on", "lt": "below {}", "le": "up to {}"}  # of numbers
EXAMPLES = {  # of tables and lists, by field
    "alpha_betas": "[0.5, 0.999]",
    "choices": "[16, 32]",
    "data": '{ name = "digits" }',
    "looks": "[3, 5, 10]",
    "of_trained": '["synflow"]',
    "primary": '{ method = "darts-A", against = "twins" }',
    "ranges": "{ lr = { low = 0.001, high = 0.1 } }",
    "recipe": "{ lr = 0.1 }",
    "scheduler": '{ kind = "cosine" }',
    "search": "{ epochs = 20 }",
    "scores": '{ of_trained = ["synflow"] }',
    "seeds": "{ search = 3 }",
    "snapshots": "[10, 20]",
    "space_options": "{ width = 0.125 }",
    "temperature": "[10, 0.1]",
    "trained": "[20]",
    "when": '{ "scheduler.kind" = "step" }',
}
SECTIONS = {"method": '[[method]] and below it name = "baseline"', "tuning": '[[tuning]] and below it name = "rate"'}
RANGE = "lr = { low = 0.001, high = 0.1 }"
TAGS = (ONE, SEVERAL, "int", "literal['mean']")  # in the place of an error: which part of a union
LONGEST = 80  # characters of a value or a name in a message
MOST = 8  # faults in a message


def validated(model: type[M], values: Mapping[str, Any], where: str) -> M:
    """`values` as a `model`. Raises BadInput with the faults in one line, the first MOST of them."""
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        found = [_plain(one, model) for one in error.errors()]
        more = [f"{len(found) - MOST} more"] * (len(found) > MOST)
        raise BadInput(f"{where}: " + "; ".join([*found[:MOST], *more])) from None


def _plain(error: Any, model: type[Model]) -> str:
    path = [str(part) for part in error["loc"] if part not in TAGS]
    field = _short(".".join(path))
    if error["type"] == "extra_forbidden":
        return f"unknown key '{field}'{_nearest(path, model)}"
    if error["type"] == "missing":
        return f"{field} is missing{_example(path, '')}"
    message: str = error["msg"].removeprefix("Value error, ")
    if not field:
        return message  # of the whole, which may be anything
    given = f" (given: {_short(json.dumps(error['input'], default=str, ensure_ascii=False))})"
    if error["type"] == "literal_error":
        return f"{field} takes {error['ctx']['expected']}{given}"
    if error["type"] in TAKES:
        what, example = TAKES[error["type"]]
        return f"{field} takes {what}{_example(path, example)}{given}"
    if error["type"] == "too_long":
        return f"{field} takes {error['ctx']['max_length']} values{_example(path, '[…]')}{given}"
    if bound := next((name for name in BOUNDS if name in error.get("ctx", {})), None):
        return f"{field} takes numbers {BOUNDS[bound].format(error['ctx'][bound])}{given}"
    return f"{field}: {message}{given}"


def _nearest(path: list[str], model: type[Model]) -> str:
    """ " (did you mean 'epochs'?)", where a field of the same table is written much like the last of `path`."""
    tables = [model]
    for part in (one for one in path[:-1] if not one.isdecimal()):
        fields = [table.model_fields[part] for table in tables if part in table.model_fields]
        tables = [below for field in fields for below in _tables(field.annotation)]
    near = get_close_matches(path[-1], {name for table in tables for name in table.model_fields}, 1)
    return f" (did you mean '{near[0]}'?)" if near else ""


def _tables(annotation: Any) -> Iterator[type[Model]]:
    """What a field of this type may hold."""
    if isinstance(annotation, type) and issubclass(annotation, Model):
        yield annotation
    for part in get_args(annotation):
        yield from _tables(part)


def _example(path: list[str], example: str) -> str:
    """ ", as in lr = { low = 0.001, high = 0.1 }", by the field's own name where there is an example of it."""
    if path[-2:-1] == ["ranges"]:
        return f", as in {RANGE}"
    last = next((part for part in reversed(path) if not part.isdecimal()), "")
    if last in SECTIONS and example in ("", "{ … }", "[…]") and len(path) <= 2:
        return f", as in {SECTIONS[last]}"
    known = EXAMPLES.get(last, example) if example in ("", "{ … }", "[…]") or path[-1].isdecimal() else example
    return f", as in {last} = {known}" if known and last else ""


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
