"""What may stand in a study at all: numbers that rows can hold, texts that say something, tables that end."""

import math
import re
from collections.abc import Iterator
from datetime import date, time
from typing import Any

NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]*"
LONGEST = 100  # characters of a name: folders and files carry it
DEEPEST = 20  # tables within tables
EPOCHS, COUNT, PIXELS = 1_000_000, 100_000, 4096  # at most: far above any study, far below what fills a memory
SEEDS = TRIALS = 10_000  # at most; twins as well
LARGEST, MOST = 3.4e38, 2**53  # of a number and of a whole one: beyond, neither rows nor the protocol hold it
EMPTY = ("tuned", "name")  # fields of which an empty text says something (by no tuning after all), or is said elsewhere
OF_A_SPACE = "space_options."  # what a text there says is the space's own affair


def plain(values: Any) -> Any:
    """`values` as they are. Raises ValueError naming the first field that no study can have."""
    if fault := next(faults(values), ""):
        raise ValueError(fault)
    return values


def faults(value: Any, field: str = "", depth: int = 0) -> Iterator[str]:
    """A line for each number that is none, each date, each text of nothing, each table that lies too deep."""
    if depth > DEEPEST:
        yield f"{field[:80]}: tables lie at most {DEEPEST} deep"
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _of_text(str(name), "a name there")
            yield from faults(inner, f"{field}.{name}" if field else str(name), depth + 1)
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from faults(inner, f"{field}.{number}", depth + 1)
    elif isinstance(value, float | int):
        if isinstance(value, float) and not math.isfinite(value):
            yield f"{field} = {value} is no finite number"
        elif abs(value) > LARGEST:
            yield f"{field} lies beyond {LARGEST:g}, the largest number that a row holds"
    elif isinstance(value, str):
        yield from _of_text(value, field)
        if not (value or field.rpartition(".")[2] in EMPTY or field.startswith(OF_A_SPACE)):
            yield f"{field} is an empty text; say which, or leave it out"
    elif isinstance(value, date | time):
        yield f"{field}: a date or a time has no place in a study; write it as text"


def _of_text(value: str, field: str) -> Iterator[str]:
    try:
        value.encode()
    except UnicodeEncodeError:
        shown = value[:80].encode("ascii", "backslashreplace").decode()
        yield f"{field}: '{shown}' holds bytes that are no UTF-8; write it in UTF-8"


def safe(name: str) -> str:
    """A name that is no path. Raises ValueError."""
    if len(name) > LONGEST:
        raise ValueError(f"a name has at most {LONGEST} characters, this one {len(name)}")
    if not re.fullmatch(NAME, name):
        raise ValueError(f"'{name}' is no name: letters, digits, '-', '_', '.', starting with a letter or digit")
    return name
