"""What a strategy from outside plans: seen to be whole before any of its jobs is made."""

from collections.abc import Iterator
from dataclasses import replace
from operator import index
from typing import Any

from harness.errors import BadInput
from harness.plan.jobs import Plan
from harness.plan.sources import Source, as_source, keys_of
from harness.plan.strategies import Found


def checked(found: list[Any], strategy: str, plan: Plan) -> list[Found]:
    """The same, each with all the jobs that its source reads. Raises BadInput naming the strategy and the field."""
    odd = next((one for one in found if not isinstance(one, Found)), None)
    if not found or odd is not None:
        what = "nothing" if odd is None else f"a {type(odd).__name__}"
        raise BadInput(f"search.strategy '{strategy}' plans {what}; it must yield harness.extend.Found, once or more")
    for one in found:
        if fault := next(_faults(one, plan), ""):
            raise BadInput(f"search.strategy '{strategy}' yields a Found whose {fault}")
    return [_whole(one) for one in found]


def _whole(one: Found) -> Found:
    named = set(one.needs)
    read = [key for key in keys_of(as_source(one.source)) if key not in named]
    epochs = None if one.search_epochs is None else index(one.search_epochs)
    return replace(one, needs=(*one.needs, *read), search_epochs=epochs)


def _faults(one: Found, plan: Plan) -> Iterator[str]:
    if not isinstance(one.row, str) or not one.row:
        yield f"row is {one.row!r}, and no name of a row of the table"
    source: Source | None = None
    try:
        source = as_source(one.source)
        read = keys_of(source)
    except (ValueError, TypeError, AttributeError) as error:
        yield f"source does not say where an architecture comes from ({error})"
        return
    if not isinstance(one.needs, tuple | list) or not all(isinstance(key, str) for key in one.needs):
        yield f"needs are {one.needs!r}, and no tuple of keys of jobs"
    elif unknown := next((key for key in (*one.needs, *read) if key not in plan.jobs), None):
        yield f"needs or source name {unknown!r}, which is the key of no job; plan it by score or supernet"
    if one.rule is not None and not isinstance(one.rule, str):
        yield f"rule is {one.rule!r}, and no name of a rule"
    if not (one.search_epochs is None or _is_count(one.search_epochs)):
        yield f"search_epochs is {one.search_epochs!r}, and no number of epochs"


def _is_count(value: Any) -> bool:
    try:
        return not isinstance(value, bool) and index(value) >= 0
    except TypeError:
        return False
