"""What a comparison found, in words: what was observed, and what so many pairs could have found."""

from math import isfinite

from analysis.statistics.paired import Estimate

WORDS = ("better", "worse")  # what a side is that lies above, below
UNUSUAL = "rests on an unusually small spread"
ALONE = "significant by the t test alone"


def inconclusive(found: Estimate, significant: bool, margin: float) -> bool:
    """Tested, not significant, and the interval reaches beyond `margin` points."""
    return found.n > 1 and found.std != 0 and not significant and not within(found, margin)


def within(found: Estimate, margin: float) -> bool:
    """NaN is not."""
    return -margin < found.low and found.high < margin


def verdict(
    found: Estimate, significant: bool, finds: float, against: str, *, words: tuple[str, str] = WORDS,
    margin: float = 0.0, unmoderated: str = "", exploratory: bool = False, decided: tuple[int, float] | None = None,
    equal: bool = False,
) -> str:  # fmt: skip
    """`finds`: the smallest difference that so many pairs find four times in five; `margin`: points within which sides
    count as equal; `unmoderated`: why the moderated test does not agree that it is significant; `decided`: pairs and
    estimate of an early look; `equal`: two one-sided tests say so.
    """
    if found.n < 2:
        return "not tested: one pair" if found.n else "not tested: no complete pair"
    if significant:
        value = decided[1] if decided else found.value
        small = f", by less than {margin:g} points" if within(found, margin) else ""
        text = f"{words[value < 0]} than {against}{small}"
        early = f"; decided at {decided[0]} pairs, where estimates are biased away from 0" if decided else ""
        return text + early + (" (exploratory)" if exploratory else "")
    if found.std == 0:
        return f"not tested: all {found.n} differences are equal"
    if unmoderated:
        return f"inconclusive: {unmoderated}"
    if equal:
        return f"equal within ±{margin:g} points (exploratory)"
    if within(found, margin):
        return f"inconclusive; the interval lies within ±{margin:g} points"
    power = f"; n = {found.n} finds ≥ {finds:.2f} points" if isfinite(finds) else ""
    return f"inconclusive{power}"
