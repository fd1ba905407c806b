"""A space by name and `name=value` options, for the commands that take no study."""

import tomllib
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from harness.errors import BadInput, explained
from harness.study.load import UNREADABLE
from spaces.registry import SPACES, load
from spaces.space import Space


def opened(name: str, options: Sequence[str] = ()) -> Space:
    """`options` are `space_options`, written `width=0.125`. Raises BadInput."""
    try:
        return load(name, dict(map(option, options)))
    except ValueError as error:
        raise BadInput(str(error)) from None


def of_outside(name: str) -> AbstractContextManager[None]:
    """Raises BadInput where a space from outside fails within it."""
    if name in SPACES:
        return nullcontext()
    return explained(name, f"; nas-harness check {name} says what does not hold", passing=(OSError,))


def option(text: str) -> tuple[str, Any]:
    """The value is TOML, or else taken as text."""
    name, sign, value = text.partition("=")
    if not sign:
        raise BadInput(f"--option {text}: write NAME=VALUE, as in width=0.125")
    try:
        return name, tomllib.loads(f"value = {value}")["value"]
    except UNREADABLE:
        return name, value
