"""How often runs fail."""

from dataclasses import dataclass
from math import nan

from scipy.special import betaincinv


@dataclass(frozen=True)
class Rate:
    """`failed` of `runs`, as a share of 0 to 1 with its interval."""

    value: float
    low: float
    high: float
    failed: int
    runs: int


def failure_rate(failed: int, runs: int, level: float = 0.95) -> Rate:
    """With the exact interval of Clopper and Pearson (1934), which covers at least `level` at any rate and number.

    NaN without runs. Raises ValueError where `failed` is not within 0 to `runs`.
    """
    if not 0 <= failed <= runs:
        raise ValueError(f"failed = {failed} must lie in 0 to runs = {runs}")
    if not runs:
        return Rate(nan, nan, nan, 0, 0)
    tail = (1 - level) / 2
    low = float(betaincinv(failed, runs - failed + 1, tail)) if failed else 0.0
    high = float(betaincinv(failed + 1, runs - failed, 1 - tail)) if failed < runs else 1.0
    return Rate(failed / runs, low, high, failed, runs)
