"""Values of Python as a study file has them: in a notebook a path may be a Path, and a number one of numpy."""

import os
from collections.abc import Mapping
from datetime import date, time
from typing import Any

from harness.errors import BadInput
from harness.study.bounds import DEEPEST

OF_A_FILE = (str, bool, int, float, date, time, type(None))  # of these, bounds.py says which a study takes


def plain_value(value: Any, where: str, field: str = "", depth: int = 0) -> Any:
    """A copy in texts, numbers, lists and tables, None as it is. Raises BadInput where a field holds anything else."""
    if hasattr(value, "tolist") and not isinstance(value, type):  # numpy's arrays and numbers, torch's tensors
        value = value.tolist()
    if isinstance(value, Mapping | list | tuple) and depth > DEEPEST:  # which bounds.py refuses
        return value
    if isinstance(value, Mapping):
        return {_name(name, where, field): plain_value(inner, where, f"{field}.{name}" if field else str(name),
                                                       depth + 1) for name, inner in value.items()}  # fmt: skip
    if isinstance(value, list | tuple):
        return [plain_value(inner, where, f"{field}.{number}", depth + 1) for number, inner in enumerate(value)]
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    if isinstance(value, OF_A_FILE):
        return value
    raise BadInput(f"{where}: {field} is a {type(value).__name__}, which no study can hold; write a text, a number, "
                   "a list or a table")  # fmt: skip


def _name(name: Any, where: str, field: str) -> str:
    if isinstance(name, str):
        return name
    raise BadInput(f"{where}: {field + ': ' if field else ''}{name!r} is no name of a field; write it as text")
