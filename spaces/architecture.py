"""Architectures as values: frozen, hashable, with a text form that parses back. Standard library only."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

CELL_FIELDS = ("inputs", "concat", "normal", "reduction")
LONG = 4  # blocks that a shortcut reaches at least to be counted as long (study 2)


def short(text: str) -> str:
    """As much of it as fits into a message."""
    text = " ".join(text.split())
    return text if len(text) <= 60 else f"{text[:59]}…"


@dataclass(frozen=True)
class Shortcuts:
    """A VGG whose block i also feeds block k for every pair (i, k); blocks are numbered from 1."""

    vgg: str
    pairs: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "pairs", tuple(sorted(set(self.pairs))))

    def __str__(self) -> str:
        return " ".join([self.vgg, *(f"{i}-{k}" for i, k in self.pairs)])

    @classmethod
    def parse(cls, text: str) -> "Shortcuts":
        vgg, *pairs = text.split() or [""]
        if bad := [pair for pair in pairs if not re.fullmatch(r"[0-9]{1,4}-[0-9]{1,4}", pair)]:
            raise ValueError(f"'{short(bad[0])}' is no shortcut; write source-target, as in 'vgg19 1-3 2-7'")
        if vgg not in LAYERS:
            raise ValueError(f"'{short(text)}' is no architecture: it begins with none of {', '.join(LAYERS)}")
        return cls(vgg, tuple((int(i), int(k)) for i, k in (pair.split("-") for pair in pairs)))

    @property
    def shortcuts(self) -> int:
        return len(self.pairs)

    @property
    def long_shortcuts(self) -> int:
        return sum(k - i >= LONG for i, k in self.pairs)


@dataclass(frozen=True, order=True)
class Edge:
    """One edge of a cell: `operation` applied to node `source`, added to node `target`."""

    source: int
    target: int
    operation: str

    def __str__(self) -> str:
        return f"{self.source}>{self.target}:{self.operation}"


@dataclass(frozen=True)
class Cells:
    """A normal cell and, in spaces that have one, a reduction cell; nodes 0..inputs-1 are the cell's inputs."""

    inputs: int
    concat: tuple[int, ...]
    normal: tuple[Edge, ...]
    reduction: tuple[Edge, ...] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "normal", tuple(sorted(self.normal)))
        if self.reduction is not None:
            object.__setattr__(self, "reduction", tuple(sorted(self.reduction)))

    def __hash__(self) -> int:
        """Worked out once: a search looks up each of its architectures many times."""
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.inputs, self.concat, self.normal, self.reduction))

    def __reduce__(self) -> tuple[Any, ...]:
        """Without the hash, which another process would not have."""
        return type(self), (self.inputs, self.concat, self.normal, self.reduction)

    def __str__(self) -> str:
        parts = ["cells", f"inputs={self.inputs}", "concat=" + ",".join(map(str, self.concat))]
        parts.append("normal=" + ",".join(map(str, self.normal)))
        if self.reduction is not None:
            parts.append("reduction=" + ",".join(map(str, self.reduction)))
        return " ".join(parts)

    @classmethod
    def parse(cls, text: str) -> "Cells":
        head, *parts = text.split() or [""]
        fields = dict(part.split("=", 1) for part in parts if "=" in part)
        if head != "cells" or not set(CELL_FIELDS[:3]) <= fields.keys():
            raise ValueError(f"'{short(text)}' is no cell architecture; it needs inputs=, concat= and normal=, or is a "
                             "Genotype(…)")  # fmt: skip
        if len(fields) < len(parts) or not fields.keys() <= set(CELL_FIELDS):
            raise ValueError(f"a cell architecture has {', '.join(CELL_FIELDS)}, each once and without blanks")
        reduction = _edges(fields["reduction"]) if "reduction" in fields else None
        inputs, concat = fields["inputs"], fields["concat"].split(",")
        if odd := [node for node in (inputs, *concat) if not re.fullmatch(r"[0-9]{1,2}", node)]:
            raise ValueError(f"'{short(odd[0])}' is no number of a node")
        return cls(int(inputs), tuple(map(int, concat)), _edges(fields["normal"]), reduction)

    @property
    def shortcuts(self) -> int:
        """Edges with skip_connect, in both cells together."""
        return sum(edge.operation == "skip_connect" for edge in (*self.normal, *(self.reduction or ())))

    @property
    def long_shortcuts(self) -> None:
        """Cells have no blocks to reach over."""
        return None


BENCH_EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))  # in the order of NAS-Bench-201's text
BENCH_OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")


class BenchCell(Cells):
    """A cell of NAS-Bench-201 (Dong & Yang 2020): an operation, or none, on each edge between four nodes."""

    def __str__(self) -> str:
        """As the field writes it: `|nor_conv_3x3~0|+|none~0|skip_connect~1|+|…|`, a part for each node."""
        operations = {(edge.source, edge.target): edge.operation for edge in self.normal}
        nodes = [[(i, k) for i, k in BENCH_EDGES if k == node] for node in (1, 2, 3)]
        parts = ("|".join(f"{operations.get(pair, 'none')}~{pair[0]}" for pair in pairs) for pairs in nodes)
        return "+".join(f"|{part}|" for part in parts)

    @classmethod
    def parse(cls, text: str) -> "BenchCell":
        """From the field's text, or from six digits, the operations of the edges in `BENCH_EDGES`' order."""
        if re.fullmatch(r"[0-4]{6}", text.strip()):
            return cls.of(BENCH_OPERATIONS[int(digit)] for digit in text.strip())
        nodes = [part.strip("|").split("|") for part in text.strip().split("+")]
        found = [tuple(edge.rpartition("~")[::2]) for edges in nodes for edge in edges]
        expected = [str(source) for source, _ in BENCH_EDGES]
        if [len(edges) for edges in nodes] != [1, 2, 3] or [source for _, source in found] != expected:
            raise ValueError(f"'{short(text)}' is no cell of NAS-Bench-201; write |op~0|+|op~0|op~1|+|op~0|op~1|op~2|")
        if unknown := [name for name, _ in found if name not in BENCH_OPERATIONS]:
            raise ValueError(f"operation '{unknown[0]}' is unknown; NAS-Bench-201 has {', '.join(BENCH_OPERATIONS)}")
        return cls.of(name for name, _ in found)

    @classmethod
    def of(cls, operations: Iterable[str]) -> "BenchCell":
        """The cell with these operations on `BENCH_EDGES`."""
        pairs = zip(BENCH_EDGES, operations, strict=True)
        return cls(1, (3,), tuple(Edge(*pair, operation) for pair, operation in pairs if operation != "none"))

    @property
    def digits(self) -> str:
        """Six digits: the operation of each of `BENCH_EDGES`."""
        operations = {(edge.source, edge.target): edge.operation for edge in self.normal}
        return "".join(str(BENCH_OPERATIONS.index(operations.get(pair, "none"))) for pair in BENCH_EDGES)


def _edges(text: str) -> tuple[Edge, ...]:
    edges = []
    for part in filter(None, text.split(",")):
        if not (match := re.fullmatch(r"([0-9]{1,2})>([0-9]{1,2}):(\w+)", part)):
            raise ValueError(f"'{short(part)}' is no edge; write source>target:operation, as in '0>1:conv_3x3'")
        edges.append(Edge(int(match[1]), int(match[2]), match[3]))
    return tuple(edges)


def parse(text: str) -> Shortcuts | Cells:
    """The architecture that `text` stands for. Raises ValueError on anything that is none."""
    if text.startswith("|"):
        return BenchCell.parse(text)
    return Cells.parse(text) if text.startswith("cells") else Shortcuts.parse(text)


LAYERS = {  # output channels of each block, stage by stage; a stage ends in 2×2 max pooling
    "vgg11": ((64,), (128,), (256, 256), (512, 512), (512, 512)),
    "vgg13": ((64, 64), (128, 128), (256, 256), (512, 512), (512, 512)),
    "vgg16": ((64, 64), (128, 128), (256,) * 3, (512,) * 3, (512,) * 3),
    "vgg19": ((64, 64), (128, 128), (256,) * 4, (512,) * 4, (512,) * 4),
}
