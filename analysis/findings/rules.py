"""What a study fixed before it began, as far as verdicts rest on it."""

from dataclasses import dataclass

from analysis.results.rows import Results


@dataclass(frozen=True)
class Rules:
    alpha: float
    smallest: float
    looks: tuple[int, ...]  # planned; empty: one look at the end
    margin: float | None = None  # points within which two sides count as equal
    unplanned: int = 0  # looks that were not planned

    @property
    def times(self) -> int:
        """What p is multiplied with for all looks."""
        return max(1, len(self.looks)) * (1 + self.unplanned)

    @property
    def negligible(self) -> float:
        """Points below which a difference does not matter."""
        return self.margin or self.smallest

    @property
    def level(self) -> float:
        """Of the intervals."""
        return 1 - self.alpha / self.times


def rules(results: Results) -> Rules:
    """Planned looks count where the study was once run with `--until`: else it is looked at once, at the end."""
    study = results.study
    sequential = study.get("sequential") or any(protocol.looked for protocol in results.protocols)
    looks = tuple(study.get("looks") or ()) if sequential else ()
    margin = study.get("equivalence_margin")
    unplanned = max((protocol.unplanned_looks for protocol in results.protocols), default=0)
    return Rules(float(study.get("alpha") or 0.05), float(study.get("smallest_effect") or 0.2), looks,
                 float(margin) if margin else None, unplanned)  # fmt: skip
