"""NAS-Bench-201 (Dong & Yang 2020): 15,625 cells of four nodes, six edges and five operations."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar

import numpy as np

from spaces.architecture import BENCH_EDGES, BENCH_OPERATIONS, BenchCell, Cells, Edge, short
from spaces.cells import variation
from spaces.cells.decisions import decisions
from spaces.cells.edited import Item, listed
from spaces.cells.graph import NONE, Grid
from spaces.cells.mixing import PLAIN, Mixing
from spaces.cells.rules import edge_wise
from spaces.decisions import Stages
from spaces.edits import Edited, Items, Parts
from spaces.nasbench201.network import BenchNetwork
from spaces.nasbench201.supernet import BenchSupernet
from spaces.space import Alpha

RULE = "edge-wise"
GRID = Grid(1, 3, BENCH_OPERATIONS)
MOST = {"cells": 100, "train_cells": 100, "channels": 1024, "train_channels": 1024}


@dataclass(frozen=True)
class BenchSpace(Edited):
    """`cells` (a stage) and `channels` (of the first stage) shape the supernet; `train_cells` and `train_channels`
    (default: the published 5 and 16) the networks that are trained from scratch.

    Every cell counts as an architecture, those whose output nothing reaches among them: the benchmark has them.
    """

    cells: int = 5
    channels: int = 16
    train_cells: int = 5
    train_channels: int = 16
    rules: ClassVar[tuple[str, ...]] = (RULE,)
    gates: ClassVar[tuple[str, ...]] = ("softmax", "sigmoid", "gumbel", "dirichlet", "exponentiated")
    mixes: ClassVar[bool] = True  # its supernet takes a `Mixing`

    def __post_init__(self) -> None:
        for name, most in MOST.items():
            size = getattr(self, name)
            if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= most:
                raise ValueError(f"{name} must be an integer between 1 and {most}")

    def supernet(self, classes: int, channels: int, gate: str, mixing: Mixing = PLAIN) -> BenchSupernet:
        return BenchSupernet(GRID, self.cells, self.channels, gate, classes, channels, mixing)

    def build(self, architecture: BenchCell, classes: int, channels: int) -> BenchNetwork:
        return BenchNetwork(architecture, self.train_cells, self.train_channels, classes, channels)

    def parse(self, text: str) -> BenchCell:
        """From the field's text, six digits, or our own text of a cell. Raises ValueError."""
        if not text.startswith("cells"):
            return BenchCell.parse(text)
        cell = Cells.parse(text)
        if (cell.inputs, cell.concat, cell.reduction) != (1, (3,), None):
            raise ValueError(f"'{short(text)}' is no cell of NAS-Bench-201: these have inputs=1 and concat=3")
        pairs = [(edge.source, edge.target) for edge in cell.normal]
        for edge, pair in zip(cell.normal, pairs, strict=True):
            if pair not in BENCH_EDGES or edge.operation not in GRID.candidates or pairs.count(pair) > 1:
                raise ValueError(f"'{edge}' is no edge of NAS-Bench-201, or stands beside another one there")
        return BenchCell(1, (3,), cell.normal)

    def discretise(self, alpha: Alpha, rule: str) -> BenchCell:
        return self._cell(edge_wise(np.asarray(alpha["normal"], dtype=float), GRID))

    def draw(self, rule: str, rng: Random, shortcuts: int | None = None) -> BenchCell:
        """Sampled uniformly from all 15,625, or from those with so many skip_connects."""
        return self._cell(*variation.draw(RULE, GRID, 1, shortcuts, rng))

    def matches(self, rule: str) -> tuple[str, ...]:
        """As many of each operation, and so as many parameters."""
        return ("parameters",)

    def draw_alike(self, architecture: BenchCell, rule: str, rng: Random, match: str) -> BenchCell | None:
        """Uniform over the other arrangements of its operations on the six edges; None where all six are equal."""
        digits = [*architecture.digits]
        while len(set(digits)) > 1:
            rng.shuffle(digits)
            if (found := BenchCell.parse("".join(digits))) != architecture:
                return found
        return None

    def mutate(self, architecture: BenchCell, rule: str, rng: Random, rate: float) -> BenchCell:
        """Each edge chosen anew with probability `rate`."""
        return self._mixed(architecture, lambda: self.draw(rule, rng), rate, rng)

    def crossover(self, first: BenchCell, second: BenchCell, rule: str, rng: Random) -> BenchCell:
        """Each edge from either parent alike."""
        return self._mixed(first, lambda: second, 0.5, rng)

    def _mixed(self, first: BenchCell, other: Callable[[], BenchCell], rate: float, rng: Random) -> BenchCell:
        return self._cell(*variation.mix([first.normal], [other().normal], RULE, rate, rng))

    def decisions(self, rule: str) -> Stages:
        return decisions(rule, GRID, ("normal",))

    def _parts(self, rule: str) -> Parts:
        return listed(RULE, GRID, 1)

    def _items(self, architecture: BenchCell) -> Iterator[Item]:
        return ((0, edge) for edge in architecture.normal)

    def _made_of(self, items: Items) -> BenchCell:
        return BenchCell(1, (3,), tuple(edge for _, edge in items))

    def baseline(self) -> None:
        """There is no network that a search starts from."""
        return None

    def broken(self, architecture: Any) -> str:
        """A cell whose output nothing reaches guesses: that is its result."""
        return ""

    def most_shortcuts(self, rule: str) -> int:
        """Half of the edges: more skip_connects are the collapse that DARTS is known for."""
        return len(BENCH_EDGES) // 2

    def alpha_labels(self) -> dict[str, dict[str, list[str]]]:
        edges = [f"{source}→{target}" for source, target in GRID.pairs]
        return {"normal": {"rows": edges, "columns": list(BENCH_OPERATIONS)}}

    @staticmethod
    def _cell(edges: tuple[Edge, ...]) -> BenchCell:
        return BenchCell(1, (3,), tuple(edge for edge in edges if edge.operation != NONE))
