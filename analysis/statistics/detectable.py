"""What a number of seeds can find, how many an effect needs, and how well the spread behind them is known."""

from dataclasses import dataclass
from math import isfinite, nan, sqrt

from scipy.special import chdtri

from analysis.numbers import EMPTY
from analysis.statistics.paired import detectable, seeds_needed


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
