"""Search spaces of cells: any number of nodes, one or two inputs, reduction cells, any list of operations."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from torch import nn

from spaces.architecture import Cells, Edge, short
from spaces.cells import genotype, variation
from spaces.cells.edited import CellEdits
from spaces.cells.graph import NONE, Grid, reached
from spaces.cells.matching import MATCHES, same_operations
from spaces.cells.mixing import PLAIN, Mixing
from spaces.cells.network import CellNetwork, Layout, depth
from spaces.cells.operations import OPERATIONS
from spaces.cells.rules import RULES, Rule, choices, read
from spaces.cells.supernet import CellSupernet
from spaces.plugins import function_fault, imported
from spaces.space import Alpha

STUDY1 = ("conv_3x3", "conv_5x5", "avg_pool_3x3", "max_pool_3x3", "skip_connect", NONE)
DARTS = (
    NONE, "max_pool_3x3", "avg_pool_3x3", "skip_connect",
    "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5",
)  # fmt: skip
AUXILIARY_WEIGHT = 0.4  # Liu et al. 2018, section 3.2
TRIES = 1000
LARGEST = {"nodes": 20, "cells": 100, "train_cells": 100, "channels": 1024, "train_channels": 1024, "stem": 16}

PRESETS: dict[str, dict[str, Any]] = {
    "cell-study1": {},
    "cell-study1-two-inputs": {"inputs": 2},
    "cell-study1-reduction": {"reduction": True},
    "cell-darts": {
        "nodes": 4, "inputs": 2, "concat": 4, "reduction": True, "operations": DARTS, "cells": 8, "stem": 3,
        "train_cells": 20, "train_channels": 36, "auxiliary": AUXILIARY_WEIGHT, "drop_path": 0.2,
        "rules": ("darts-top2", "edge-wise", "node-wise"),
    },
}  # fmt: skip


@dataclass(frozen=True)
class CellSpace(CellEdits):
    """A `Space` whose architectures are `Cells`; every field is an option of the study. Defaults are study 1's.

    `nodes` are the intermediate ones; `concat` says which of them make the output, or how many of the last.
    `cells` and `channels` shape the supernet, `train_cells` and `train_channels` (default: the same) the networks
    that are trained from scratch; `stem` multiplies the channels of the first layer; `auxiliary` is the weight of
    the auxiliary loss (true: 0.4), `drop_path` its final probability. Raises ValueError on settings that make no cell.
    """

    nodes: int = 5
    inputs: int = 1
    concat: int | tuple[int, ...] = 3
    reduction: bool = False
    operations: tuple[str, ...] = STUDY1
    cells: int = 4
    channels: int = 16
    stem: int = 1
    train_cells: int | None = None
    train_channels: int | None = None
    auxiliary: bool | float = 0.0
    drop_path: float = 0.0
    rules: tuple[str, ...] = ("edge-wise", "node-wise")

    gates = ("softmax", "sigmoid", "gumbel", "dirichlet", "exponentiated")
    mixes = True  # its supernet takes a `Mixing`

    def __post_init__(self) -> None:
        for name in ("operations", "rules"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if not isinstance(self.concat, int):
            object.__setattr__(self, "concat", tuple(sorted(set(self.concat))))
        if self.auxiliary is True:
            object.__setattr__(self, "auxiliary", AUXILIARY_WEIGHT)
        if fault := self._fault():
            raise ValueError(fault)

    @classmethod
    def named(cls, preset: str, **options: Any) -> "CellSpace":
        """The space called `preset`, with some settings changed."""
        if preset not in PRESETS:
            raise ValueError(f"cell space '{preset}' is unknown; there are {', '.join(PRESETS)}")
        return cls(**{**PRESETS[preset], **options})

    def _fault(self) -> str:
        sizes = {"nodes": self.nodes, "cells": self.cells, "channels": self.channels, "stem": self.stem}
        sizes |= {n: v for n in ("train_cells", "train_channels") if (v := getattr(self, n)) is not None}
        for name, size in sizes.items():
            if not isinstance(size, int) or not 1 <= size <= LARGEST[name]:
                return f"{name} must be an integer between 1 and {LARGEST[name]}"
        if self.reduction and min(self.channels, self.train_channels or self.channels) < 2:
            return "reduction cells need 2 channels or more"
        if self.inputs not in (1, 2):
            return f"inputs is {self.inputs}; a cell has 1 or 2"
        if unknown := [name for name in self.operations if name not in (*OPERATIONS, NONE)]:
            return f"operation '{unknown[0]}' is unknown; there are {', '.join((*OPERATIONS, NONE))}"
        if not self.rules or (unknown := [rule for rule in self.rules if ":" not in rule and rule not in RULES]):
            return f"rules names {unknown[0] if self.rules else 'none'}; there are {', '.join(RULES)}"
        if not self.grid.candidates or len(set(self.operations)) < len(self.operations):
            return "operations must name some that do something, each once"
        if not self.concatenated or not set(self.concatenated) <= set(self.grid.targets):
            return f"concat is {self.concat}; the intermediate nodes are {', '.join(map(str, self.grid.targets))}"
        if self.concatenated[-1] != self.grid.targets[-1]:
            return f"concat leaves out node {self.grid.targets[-1]}, which then leads nowhere"
        if not 0 <= self.drop_path < 1 or self.auxiliary < 0:
            return "drop_path lies in [0, 1), auxiliary is 0 or more"
        return ""

    @property
    def grid(self) -> Grid:
        return Grid(self.inputs, self.nodes, self.operations)

    @property
    def concatenated(self) -> tuple[int, ...]:
        """The intermediate nodes that make the output."""
        if isinstance(self.concat, int):
            return tuple(self.grid.targets)[-self.concat :] if 0 < self.concat <= self.nodes else ()
        return self.concat

    @property
    def parts(self) -> tuple[str, ...]:
        return ("normal", "reduction") if self.reduction else ("normal",)

    @property
    def trained(self) -> Layout:
        """How networks that are trained from scratch are laid out."""
        return Layout(
            self.train_cells or self.cells, self.train_channels or self.channels, self.stem, self.reduction,
            float(self.auxiliary), self.drop_path,
        )  # fmt: skip

    def supernet(self, classes: int, channels: int, gate: str, mixing: Mixing = PLAIN) -> CellSupernet:
        layout = Layout(self.cells, self.channels, self.stem, self.reduction)
        return CellSupernet(self.grid, self.concatenated, layout, gate, classes, channels, mixing)

    def build(self, architecture: Cells, classes: int, channels: int) -> nn.Module:
        """Raises ValueError where the architecture's output is not reached."""
        if fault := self.broken(architecture):
            raise ValueError(fault)
        return CellNetwork(architecture, self.trained, classes, channels)

    def parse(self, text: str, name: str = "") -> Cells:
        """From our own text form or from DARTS's `Genotype(…)`; ValueError on anything outside this space.

        `name` chooses among the genotypes of a module or a log.
        """
        architecture = genotype.parse(text, name) if name or genotype.is_genotype(text) else Cells.parse(text)
        if (architecture.inputs, architecture.concat) != (self.inputs, self.concatenated):
            raise ValueError(f"this space's cells have inputs={self.inputs} and concat={self.concatenated}")
        if (architecture.reduction is not None) != self.reduction:
            raise ValueError(f"this space has {'a' if self.reduction else 'no'} reduction cell")
        for edges in _edges(architecture):
            pairs = [(edge.source, edge.target) for edge in edges]
            for edge, pair in zip(edges, pairs, strict=True):
                if pair not in self.grid.pairs or edge.operation not in self.grid.candidates:
                    raise ValueError(f"'{short(str(edge))}' is no edge of this space")
                if pairs.count(pair) > 1:
                    raise ValueError(f"two operations stand on edge {edge.source}>{edge.target}")
        return architecture

    def discretise(self, alpha: Alpha, rule: str) -> Cells:
        return self._cells([read(_rule(rule), alpha, part, self.grid) for part in self.parts])

    def draw(self, rule: str, rng: Random, shortcuts: int | None = None) -> Cells:
        """Sampled uniformly from the rule's architectures whose output is reached, with so many skip_connects in all.

        A custom rule is sampled by reading it from random α; that need not be uniform.
        """
        cells = len(self.parts)
        for _ in range(TRIES):
            if rule in RULES:
                architecture = self._cells(variation.draw(rule, self.grid, cells, shortcuts, rng))
            else:
                architecture = self._cells(variation.draw_alpha(_rule(rule), self.grid, cells, rng))
            if shortcuts in (None, architecture.shortcuts) and not self.broken(architecture):
                return architecture
        raise ValueError(f"no {rule} architecture that works has {shortcuts} shortcuts, as {TRIES} draws show")

    def matches(self, rule: str) -> tuple[str, ...]:
        return MATCHES if rule in RULES else ()

    def draw_alike(self, architecture: Cells, rule: str, rng: Random, match: str) -> Cells | None:
        """Uniform over the rule's other architectures whose output is reached and whose cells have as many of each
        operation; None where none is found."""
        alike = same_operations(rule, self.grid, tuple(_edges(architecture)))
        for _ in range(alike.tries):
            found = self._cells(alike.draw(rng))
            if found != architecture and not self.broken(found):
                return found
        return None

    def mutate(self, architecture: Cells, rule: str, rng: Random, rate: float) -> Cells:
        """Each node (edge-wise: each edge) chosen anew, as in a fresh draw, with probability `rate`."""
        return self._mixed(architecture, lambda: self.draw(rule, rng), rule, rate, rng)

    def crossover(self, first: Cells, second: Cells, rule: str, rng: Random) -> Cells:
        """Each node (edge-wise: each edge) from either parent alike."""
        return self._mixed(first, lambda: second, rule, 0.5, rng)

    def _mixed(self, first: Cells, other: Callable[[], Cells], rule: str, rate: float, rng: Random) -> Cells:
        """A mixture whose output is reached; `first` itself where none is found."""
        for _ in range(TRIES):
            mixed = variation.mix(_edges(first), _edges(other()), rule, rate, rng)
            child = self._cells([variation.inside(edges, _rule(rule), self.grid) for edges in mixed])
            if not self.broken(child):
                return child
        return first

    def baseline(self) -> None:
        """Cells have no network that a search starts from."""
        return None

    def broken(self, architecture: Cells) -> str:
        for part, edges in zip(self.parts, _edges(architecture), strict=True):
            if not set(architecture.concat) & reached(edges, self.inputs):
                nodes = ", ".join(map(str, architecture.concat))
                return f"{part} cell: none of the concatenated nodes {nodes} is reached from an input"
        return ""

    def most_shortcuts(self, rule: str) -> int | None:
        """Half of a cell's edges that `rule` can keep: more skip_connects are the collapse that DARTS is known for."""
        return sum(max(map(len, part)) for part in choices(rule, self.grid)) // 2 if rule in RULES else None

    def shortcuts_by_cell(self, architecture: Cells) -> dict[str, int]:
        edges = zip(self.parts, _edges(architecture), strict=True)
        return {part: sum(edge.operation == "skip_connect" for edge in own) for part, own in edges}

    def _cells(self, edges: list[tuple[Edge, ...]]) -> Cells:
        return Cells(self.inputs, self.concatenated, *edges)

    def alpha_labels(self) -> dict[str, dict[str, list[str]]]:
        """For each array of α what its rows and columns stand for, for figures."""
        edges = [f"{source}→{target}" for source, target in self.grid.pairs]
        return {part: {"rows": edges, "columns": list(self.operations)} for part in self.parts}

    def layers(self, architecture: Cells) -> int:
        """Convolutions and linear layers on the longest live path of the trained network (docs/studies.md)."""
        return depth(architecture, self.trained)


def _edges(architecture: Cells) -> list[tuple[Edge, ...]]:
    return [edges for edges in (architecture.normal, architecture.reduction) if edges is not None]


def _rule(name: str) -> Rule:
    unknown = f"rule '{name}' is unknown; cells have {', '.join(RULES)}"
    return RULES.get(name) or imported(name, unknown, function_fault("alpha", "grid"))
