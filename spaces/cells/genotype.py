"""DARTS's published notation for cells, read as text: nothing in it is ever executed."""

import ast
import re
from typing import Any

from spaces.architecture import Cells, Edge

FIELDS = ("normal", "normal_concat", "reduce", "reduce_concat")
INPUTS = 2


def is_genotype(text: str) -> bool:
    return re.match(r"\s*(\w+\s*=\s*)?Genotype\s*\(", text) is not None


def parse(text: str) -> Cells:
    """`Genotype(normal=[('sep_conv_3x3', 1), …], normal_concat=range(2, 6), reduce=[…], reduce_concat=…)`.

    A name may stand in front (`DARTS_V2 = Genotype(…)`). Every node takes the next two pairs (operation, source);
    nodes 0 and 1 are the inputs. Raises ValueError on anything else.
    """
    try:
        fields = _fields(_call(text))
        normal, reduction = _edges(fields["normal"]), _edges(fields["reduce"])
        concat, other = tuple(fields["normal_concat"]), tuple(fields["reduce_concat"])
    except (SyntaxError, TypeError, KeyError, ValueError) as error:
        raise ValueError(f"this is no Genotype({'=…, '.join(FIELDS)}=…): {error}") from None
    if concat != other:
        raise ValueError(f"the two cells concatenate different nodes, {concat} and {other}; ours share one list")
    return Cells(INPUTS, concat, normal, reduction)


def _call(text: str) -> ast.Call:
    (statement,) = ast.parse(text.strip()).body
    value = statement.value if isinstance(statement, ast.Expr | ast.Assign) else None
    if not (isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "Genotype"):
        raise ValueError("no call of Genotype")
    return value


def _fields(call: ast.Call) -> dict[str, Any]:
    given = dict(zip(FIELDS, call.args, strict=False)) | {str(keyword.arg): keyword.value for keyword in call.keywords}
    return {name: _value(given[name]) for name in FIELDS}


def _value(node: ast.expr) -> Any:
    """A literal, or a range of literals."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range":
        return range(*(int(ast.literal_eval(argument)) for argument in node.args))
    return ast.literal_eval(node)


def _edges(pairs: Any) -> tuple[Edge, ...]:
    edges = tuple(Edge(int(source), INPUTS + place // 2, str(name)) for place, (name, source) in enumerate(pairs))
    if len(edges) % 2:
        raise ValueError("every node takes two pairs")
    return edges
