"""How numbers are written in tables and texts."""

from math import isfinite, isnan

import numpy as np
import pandas as pd

EMPTY = "–"


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
    return str(texts.to_csv(index=False, lineterminator="\n"))


def significant(value: float, digits: int) -> str:
    """So many digits, whatever zeros come last, so that the last place says how exact the number is."""
    if not isfinite(value):
        return ""
    text = f"{value:#.{digits}g}"
    return f"{value:.{digits - 1}e}" if text.endswith(".") else text
