"""The cell supernet as one would first write it: every edge by itself, every operation by itself, then the sum."""

import torch
import torch.nn.functional as F

from spaces.architecture import Edge
from spaces.cell import CellSpace
from spaces.cell_network import name

SMALL = {"channels": 4, "train_channels": 4, "cells": 3, "train_cells": 3}


def small(preset, **options):
    return CellSpace.named(preset, **{**SMALL, **options})


def plain_forward(supernet, images, gates=None):
    """`supernet`'s logits from its own weights; `gates` in place of what its α says."""
    gates = gates or supernet.probabilities()
    recent = [supernet.stem(images)] * supernet.grid.inputs
    for kind, cell in zip(supernet.kinds, supernet.cells, strict=True):
        recent = [*recent[1:], _cell(cell, recent, gates[kind])]
    return supernet.classifier(F.adaptive_avg_pool2d(recent[-1], 1).flatten(1))


def _cell(cell, inputs, gates):
    grid = cell.grid
    nodes = [cell.inputs[str(node)](inputs[node]) for node in range(grid.inputs)]
    for target in grid.targets:
        nodes.append(sum(_edge(cell, nodes, source, target, gates) for source in range(target)))
    return torch.cat([nodes[node] for node in cell.concat], dim=1)


def _edge(cell, nodes, source, target, gates):
    row = gates[cell.grid.pairs.index((source, target))]
    weighed = zip(row, cell.grid.operations, strict=True)
    return sum(weight * _operation(cell, nodes, source, target, op) for weight, op in weighed if op != "none")


def _operation(cell, nodes, source, target, operation):
    key, shared = name(Edge(source, target, operation)), f"{source}_{operation}"
    return cell.edges[key](nodes[source]) if key in cell.edges else cell.shared[shared](nodes[source])
