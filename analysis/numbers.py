"""How numbers, and names that somebody else chose, are written in tables and texts."""

import re
from collections.abc import Iterable
from math import isfinite, isnan
from typing import Any

import numpy as np
import pandas as pd

EMPTY = "–"


def visible(value: Any) -> Any:
    """A text, or all texts of lists and objects, with escapes for what cannot be seen, such as newlines.

    And for `$`, which no name of a study can hold: two of them begin a formula in matplotlib.
    """
    if isinstance(value, str):
        if value.isprintable() and "$" not in value:
            return value
        return "".join(c if c.isprintable() and c != "$" else _escape(c) for c in value)
    if isinstance(value, dict):
        return {visible(name): visible(inner) for name, inner in value.items()}
    return [visible(inner) for inner in value] if isinstance(value, list) else value


def _escape(character: str) -> str:
    return "\\x24" if character == "$" else character.encode("unicode_escape").decode()


def in_csv(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula: a quote stands before a text that would be one."""
    if isinstance(value, str) and value.lstrip().startswith(FORMULA) and not is_number(value):
        return f"'{value}"
    return value


FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # the last four: of full width


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def in_markdown(text: str) -> str:
    """A text that ends no cell, and begins no tag of HTML, no link or picture, and no code."""
    escaped = re.sub(r"[\\|`]|(?<=\])[(\[:]", lambda found: f"\\{found[0]}", text)
    return re.sub(r"<(?=[A-Za-z/!?])", "&lt;", escaped)


def signed(value: float) -> str:
    return EMPTY if isnan(value) else plus(value, 2)


def plus(value: float, digits: int) -> str:
    """With its sign, a real minus; zero has none."""
    text = f"{value:+.{digits}f}"
    return text[1:] if not text.strip("+-0.") else minus(text)


def p_value(p: float) -> str:
    return EMPTY if isnan(p) else "< 0.001" if p < 0.001 else f"{p:.3f}"


def minus(text: str) -> str:
    return text.replace("-", "−")


def as_csv(drawn: pd.DataFrame) -> str:
    """The numbers of a figure as CSV, to six digits; nothing stands for NaN."""
    texts = drawn.map(lambda value: significant(float(value), 6) if isinstance(value, float | np.floating) else value)
    return str(texts.map(in_csv).rename(columns=in_csv).to_csv(index=False, lineterminator="\n"))


def listed(items: Iterable[Any]) -> str:
    """`5, 10 and 20`."""
    texts = [str(item) for item in items]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}" if texts else ""


def significant(value: float, digits: int) -> str:
    """So many digits, whatever zeros come last, so that the last place says how exact the number is."""
    if not isfinite(value):
        return ""
    text = f"{value:#.{digits}g}"
    return f"{value:.{digits - 1}e}" if text.endswith(".") else text
