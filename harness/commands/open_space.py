"""A space by name and `name=value` options, for the commands that take no study."""

import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from harness.errors import BadInput
from harness.study.load import UNREADABLE
from spaces.registry import SPACES, load
from spaces.space import Space


def opened(name: str, options: Sequence[str] = ()) -> Space:
    """`options` are `space_options`, written `width=0.125`. Raises BadInput."""
    try:
        return load(name, dict(map(option, options)))
    except ValueError as error:
        raise BadInput(str(error)) from None


@contextmanager
def of_outside(name: str) -> Iterator[None]:
    """Raises BadInput where a space from outside, which its author may not have finished, fails within it."""
    try:
        yield
    except (BadInput, OSError):
        raise
    except Exception as error:
        if name in SPACES:
            raise
        raise BadInput(f"{name} fails before anything starts: {type(error).__name__}: {error}; nas-harness check "
                       f"{name} says what does not hold") from None  # fmt: skip


def option(text: str) -> tuple[str, Any]:
    """The value is TOML, or else taken as text."""
    name, sign, value = text.partition("=")
    if not sign:
        raise BadInput(f"--option {text}: write NAME=VALUE, as in width=0.125")
    try:
        return name, tomllib.loads(f"value = {value}")["value"]
    except UNREADABLE:
        return name, value
