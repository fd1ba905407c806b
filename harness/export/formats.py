"""The formats in which a network can be had: how each is written, and run again as anybody would."""

import contextlib
import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from harness.errors import BadInput, first_line
from harness.export import python_file
from harness.export.program import one_flag, program
from harness.export.trained import RAW_INPUT, Trained
from harness.storage import networks

Run = Callable[[Tensor], Tensor]  # images [N, C, H, W] with pixels from 0 to 1 → logits
EXTRA = "pip install 'nas-harness[export]'"


@dataclass(frozen=True)
class Format:
    """`write` gives a file's content, `opened` what runs the file."""

    suffix: str
    write: Callable[[Trained], bytes]
    opened: Callable[[Path, Trained], Run]


def _as_pt2(trained: Trained) -> bytes:
    buffer = io.BytesIO()
    torch.export.save(program(trained), buffer, extra_files={"about.json": json.dumps(dict(trained.about))})
    return buffer.getvalue()


def _of_pt2(path: Path, _: Trained) -> Run:
    run: Run = torch.export.load(path).module()
    return run


def _as_onnx(trained: Trained) -> bytes:
    _needed("onnx", "onnxscript", "onnxruntime")
    graph = program(trained)
    try:
        with one_flag(), _quiet():
            made: Any = torch.onnx.export(graph, dynamo=True, input_names=["images"], output_names=["logits"],
                                          verbose=False)  # fmt: skip
    except Exception as error:  # of an operation of a space from outside, which ONNX lacks
        raise BadInput(f"ONNX cannot express the network of {trained.about['key']} ({first_line(error)[:200]}); "
                       "--to state-dict gives its weights") from None  # fmt: skip
    proto = made.model_proto
    del proto.metadata_props[:]
    for node in proto.graph.node:
        del node.metadata_props[:]
    for name, value in trained.about.items():
        proto.metadata_props.add(key=name, value=value if isinstance(value, str) else json.dumps(value))
    content: bytes = proto.SerializeToString(deterministic=True)
    return content


def _of_onnx(path: Path, _: Trained) -> Run:
    import onnx
    import onnxruntime

    onnx.checker.check_model(str(path), full_check=True)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda images: torch.from_numpy(session.run(["logits"], {"images": images.numpy()})[0])


def _as_state_dict(trained: Trained) -> bytes:
    about = {**trained.about, "input": RAW_INPUT, "classes": trained.kept["classes"]}
    return networks.packed(about, trained.kept["state_dict"])


def _of_state_dict(path: Path, trained: Trained) -> Run:
    return trained.built(torch.load(path, weights_only=True))


def _as_python(trained: Trained) -> bytes:
    return python_file.source(trained).encode()


def _of_python(path: Path, _: Trained) -> Run:
    module: dict[str, Any] = {"__name__": path.stem}
    exec(compile(path.read_bytes(), str(path), "exec"), module)
    run: Run = module["Network"]()
    return run


FORMATS: Mapping[str, Format] = {
    "pt2": Format(".pt2", _as_pt2, _of_pt2),
    "onnx": Format(".onnx", _as_onnx, _of_onnx),
    "state-dict": Format(".pt", _as_state_dict, _of_state_dict),
    "python": Format(".py", _as_python, _of_python),
}


def _needed(*packages: str) -> None:
    """Raises BadInput where one is not installed."""
    from importlib.util import find_spec

    if missing := [name for name in packages if not find_spec(name)]:
        raise BadInput(f"--to onnx needs {' and '.join(missing)}: {EXTRA}")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """What the exporter says of itself is nothing that a user can act on."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
