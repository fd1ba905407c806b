"""Whether two sides are practically equal: two one-sided tests at the study's margin, and posterior probabilities."""

from dataclasses import dataclass

from analysis.findings.comparisons import Comparison
from analysis.findings.rules import Rules
from analysis.statistics.equivalence import Equivalence, Posterior, rope, tost

SURE = 0.95  # posterior probability from which an answer is given (Benavoli et al. 2017)


@dataclass(frozen=True)
class Practical:
    """`region`: points within which sides count as equal; `tests` None where the study fixed no margin."""

    region: float
    tests: Equivalence | None
    posterior: Posterior

    @property
    def answer(self) -> str:
        """Better, worse or practically equal where that is at least 95 % probable, else undecided."""
        p = self.posterior
        likely = {"worse": p.worse, "practically equal": p.equal, "better": p.better}
        return next((word for word, probability in likely.items() if probability >= SURE), "undecided")


def practical(c: Comparison, fixed: Rules) -> Practical:
    """The region is the equivalence margin that the study fixed, else its smallest effect worth finding.

    The tests are made at the margin alone (Schuirmann 1987): a smallest effect was fixed for another purpose.
    """
    sides = c.pairs.frame["own"], c.pairs.frame["other"]
    tests = tost(*sides, fixed.margin, fixed.alpha / fixed.times) if fixed.margin else None
    return Practical(fixed.negligible, tests, rope(*sides, fixed.negligible, fixed.level))
