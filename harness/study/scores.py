"""Zero-cost scores by name, and which of them a study computes of the networks that it trains."""

from typing import Literal, get_args

from harness.study.model import Model

ZeroCost = Literal["synflow", "naswot", "snip", "grad-norm", "jacov", "zen", "parameters", "macs"]
ZERO_COST: tuple[str, ...] = get_args(ZeroCost)  # of an untrained network (docs/zero-cost.md)
Score = Literal["train", "supernet", ZeroCost]


class Scores(Model):
    """`of_trained`: scores of every architecture that is trained, whoever found it, for their rank correlation with
    what it reaches; null: those that searches of the study choose by."""

    of_trained: tuple[ZeroCost, ...] | None = None
