"""What a number of pairs can find, how many an effect needs, and how well the spread behind them is known."""

from dataclasses import dataclass
from functools import cache
from math import isfinite, nan, sqrt

from scipy.special import chdtr, chdtri, stdtrit

from analysis.numbers import EMPTY

FARTHEST = 1e4  # standard deviations; no difference between trained networks is larger
MOST = 100_000  # seeds that are tried
FAR = 1e4  # noncentrality from which on scipy's noncentral t is not exact, and noise in the mean no longer matters


def power(effect: float, std: float, n: int, alpha: float = 0.05) -> float:
    """Chance that a two-sided paired t test with `n` pairs finds a true mean difference of `effect` (noncentral t)."""
    from scipy.stats import nct

    if n < 2 or not isfinite(std) or std <= 0:
        return nan
    critical = stdtrit(n - 1, 1 - alpha / 2)
    shift = abs(effect) / std * sqrt(n)
    if shift > FAR:
        return float(chdtr(n - 1, (n - 1) * min(shift / critical, FAR) ** 2))  # the chance of so small a spread
    tails = nct.sf(critical, n - 1, shift), nct.cdf(-critical, n - 1, shift)
    right, left = (float(tail) for tail in tails)  # scipy gives NaN for a vanishing left tail
    return right + (left if isfinite(left) else 0.0)


@cache
def seeds_needed(effect: float, std: float, alpha: float = 0.05, wanted: float = 0.8, most: int = MOST) -> int | None:
    """The smallest n whose `power` reaches `wanted`; None above `most`. Raises ValueError for an effect of 0."""
    if not effect:
        raise ValueError("no number of seeds shows an effect of 0")
    if not isfinite(std) or std <= 0 or power(effect, std, most, alpha) < wanted:
        return None
    low, high = 1, most  # power(low) < wanted <= power(high)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(effect, std, middle, alpha) >= wanted else (middle, high)
    return high


@cache
def detectable(n: int, alpha: float = 0.05, wanted: float = 0.8) -> float:
    """The smallest standardised mean difference that `n` pairs find with power `wanted`, 0 where any is found so often.

    NaN below two pairs, and where it is above `FARTHEST`: two pairs at a small `alpha`.
    """
    from scipy.optimize import brentq

    def more(d: float) -> float:
        return power(d, 1.0, n, alpha) - wanted

    if n < 2:
        return nan
    if more(1e-6) >= 0:
        return 0.0
    high = next((high for high in (1e3, FARTHEST) if more(high) >= 0), nan)
    return float(brentq(more, 1e-6, high, xtol=1e-9)) if isfinite(high) else nan


@dataclass(frozen=True)
class Needed:
    """Seeds that an effect needs and the ends of their interval; None above the most that was tried, or unknown."""

    value: int | None
    low: int | None
    high: int | None

    def __str__(self) -> str:
        """`669 (410 to 1,292)`."""
        texts = [EMPTY if count is None else f"{count:,}" for count in (self.value, self.low, self.high)]
        return EMPTY if self.value is None else f"{texts[0]} ({texts[1]} to {texts[2]})"


def std_interval(std: float, freedom: float, level: float = 0.95) -> tuple[float, float]:
    """χ² interval of the standard deviation that `std` on `freedom` degrees estimates; NaN without either."""
    if not isfinite(std) or std <= 0 or not freedom > 0:
        return nan, nan
    low, high = (std * sqrt(freedom / float(chdtri(freedom, (1 + side * level) / 2))) for side in (-1, 1))
    return low, high


def smallest_effect(std: float, n: int, alpha: float = 0.05, wanted: float = 0.8) -> float:
    """The smallest true difference that `n` pairs find at two-sided `alpha` with power `wanted` if their differences
    spread by `std`, in its unit (noncentral t). NaN below two pairs and without spread."""
    return detectable(n, alpha, wanted) * std if isfinite(std) and std > 0 else nan


def needed(effect: float, std: float, freedom: float, alpha: float = 0.05, wanted: float = 0.8) -> Needed:
    """Pairs that find a true difference of `effect` at two-sided `alpha` with power `wanted`, at `std` and at the ends
    of its χ² interval.

    `freedom`: degrees on which `std` was estimated, more than n - 1 where it is pooled over comparisons. Raises
    ValueError for an effect of 0.
    """
    low, high = std_interval(std, freedom)
    value, fewest, most = (seeds_needed(effect, spread, alpha, wanted) for spread in (std, low, high))
    return Needed(value, fewest, most)
