"""Architectures as drawings: a VGG with its shortcuts as arcs, cells as graphs. Takes values of spaces.architecture."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import networkx as nx
import pandas as pd

from analysis.figures.style import COLOURS, FAINT, INK, LINES, PAPER, Drawing, grid
from spaces.architecture import LONG, Cells, Edge, Shortcuts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Stroke = tuple[str, Any]  # colour and line style
Panel = tuple[str, pd.DataFrame, "Callable[[Axes, pd.DataFrame], None]"]  # title, a row an edge, and how to draw them
SHORT_STROKE: Stroke = ("#d55e00", "--")
LONG_STROKE: Stroke = ("#0072b2", "-")
JOINED: Stroke = (FAINT, "-")
ARCH = 0.62  # height of an arc over its span


def draw(architecture: Shortcuts | Cells, title: str = "") -> "Figure":
    """One architecture, in the report's style."""
    from analysis.figures.style import styled

    with styled():
        return networks({title: [architecture]}).figure


def networks(found: Mapping[str, Sequence[Shortcuts | Cells]]) -> Drawing:
    """A panel for each title with its first architecture; the arcs of a VGG are the thicker the more of the others hold
    them too. A reduction cell has a panel of its own."""
    strokes = operation_strokes(edge for all_ in found.values() for edge in _edges(all_[0]))
    panels = [panel for title, all_ in found.items() for panel in _panels(title, all_, strokes)]
    figure, axes = grid(len(panels), columns=1 if len(panels) == 1 else 2, width=5.2, height=2.5)
    for place, (title, edges, drawn) in zip(axes, panels, strict=True):
        drawn(place, edges)
        place.set_title(title, fontsize=9, loc="left")
        place.axis("off")
    shortcuts = {f"long shortcut ({LONG} blocks or further)": LONG_STROKE, "shorter shortcut": SHORT_STROKE}
    _key(figure, {**strokes, "concatenated": JOINED} if strokes else shortcuts)
    records = [{"panel": title, **edge} for title, edges, _ in panels for edge in edges.to_dict("records")]
    return Drawing(figure, pd.DataFrame(records))


def _panels(title: str, all_: Sequence[Shortcuts | Cells], strokes: Mapping[str, Stroke]) -> Iterable[Panel]:
    first = all_[0]
    if isinstance(first, Shortcuts):
        share = shares([a for a in all_ if isinstance(a, Shortcuts)])
        arcs = [(source, target, share[source, target]) for source, target in first.pairs]
        yield title, pd.DataFrame(arcs, columns=["from", "to", "share"]), partial(_vgg, depth=blocks(first.vgg))
        return
    drawn = partial(_cell, inputs=first.inputs, strokes=strokes)
    yield title, edges(first, first.normal), drawn
    if first.reduction is not None:
        yield f"{title}, reduction cell", edges(first, first.reduction), drawn


def structure(cell: Cells) -> Drawing:
    """The search cell: every edge that an operation can be chosen for, and what is concatenated."""
    last = max((*cell.concat, *(edge.target for edge in cell.normal)))
    every = tuple(Edge(i, k, "any operation") for k in range(cell.inputs, last + 1) for i in range(k))
    figure, (axes,) = grid(1, columns=1, width=5.2, height=2.8)
    strokes = operation_strokes(every)
    drawn = edges(Cells(cell.inputs, cell.concat, every), every)
    _cell(axes, drawn, cell.inputs, strokes)
    axes.axis("off")
    _key(figure, {**strokes, "concatenated": JOINED})
    return Drawing(figure, drawn)


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
    out.add_nodes_from(range(cell.inputs))
    out.add_edges_from((e.source, e.target, {"operation": e.operation}) for e in edges if e.operation != "none")
    out.add_edges_from((node, "out", {"operation": "concatenated"}) for node in cell.concat)
    reached = set(range(cell.inputs)).union(*(nx.descendants(out, node) for node in range(cell.inputs)))
    wanted = nx.ancestors(out, "out") | {"out"}
    for source, target, edge in out.edges(data=True):
        edge["live"] = source in reached and target in wanted
    return out


def edges(cell: Cells, chosen: Sequence[Edge]) -> pd.DataFrame:
    """A row for each edge of the cell's graph: from, to (a node or `out`), operation, live."""
    found = [(*ends, edge["operation"], edge["live"]) for *ends, edge in graph(cell, chosen).edges(data=True)]
    return pd.DataFrame(found, columns=["from", "to", "operation", "live"])


def operation_strokes(edges: Iterable[Edge]) -> dict[str, Stroke]:
    """Colour and line style of each operation, the same in all panels."""
    names = sorted({edge.operation for edge in edges} - {"none"})
    return {name: (COLOURS[n % len(COLOURS)], LINES[n % len(LINES)]) for n, name in enumerate(names)}


def _edges(architecture: Shortcuts | Cells) -> tuple[Edge, ...]:
    if isinstance(architecture, Shortcuts):
        return ()
    return (*architecture.normal, *(architecture.reduction or ()))


def _vgg(axes: "Axes", arcs: pd.DataFrame, depth: int) -> None:
    axes.plot([1, depth], [0, 0], color=INK, linewidth=1.2, zorder=1)
    for source, target, share in arcs.itertuples(index=False):
        stroke = LONG_STROKE if target - source >= LONG else SHORT_STROKE
        _arc(axes, source, target, stroke, 0.7 + 1.6 * share)
    _nodes(axes, [(n, str(n)) for n in range(1, depth + 1)], size=95)
    axes.set_xlim(0.3, depth + 0.7)
    axes.set_ylim(-0.8, 0.5 * depth * ARCH)


def _cell(axes: "Axes", drawn: pd.DataFrame, inputs: int, strokes: Mapping[str, Stroke]) -> None:
    """Nodes in a row, operations as arcs above it, concatenation below; what is cut off is faint."""
    order = [*sorted({*range(inputs), *drawn["from"], *drawn["to"]} - {"out"}), "out"]
    place = {node: float(index) for index, node in enumerate(order)}
    for source, target, operation, live in drawn.itertuples(index=False):
        colour, line = strokes.get(operation, JOINED)
        lift = -0.8 if target == "out" else 1.0
        _arc(axes, place[source], place[target], (colour if live else FAINT, line), 1.9 if live else 0.8, lift)
    names = {node: f"in {node}" if inputs > 1 else "in" for node in range(inputs)}
    _nodes(axes, [(place[node], names.get(node, str(node))) for node in order], size=330)
    axes.set_xlim(-0.5, len(order) - 0.5)
    ends = [*zip(drawn["from"], drawn["to"], strict=True)]
    spans = {side: [abs(place[t] - place[s]) for s, t in ends if (t == "out") == side] for side in (True, False)}
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
