"""The graph inside a cell: its possible edges in one order, and what of an architecture is alive. No torch."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from spaces.architecture import Cells, Edge

NONE = "none"


def betas_of(part: str) -> str:
    """The name of a kind of cell's β, how much each edge counts, beside that of its α."""
    return f"{part} edges"


@dataclass(frozen=True)
class Grid:
    """Every edge that a cell may have. Nodes 0..inputs-1 are its inputs, the `nodes` after them take any earlier one.

    The one order of edges, and so of α's rows, is lexicographic by (source, target): (0, 1), (0, 2), …, (1, 2), ….
    """

    inputs: int
    nodes: int
    operations: tuple[str, ...]

    @property
    def targets(self) -> range:
        return range(self.inputs, self.inputs + self.nodes)

    @cached_property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        return tuple((source, target) for source in range(self.targets.stop) for target in self.targets_of(source))

    @cached_property
    def candidates(self) -> tuple[str, ...]:
        """The operations that do something."""
        return tuple(operation for operation in self.operations if operation != NONE)

    def targets_of(self, source: int) -> range:
        return range(max(source + 1, self.inputs), self.targets.stop)

    def row(self, source: int, target: int) -> int:
        """Where the edge stands in `pairs`."""
        return self.pairs.index((source, target))


def reached(edges: Iterable[Edge], inputs: int) -> set[int]:
    """The nodes that some input flows into, the inputs among them."""
    nodes = set(range(inputs))
    for edge in sorted(edges):
        if edge.source in nodes:
            nodes.add(edge.target)
    return nodes


def live(edges: Sequence[Edge], inputs: int, concat: Sequence[int]) -> tuple[Edge, ...]:
    """The edges on a way from an input to a concatenated node; nothing else is built."""
    sources = reached(edges, inputs)
    wanted = set(concat)
    for edge in sorted(edges, key=lambda edge: edge.target, reverse=True):
        if edge.target in wanted:
            wanted.add(edge.source)
    return tuple(edge for edge in sorted(edges) if edge.source in sources and edge.target in wanted)


@dataclass(frozen=True)
class Stage:
    """Where in the network a cell stands; `shrunk` says that the cell before it was a reduction cell."""

    channels: int
    reduction: bool
    shrunk: bool

    @property
    def cell(self) -> str:
        return "reduction" if self.reduction else "normal"

    def stride(self, source: int, inputs: int) -> int:
        """2 on the edges that leave a reduction cell's inputs."""
        return 2 if self.reduction and source < inputs else 1


def stages(cells: int, channels: int, reduction: bool) -> list[Stage]:
    """The cells in a row; reduction cells, at ⌊L/3⌋ and ⌊2L/3⌋, double the channels (Liu et al. 2018, 3.1.1)."""
    places = {cells // 3, 2 * cells // 3} if reduction else set()
    return [
        Stage(channels << sum(place <= index for place in places), index in places, index - 1 in places)
        for index in range(cells)
    ]


@dataclass(frozen=True)
class Part:
    """What is built of one cell: its live edges, the concatenated nodes that are reached, the inputs that are used."""

    edges: tuple[Edge, ...]
    concat: tuple[int, ...]
    used: tuple[int, ...]


def parts(architecture: Cells) -> dict[str, Part]:
    """The normal cell's part and, where there is one, the reduction cell's."""
    found = {}
    for name, edges in (("normal", architecture.normal), ("reduction", architecture.reduction)):
        if edges is not None:
            alive = live(edges, architecture.inputs, architecture.concat)
            targets = {edge.target for edge in alive}
            used = sorted({edge.source for edge in alive if edge.source < architecture.inputs})
            found[name] = Part(alive, tuple(node for node in architecture.concat if node in targets), tuple(used))
    return found


def built(used: Sequence[Sequence[int]], inputs: int) -> set[int]:
    """Which cells of the row the output depends on; used[i] are the inputs that cell i uses."""
    wanted = {len(used) - 1}
    for index in reversed(range(len(used))):
        if index in wanted:
            wanted |= {index - inputs + node for node in used[index]}
    return {index for index in wanted if index >= 0}
