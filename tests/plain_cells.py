"""Cell spaces small enough for tests, and their supernet as one would first write it."""

from benchmarks.plain import cell_forward as plain_forward
from spaces.cells.space import CellSpace

__all__ = ["plain_forward", "small"]

SMALL = {"channels": 4, "train_channels": 4, "cells": 3, "train_cells": 3}


def small(preset, **options):
    return CellSpace.named(preset, **{**SMALL, **options})
