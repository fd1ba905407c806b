"""DARTS's published notation for cells, and those that others made of it."""

import ast
import difflib
from collections.abc import Sequence
from typing import Any

from spaces.architecture import Cells, Edge
from spaces.cells import pasted
from spaces.cells.graph import NONE

FIELDS = ("normal", "normal_concat", "reduce", "reduce_concat")
INPUTS = 2
MEANT = ("an edge is a pair (operation, source), also with its weight behind it, or a triple (operation, source, "
         "target) or (operation, target, source)")  # fmt: skip
NOTHING: tuple[Any, ...] = (None, [])

is_genotype = pasted.is_genotype


def parse(text: str, name: str = "") -> Cells:
    """`Genotype(normal=[('sep_conv_3x3', 1), …], normal_concat=range(2, 6), reduce=[…], reduce_concat=…)`.

    It may stand in a log or in a module, with a name in front, which chooses among several. Every node takes the next
    two edges, those of its own list, or those that name it as their target; nodes 0 and 1 are the inputs. A cell of
    None or [] is none. Raises ValueError, in one line, on anything else.
    """
    try:
        return _cells(_fields(pasted.chosen(text, name)))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"this is no Genotype({'=…, '.join(FIELDS)}=…): {error}") from None


def _cells(fields: dict[str, Any]) -> Cells:
    concat, other = _concat(fields, "normal_concat"), _concat(fields, "reduce_concat")
    normal = _edges(fields["normal"], "normal")
    if fields["reduce"] in NOTHING:
        return Cells(INPUTS, concat, normal)
    reduction = _edges(fields["reduce"], "reduce")
    if concat != other:
        raise ValueError(f"the two cells concatenate different nodes, {concat} and {other}; ours share one list")
    return Cells(INPUTS, concat, normal, reduction)


def _fields(call: ast.Call) -> dict[str, Any]:
    """By name. Raises ValueError where one is unknown or missing."""
    if len(call.args) > len(FIELDS) or any(keyword.arg is None for keyword in call.keywords):
        raise ValueError("it has more than these four fields")
    given = dict(zip(FIELDS, call.args, strict=False)) | {str(keyword.arg): keyword.value for keyword in call.keywords}
    if len(given) < len(call.args) + len(call.keywords):
        raise ValueError("one of its fields appears twice")
    for name in given:
        if name not in FIELDS:
            near = difflib.get_close_matches(name, FIELDS, 1)
            raise ValueError(f"it has no field '{name[:40]}'{f'; do you mean {near[0]}?' if near else ''}")
    if missing := [name for name in FIELDS[:2] if name not in given]:
        raise ValueError(f"it lacks {' and '.join(missing)}")
    return {name: pasted.value(given[name]) if name in given else None for name in FIELDS}


def _concat(fields: dict[str, Any], name: str) -> tuple[int, ...]:
    found = fields[name]
    if found in NOTHING and name == "reduce_concat":
        found = fields["normal_concat"]
    if not isinstance(found, list) or not found or not all(type(node) is int for node in found):
        raise ValueError(f"{name} is a list of nodes, as in range(2, 6)")
    return tuple(found)


def _edges(given: Any, cell: str) -> tuple[Edge, ...]:
    if not isinstance(given, list) or not given:
        raise ValueError(f"{cell} is a list of edges; {MEANT}")
    nested = [isinstance(item, list) and all(isinstance(part, list) for part in item) for item in given]
    if all(nested):
        items = [(edge, INPUTS + node) for node, edges in enumerate(given) for edge in edges]
        return _without_none(_edge(*item, cell) for item in items)
    if any(nested):
        raise ValueError(f"{cell} has both edges and lists of edges")
    targeted = [isinstance(item, list) and sum(type(part) is int for part in item) == 2 for item in given]
    if all(targeted):
        return _without_none(_aimed(given, cell))
    if len(given) % 2 and not any(targeted):
        raise ValueError(f"{cell}: every node takes two pairs, but node {INPUTS + len(given) // 2} has one")
    return _without_none(_edge(item, INPUTS + place // 2, cell) for place, item in enumerate(given))


def _edge(item: Any, target: int, cell: str) -> Edge:
    """Of a pair, in either order, whatever weight stands with it."""
    names = [part for part in item if isinstance(part, str)] if isinstance(item, list) else []
    nodes = [part for part in item if type(part) is int] if isinstance(item, list) else []
    weights = [part for part in item if isinstance(part, float)] if isinstance(item, list) else []
    if len(names) != 1 or len(nodes) != 1 or len(weights) > 1 or len(item) != 2 + len(weights):
        raise ValueError(f"{cell}: {str(item)[:40]} is no edge; {MEANT}")
    if not 0 <= nodes[0] < target:
        raise ValueError(f"{cell}: node {target} takes an earlier node, not {nodes[0]} ({MEANT})")
    return Edge(nodes[0], target, names[0])


def _aimed(given: Sequence[Any], cell: str) -> list[Edge]:
    """Of triples with both ends: an edge leads from the earlier node, so that one order of them fits all."""
    ends = [[part for part in item if type(part) is int] for item in given]
    names = [[part for part in item if isinstance(part, str)] for item in given]
    forward, backward = all(a < b for a, b in ends), all(a > b for a, b in ends)
    if not (forward or backward) or any(len(found) != 1 for found in names):
        raise ValueError(f"{cell}: in these triples neither number is always the source; {MEANT}")
    edges = [Edge(min(pair), max(pair), name) for pair, (name,) in zip(ends, names, strict=True)]
    if wrong := [edge for edge in edges if edge.source < 0 or edge.target < INPUTS]:
        raise ValueError(f"{cell}: '{wrong[0]}' leads to an input; nodes are numbered from 0, the inputs first")
    return edges


def _without_none(edges: Any) -> tuple[Edge, ...]:
    return tuple(edge for edge in edges if edge.operation != NONE)
