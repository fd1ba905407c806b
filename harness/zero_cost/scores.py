"""The zero-cost scores by name: pure functions of an untrained network and a batch; higher is better.

Each gives what its formula gives, infinity and NaN among it: such a network then has no score.
"""

from collections.abc import Callable, Mapping

from torch import nn

from harness.zero_cost.batch import Batch
from harness.zero_cost.grad_norm import grad_norm
from harness.zero_cost.jacov import jacov
from harness.zero_cost.naswot import naswot
from harness.zero_cost.size import macs, parameters
from harness.zero_cost.snip import snip
from harness.zero_cost.synflow import synflow
from harness.zero_cost.zen import zen

Score = Callable[[nn.Module, Batch], float]
SCORES: Mapping[str, Score] = {
    "synflow": synflow,
    "naswot": naswot,
    "snip": snip,
    "grad-norm": grad_norm,
    "jacov": jacov,
    "zen": zen,
    "parameters": parameters,
    "macs": macs,
}
