"""What a strategy from outside plans: seen to be whole before any of its jobs is made."""

from dataclasses import replace
from typing import Any

from harness.errors import BadInput
from harness.plan.jobs import Plan
from harness.plan.sources import as_source, keys_of
from harness.plan.strategies import Found
from spaces.counts import count


def checked(found: list[Any], strategy: str, plan: Plan) -> list[Found]:
    """The same, each with all the jobs that its source reads. Raises BadInput naming the strategy and the field."""
    odd = next((one for one in found if not isinstance(one, Found)), None)
    if not found or odd is not None:
        what = "nothing" if odd is None else f"a {type(odd).__name__}"
        raise BadInput(f"search.strategy '{strategy}' plans {what}; it must yield harness.extend.Found, once or more")
    try:
        return [_whole(one, plan) for one in found]
    except ValueError as error:
        raise BadInput(f"search.strategy '{strategy}' yields a Found whose {error}") from None


def _whole(one: Found, plan: Plan) -> Found:
    """Raises ValueError naming the field."""
    if not isinstance(one.row, str) or not one.row:
        raise ValueError(f"row is {one.row!r}, and no name of a row of the table")
    if not isinstance(one.needs, tuple | list) or not all(isinstance(key, str) for key in one.needs):
        raise ValueError(f"needs are {one.needs!r}, and no tuple of keys of jobs")
    if one.rule is not None and not isinstance(one.rule, str):
        raise ValueError(f"rule is {one.rule!r}, and no name of a rule")
    if (epochs := one.search_epochs) is not None and (epochs := count(epochs)) is None:
        raise ValueError(f"search_epochs is {one.search_epochs!r}, and no number of epochs")
    named = set(one.needs)
    needs = (*one.needs, *(key for key in _read(one) if key not in named))
    if unknown := next((key for key in needs if key not in plan.jobs), None):
        raise ValueError(f"needs or source name {unknown!r}, which is the key of no job; plan it by score or supernet")
    return replace(one, needs=needs, search_epochs=epochs)


def _read(one: Found) -> tuple[str, ...]:
    try:
        return keys_of(as_source(one.source))
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"source does not say where an architecture comes from ({error})") from None
