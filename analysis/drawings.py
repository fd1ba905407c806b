"""Architectures as drawings: a VGG with its shortcuts as arcs, cells as graphs. Takes values of spaces.architecture."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import networkx as nx

from analysis.style import COLOURS, FAINT, INK, LINES, PAPER, grid
from spaces.architecture import LONG, Cells, Edge, Shortcuts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Stroke = tuple[str, Any]  # colour and line style
SHORT_STROKE: Stroke = ("#d55e00", "--")
LONG_STROKE: Stroke = ("#0072b2", "-")
JOINED: Stroke = (FAINT, "-")
ARCH = 0.62  # height of an arc over its span


def draw(architecture: Shortcuts | Cells, title: str = "") -> "Figure":
    """One architecture, in the report's style."""
    from analysis.style import styled

    with styled():
        return networks({title: [architecture]})


def networks(found: Mapping[str, Sequence[Shortcuts | Cells]]) -> "Figure":
    """A panel for each title with its first architecture; the arcs of a VGG are the thicker the more of the others hold
    them too. A reduction cell has a panel of its own."""
    strokes = operation_strokes(edge for all_ in found.values() for edge in _edges(all_[0]))
    panels: list[tuple[str, Any]] = []
    for title, all_ in found.items():
        first = all_[0]
        if isinstance(first, Shortcuts):
            panels.append((title, (_vgg, first, shares([a for a in all_ if isinstance(a, Shortcuts)]))))
            continue
        panels.append((title, (_cell, graph(first, first.normal), strokes)))
        if first.reduction is not None:
            panels.append((f"{title}, reduction cell", (_cell, graph(first, first.reduction), strokes)))
    figure, axes = grid(len(panels), columns=1 if len(panels) == 1 else 2, width=5.2, height=2.5)
    for place, (title, (drawn, *content)) in zip(axes, panels, strict=True):
        drawn(place, *content)
        place.set_title(title, fontsize=9, loc="left")
        place.axis("off")
    shortcuts = {f"long shortcut ({LONG} blocks or further)": LONG_STROKE, "shorter shortcut": SHORT_STROKE}
    _key(figure, {**strokes, "concatenated": JOINED} if strokes else shortcuts)
    return figure


def structure(cell: Cells) -> "Figure":
    """The search cell: every edge that an operation can be chosen for, and what is concatenated."""
    last = max((*cell.concat, *(edge.target for edge in cell.normal)))
    every = tuple(Edge(i, k, "any operation") for k in range(cell.inputs, last + 1) for i in range(k))
    figure, (axes,) = grid(1, columns=1, width=5.2, height=2.8)
    strokes = operation_strokes(every)
    _cell(axes, graph(Cells(cell.inputs, cell.concat, every), every), strokes)
    axes.axis("off")
    _key(figure, {**strokes, "concatenated": JOINED})
    return figure


def shares(architectures: Sequence[Shortcuts]) -> dict[tuple[int, int], float]:
    """Which part of the architectures holds each shortcut."""
    pairs = [pair for architecture in architectures for pair in architecture.pairs]
    return {pair: pairs.count(pair) / len(architectures) for pair in sorted(set(pairs))}


def blocks(vgg: str) -> int:
    """VGG19 counts 16 convolutions and 3 linear layers; its blocks are the convolutions."""
    return int("".join(character for character in vgg if character.isdecimal())) - 3


def graph(cell: Cells, edges: Sequence[Edge]) -> nx.MultiDiGraph:
    """The cell as a graph from its inputs to `out`; `live` edges lie on a way from an input to the output."""
    out = nx.MultiDiGraph()
    out.add_nodes_from(range(cell.inputs), entry=True)
    out.add_edges_from((e.source, e.target, {"operation": e.operation}) for e in edges if e.operation != "none")
    out.add_edges_from((node, "out", {"operation": "concatenated"}) for node in cell.concat)
    reached = set(range(cell.inputs)).union(*(nx.descendants(out, node) for node in range(cell.inputs)))
    wanted = nx.ancestors(out, "out") | {"out"}
    for source, target, edge in out.edges(data=True):
        edge["live"] = source in reached and target in wanted
    return out


def operation_strokes(edges: Iterable[Edge]) -> dict[str, Stroke]:
    """Colour and line style of each operation, the same in all panels."""
    names = sorted({edge.operation for edge in edges} - {"none"})
    return {name: (COLOURS[n % len(COLOURS)], LINES[n % len(LINES)]) for n, name in enumerate(names)}


def _edges(architecture: Shortcuts | Cells) -> tuple[Edge, ...]:
    if isinstance(architecture, Shortcuts):
        return ()
    return (*architecture.normal, *(architecture.reduction or ()))


def _vgg(axes: "Axes", first: Shortcuts, share: Mapping[tuple[int, int], float]) -> None:
    depth = blocks(first.vgg)
    axes.plot([1, depth], [0, 0], color=INK, linewidth=1.2, zorder=1)
    for source, target in first.pairs:
        stroke = LONG_STROKE if target - source >= LONG else SHORT_STROKE
        _arc(axes, source, target, stroke, 0.7 + 1.6 * share[source, target])
    _nodes(axes, [(n, str(n)) for n in range(1, depth + 1)], size=95)
    axes.set_xlim(0.3, depth + 0.7)
    axes.set_ylim(-0.8, 0.5 * depth * ARCH)


def _cell(axes: "Axes", drawn: nx.MultiDiGraph, strokes: Mapping[str, Stroke]) -> None:
    """Nodes in a row, operations as arcs above it, concatenation below; what is cut off is faint."""
    order = [*sorted(node for node in drawn if node != "out"), "out"]
    place = {node: float(index) for index, node in enumerate(order)}
    for source, target, edge in drawn.edges(data=True):
        colour, line = strokes.get(edge["operation"], JOINED)
        lift = -0.8 if target == "out" else 1.0
        kept = (colour, line) if edge["live"] else (FAINT, line)
        _arc(axes, place[source], place[target], kept, 1.9 if edge["live"] else 0.8, lift)
    entries = [node for node in order if drawn.nodes[node].get("entry")]
    names = {node: f"in {node}" if len(entries) > 1 else "in" for node in entries}
    _nodes(axes, [(place[node], names.get(node, str(node))) for node in order], size=330)
    axes.set_xlim(-0.5, len(order) - 0.5)
    spans = {
        side: [abs(place[t] - place[s]) for s, t in drawn.edges() if (t == "out") == side] for side in (True, False)
    }
    axes.set_ylim(-0.3 - 0.4 * ARCH * max(spans[True], default=1), 0.4 + 0.5 * ARCH * max(spans[False], default=1))


def _arc(axes: "Axes", source: float, target: float, stroke: Stroke, width: float, lift: float = 1.0) -> None:
    from matplotlib.patches import Arc

    span, (colour, line) = target - source, stroke
    axes.add_patch(Arc(((source + target) / 2, 0), span, span * ARCH * lift, theta1=0, theta2=180, color=colour,
                       linewidth=width, linestyle=line, zorder=2))  # fmt: skip


def _nodes(axes: "Axes", nodes: Sequence[tuple[float, str]], size: float) -> None:
    axes.scatter([x for x, _ in nodes], [0] * len(nodes), s=size, facecolors=PAPER, edgecolors=INK, zorder=4)
    for x, label in nodes:
        axes.text(x, -0.01, label, ha="center", va="center", fontsize=6.5, zorder=5)


def _key(figure: "Figure", strokes: Mapping[str, Stroke]) -> None:
    """What the lines mean, below the panels."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=c, linestyle=line, linewidth=1.8, label=name) for name, (c, line) in strokes.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, fontsize=8, handlelength=3.2)
