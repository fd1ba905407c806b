"""A network as one Python file that needs torch alone: torch's graph as code, with the weights behind it."""

import base64
import io
import json
import textwrap
from collections.abc import Iterator
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.fx import Node

from harness.errors import BadInput
from harness.export.program import program, values
from harness.export.trained import Trained

NAMESPACES = ("aten", "prims")  # of operations that torch alone has
HEAD = '''"""A network that nas-harness trained and wrote; ABOUT says which, and what it was trained on.

    network = Network()
    logits = network(images)  # images: {input}
    names = [LABELS[number] for number in logits.argmax(1)]

It needs torch, and nothing else; it is for inference. The weights stand at the end of the file.
"""

import base64
import io
import json
import operator

import torch
from torch import nn

ABOUT = json.loads(r"""
{about}
""")
LABELS, MEAN, STD = ABOUT["labels"], ABOUT["mean"], ABOUT["std"]
CHANNELS, SIZE = ABOUT["channels"], ABOUT["size"]


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        state = torch.load(io.BytesIO(base64.b64decode(WEIGHTS)), weights_only=True)
        for name, value in state.items():
            self.register_buffer(name, value)

    @torch.no_grad()
    def forward(self, {images}):
{body}


WEIGHTS = """
{weights}
"""
'''


def source(trained: Trained) -> str:
    """Raises BadInput where the network holds an operation that torch alone does not have."""
    found = program(trained)
    names, state = {}, {}
    for node, name, value in values(found):
        plain = name.removeprefix("network.").replace(".", "__")
        names[node], state[plain] = f"self.{plain}", value.contiguous().clone()
    body = "\n".join(f"        {line}" for line in _lines(found, names, trained.about["key"]))
    (images,) = found.graph_signature.user_inputs
    return HEAD.format(input=trained.about["input"], images=images, body=body,
                       about=json.dumps(dict(trained.about), indent=1), weights=_packed(state))  # fmt: skip


def _packed(state: dict[str, torch.Tensor]) -> str:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return "\n".join(textwrap.wrap(base64.b64encode(buffer.getvalue()).decode(), 120))


def _lines(found: ExportedProgram, names: dict[str, str], key: str) -> Iterator[str]:
    """A statement for each operation; `names` stand for the weights."""
    for node in found.graph.nodes:
        if node.op == "placeholder":
            continue
        if node.op == "output":
            yield f"return {_text(node.args[0][0], names)}"
        elif node.op == "call_function" and (what := _called(node)):
            arguments = [_text(value, names) for value in node.args]
            arguments += [f"{name}={_text(value, names)}" for name, value in node.kwargs.items()]
            yield f"{node.name} = {what}({', '.join(arguments)})"
        else:
            raise BadInput(f"{key} cannot be a Python file of its own: it calls {node.target}, which torch alone does "
                           "not have; take --to pt2 or state-dict")  # fmt: skip


def _called(node: Node) -> str:
    """'' where it is nothing that every torch has."""
    if isinstance(node.target, torch._ops.OpOverload):
        return f"torch.ops.{node.target}" if node.target.namespace in NAMESPACES else ""
    module, name = getattr(node.target, "__module__", ""), getattr(node.target, "__name__", "")
    return f"operator.{name}" if module == "_operator" else f"torch.{name}" if module == "torch" else ""


def _text(value: Any, names: dict[str, str]) -> str:
    """An argument as code."""
    if isinstance(value, Node):
        return names.get(value.name, value.name)
    if isinstance(value, list | tuple):
        return f"[{', '.join(_text(one, names) for one in value)}]"
    if isinstance(value, torch.device):
        return f"torch.device({str(value)!r})"
    if isinstance(value, float) and not -1e308 < value < 1e308:
        return f'float("{value}")'
    return repr(value)  # of torch's own values, such as torch.float32, too
