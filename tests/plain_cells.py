"""Cell spaces small enough for tests, and their supernet as one would first write it."""

import torch
from torch import nn

from benchmarks.plain import cell_forward as plain_forward
from spaces.cells.space import CellSpace

__all__ = ["plain_forward", "seeded", "small"]

SMALL = {"channels": 4, "train_channels": 4, "cells": 3, "train_cells": 3}


def small(preset, **options):
    return CellSpace.named(preset, **{**SMALL, **options})


def seeded(network):
    """BatchNorm statistics and α away from where they start, so that a mistake in either shows."""
    torch.manual_seed(0)
    for buffer_name, buffer in network.named_buffers():
        if buffer_name.endswith(("mean", "var")):
            buffer.uniform_(0.5, 1.5)
    for alpha in getattr(network, "alphas", {}).values():
        nn.init.normal_(alpha)
    return network
