"""The rivals: most scores rank networks no better than their size does (White et al. 2022; Krishnakumar et al.
2022)."""

from torch import nn

from harness.zero_cost.batch import Batch
from spaces.cost import cost


def parameters(network: nn.Module, batch: Batch) -> float:
    """As the row's `parameters`."""
    return float(cost(network, *batch.images.shape[1:3])[0])


def macs(network: nn.Module, batch: Batch) -> float:
    """As the row's `macs`."""
    return float(cost(network, *batch.images.shape[1:3])[1])
