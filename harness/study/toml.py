"""Values as a TOML file has them: the standard library reads TOML, and writes none."""

import json
import re
from collections.abc import Mapping
from typing import Any

BARE = re.compile(r"[A-Za-z0-9_-]+")  # a name that needs no quotes


def written(value: Any) -> str:
    """A text, a number, true or false, or a list or table of such, in one line."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{name(inner)} = {written(value[inner])}" for inner in value) + " }"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(written, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # which JSON has as it is


def name(of: str) -> str:
    """Of a field."""
    return of if BARE.fullmatch(of) else written(of)
