"""Whether nested values are what a run writes; what is not is named by its place, such as curve[3].seconds.

A check takes a value and its place, and yields what does not hold, a text each. Standard library only.
"""

import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any

Check = Callable[[Any, str], Iterator[str]]

LARGEST = 3.4e38  # of a 32-bit float
MOST = 2**53  # the largest integers that a 64-bit float tells apart lie below


def leaf(what: str, holds: Callable[[Any], bool]) -> Check:
    """`what`: what the value must be."""

    def check(value: Any, place: str) -> Iterator[str]:
        if not holds(value):
            yield f"{place} is {short(value)}, which is no {what}"

    return check


def maybe(inner: Check) -> Check:
    """Or null."""
    return lambda value, place: iter(()) if value is None else inner(value, place)


def each(inner: Check) -> Check:
    """A list."""

    def check(value: Any, place: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield f"{place} is {short(value)}, which is no list"
            return
        for number, one in enumerate(value):
            yield from inner(one, f"{place}[{number}]")

    return check


def values(inner: Check, name: Check | None = None) -> Check:
    """An object of any names, or of those that `name` allows."""

    def check(value: Any, place: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{place} is {short(value)}, which is no object"
            return
        for key, one in value.items():
            yield from name(key, f"a name in {place}") if name else ()
            yield from inner(one, f"{place}.{short(key, quoted=False)}")

    return check


def pair(inner: Check) -> Check:
    """A list of two."""

    def check(value: Any, place: str) -> Iterator[str]:
        if not (isinstance(value, list) and len(value) == 2):
            yield f"{place} is {short(value)}, which is no pair"
            return
        yield from (fault for number, one in enumerate(value) for fault in inner(one, f"{place}[{number}]"))

    return check


def record(inner: Mapping[str, Check], needed: tuple[str, ...] = (), others: Check | None = None) -> Check:
    """An object with these fields, of which the `needed` may not be absent, and with any others."""

    def check(value: Any, place: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{place or 'it'} is {short(value)}, which is no object"
            return
        before = f"{place}." if place else ""
        yield from (f"{before}{name} is missing" for name in needed if name not in value)
        for name, one in value.items():
            if known := inner.get(name, others):
                yield from known(one, f"{before}{short(name, quoted=False)}")

    return check


def short(value: Any, quoted: bool = True) -> str:
    text = f"'{value}'" if quoted and isinstance(value, str) else _text(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _text(value: Any) -> str:
    try:
        return str(value)
    except (ValueError, RecursionError):  # of integers with more digits than Python writes
        return "too long"


def is_whole(line: bytes) -> bool:
    """Whether a line holds all of its object, though the file ends without a newline: an editor may have taken it."""
    if line.endswith(b"\n"):
        return True
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def finite(value: Any) -> Any:
    """With null for every number that is none: JSON has no other."""
    if isinstance(value, dict):
        return {name: finite(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [finite(inner) for inner in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -LARGEST <= value <= LARGEST


def is_count(value: Any) -> bool:
    return is_number(value) and 0 <= value <= MOST and value == int(value)


def is_array(value: Any) -> bool:
    """Whether nested lists of numbers or nulls are as long as their neighbours, and none is empty."""
    return isinstance(value, list) and _shape(value, 4) is not None


def _shape(value: Any, depth: int) -> tuple[int, ...] | None:
    if not isinstance(value, list):
        return () if value is None or is_number(value) else None
    shapes = {_shape(one, depth - 1) for one in value} if depth else set()
    inner = shapes.pop() if len(shapes) == 1 else None
    return None if inner is None else (len(value), *inner)


def _is_time(value: Any) -> bool:
    try:
        return datetime.fromisoformat(value).astimezone(UTC) is not None
    except (ValueError, TypeError, OverflowError):
        return False


def _is_command(value: Any) -> bool:
    try:
        return isinstance(value, str) and shlex.split(value) is not None
    except ValueError:
        return False


ANY = leaf("value", lambda _: True)
TEXT = leaf("text", lambda value: isinstance(value, str))
TEXTS = each(TEXT)
OBJECT = leaf("object", lambda value: isinstance(value, dict))
NUMBER = leaf("number", is_number)
DURATION = leaf("number from 0 on", lambda value: is_number(value) and value >= 0)
POSITIVE = leaf("number above 0", lambda value: is_number(value) and value > 0)
PERCENTAGE = leaf("percentage", lambda value: is_number(value) and 0 <= value <= 100)
PORTION = leaf("number between 0 and 1", lambda value: is_number(value) and 0 < value < 1)
COUNT = leaf("whole number from 0 on", is_count)
FROM_ONE = leaf("whole number from 1 on", lambda value: is_count(value) and value >= 1)
TRUTH = leaf("true or false", lambda value: isinstance(value, bool))
ARRAY = leaf("array of numbers", is_array)
TIME = leaf("time", _is_time)
COMMAND = leaf("command", _is_command)
EPOCH = leaf("epoch", lambda value: isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10)
