"""A network as torch's graph of plain operations: what all formats with a graph are made from."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.export import Dim, ExportedProgram
from torch.export.graph_signature import InputKind

from harness.errors import BadInput, first_line
from harness.export.trained import Trained

TRACES = ("stack_trace", "nn_module_stack", "source_fn_stack", "from_node", "torch_fn")  # of a node: paths of here


def program(trained: Trained) -> ExportedProgram:
    """For any number of images. Raises BadInput where torch cannot follow the network."""
    try:
        with torch.no_grad(), one_flag():
            found = torch.export.export(trained.module, (trained.images(2),), dynamic_shapes=({0: Dim("batch")},))
    except Exception as error:  # each way in which a network from outside can be written has its own
        raise BadInput(f"torch.export cannot follow the network of {trained.about['key']} ({first_line(error)}); "
                       "--to state-dict gives its weights") from None  # fmt: skip
    for node in found.graph.nodes:
        for name in TRACES:
            node.meta.pop(name, None)
    return found


def values(found: ExportedProgram) -> Iterator[tuple[str, str, torch.Tensor]]:
    """(its name in the graph, its name in the network, the value) of each weight, buffer and constant."""
    for spec in found.graph_signature.input_specs:
        if spec.kind in (InputKind.PARAMETER, InputKind.BUFFER, InputKind.CONSTANT_TENSOR):
            name = str(spec.target)
            store = found.state_dict if name in found.state_dict else found.constants
            yield spec.arg.name, name, store[name].detach()


@contextmanager
def one_flag() -> Iterator[None]:
    """Within it cuDNN's precisions agree: torch.export reads an older flag for all, which must not contradict them.

    The engine sets that of convolutions alone. None of them touches what a CPU computes.
    """
    cudnn: Any = torch.backends.cudnn
    before = cudnn.conv.fp32_precision, cudnn.rnn.fp32_precision
    try:
        flag = cudnn.allow_tf32
    except RuntimeError:  # they contradict each other
        flag = True
    cudnn.allow_tf32 = flag
    try:
        yield
    finally:
        cudnn.conv.fp32_precision, cudnn.rnn.fp32_precision = before
