"""Architectures as values: frozen, hashable, with a text form that parses back. Standard library only."""

import re
from dataclasses import dataclass

LONG = 4  # blocks that a shortcut reaches at least to be counted as long (study 2)


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
        vgg, *pairs = text.split()
        if bad := [pair for pair in pairs if not re.fullmatch(r"\d+-\d+", pair)]:
            raise ValueError(f"'{bad[0]}' is no shortcut; write source-target, as in 'vgg19 1-3 2-7'")
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

    def __str__(self) -> str:
        parts = ["cells", f"inputs={self.inputs}", "concat=" + ",".join(map(str, self.concat))]
        parts.append("normal=" + ",".join(map(str, self.normal)))
        if self.reduction is not None:
            parts.append("reduction=" + ",".join(map(str, self.reduction)))
        return " ".join(parts)

    @classmethod
    def parse(cls, text: str) -> "Cells":
        head, *parts = text.split()
        fields = dict(part.split("=", 1) for part in parts if "=" in part)
        if head != "cells" or not {"inputs", "concat", "normal"} <= fields.keys():
            raise ValueError(f"'{text}' is no cell architecture; it needs inputs=, concat= and normal=")
        reduction = _edges(fields["reduction"]) if "reduction" in fields else None
        concat = tuple(int(node) for node in fields["concat"].split(","))
        return cls(int(fields["inputs"]), concat, _edges(fields["normal"]), reduction)

    @property
    def shortcuts(self) -> int:
        """Edges with skip_connect, in both cells together."""
        return sum(edge.operation == "skip_connect" for edge in (*self.normal, *(self.reduction or ())))

    @property
    def long_shortcuts(self) -> None:
        """Cells have no blocks to reach over."""
        return None


def _edges(text: str) -> tuple[Edge, ...]:
    edges = []
    for part in filter(None, text.split(",")):
        if not (match := re.fullmatch(r"(\d+)>(\d+):(\w+)", part)):
            raise ValueError(f"'{part}' is no edge; write source>target:operation, as in '0>1:conv_3x3'")
        edges.append(Edge(int(match[1]), int(match[2]), match[3]))
    return tuple(edges)


def parse(text: str) -> Shortcuts | Cells:
    """The architecture that `text` stands for. Raises ValueError on anything that is none."""
    return Cells.parse(text) if text.startswith("cells") else Shortcuts.parse(text)


LAYERS = {  # output channels of each block, stage by stage; a stage ends in 2×2 max pooling
    "vgg11": ((64,), (128,), (256, 256), (512, 512), (512, 512)),
    "vgg13": ((64, 64), (128, 128), (256, 256), (512, 512), (512, 512)),
    "vgg16": ((64, 64), (128, 128), (256,) * 3, (512,) * 3, (512,) * 3),
    "vgg19": ((64, 64), (128, 128), (256,) * 4, (512,) * 4, (512,) * 4),
}
