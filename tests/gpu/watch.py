"""Looks at every operation: what touches the made-up GPU is checked and noted, and has a shape but no values."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensor, unset_fake_temporarily
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

from tests.gpu.card import PRODUCTS, Card
from tests.gpu.order import Memory

ROOT = str(Path(__file__).parents[2])
READS = ("nonzero", "masked_select", "_unique2", "unique_dim", "unique_consecutive", "equal")  # shape by value
RANDOM = (
    "bernoulli",
    "rand",
    "dropout",
    "native_dropout",
    "normal",
    "uniform",
    "exponential",
)  # the beginnings of names
COPIES = ("_to_copy", "copy_", "lift_fresh", "lift")


def frames() -> Iterator[FrameType]:
    """From the innermost on."""
    frame: FrameType | None = sys._getframe(1)
    while frame:
        yield frame
        frame = frame.f_back


def where() -> str:
    """The innermost line of the project, where there is one."""
    for frame in frames():
        name = frame.f_code.co_filename
        if name.startswith(ROOT) and name != __file__:
            return f"{Path(name).name}:{frame.f_lineno}"
    return "torch"


class Watch(TorchDispatchMode):
    def __init__(self, card: Card) -> None:
        super().__init__()
        self.card = card

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = str(func).removeprefix("aten.")
        short = name.split(".")[0]
        tensors = [value for value in tree_flatten((args, kwargs))[0] if isinstance(value, torch.Tensor)]
        here = [t for t in tensors if isinstance(t, FakeTensor)]
        target = torch.device(kwargs["device"]).type if kwargs.get("device") is not None else ""
        if not here and target != "cuda":
            with unset_fake_temporarily():
                return func(*args, **kwargs)
        if name.startswith("prim."):  # asks for a tensor's device
            return func(*args, **kwargs)
        if short == "_local_scalar_dense":
            return self._value(here[0])
        if here and target == "cpu":
            return self._to_host(here[0], kwargs.get("dtype"))
        if short == "copy_" and not isinstance(args[0], FakeTensor):
            self.card.sync("device → host copy_", where())
            return args[0]
        self._check(short, args, kwargs, [t for t in tensors if not isinstance(t, FakeTensor)])
        if short.startswith(RANDOM):
            self.card.draw()
        out = _fused_sgd(*args, **kwargs) if short == "_fused_sgd_" else func(*args, **kwargs)
        self._note(func, short, args, here, out)
        return out

    def _value(self, tensor: FakeTensor) -> Any:
        """True and 1 stand for every value, but for what optimisers refuse: `lr < 0`."""
        self.card.sync("a value is read", where())
        if tensor.dtype is torch.bool:
            return not any("/torch/optim/" in frame.f_code.co_filename for frame in frames())
        return 1.0 if tensor.dtype.is_floating_point else 1

    def _to_host(self, tensor: FakeTensor, dtype: torch.dtype | None) -> torch.Tensor:
        self.card.sync("device → host copy", where())
        with unset_fake_temporarily():
            values = torch.linspace(1, 2, max(1, tensor.numel()))[: tensor.numel()].view(tensor.shape)
            return torch.empty_strided(tensor.shape, tensor.stride(), dtype=dtype or tensor.dtype).copy_(values)

    def _check(self, short: str, args: Any, kwargs: Any, real: list[torch.Tensor]) -> None:
        """What waits for the GPU, and CPU tensors where the GPU's belong."""
        generator = kwargs.get("generator")
        assert generator is None or generator.device.type == "cuda", f"{short}: a generator of {generator.device}"
        if short in READS:
            self.card.sync(short, where())
        if short.startswith("index") and any(_is_mask(t) for t in tree_flatten(args[1:2])[0]):
            self.card.sync("a mask as an index", where())
        if short in COPIES:
            if any(t.numel() and (t.dim() or short != "copy_") for t in real):
                self.card.sync("host → device copy", where())
            return
        for tensor in real:
            self.card.strangers.add((short, tuple(tensor.shape), where()))
            if self.card.capturing:
                self.card.faults.append(f"{short} keeps a CPU tensor {tuple(tensor.shape)} at {where()}")

    def _note(self, func: Any, short: str, args: Any, here: list[FakeTensor], out: Any) -> None:
        aliases = [argument.alias_info for argument in func._schema.arguments]
        if any(alias and not alias.is_write for alias in aliases) or short in ("detach", "alias"):
            return  # a view
        changed = here if any(alias and alias.is_write for alias in aliases) else []
        outs = [t for t in tree_flatten(out)[0] if isinstance(t, FakeTensor)]
        writes = [_memory(t) for t in [*outs, *changed[: None if short.startswith("_f") else 1]]]
        if short in PRODUCTS:
            self.card.workspaces.add(self.card.current)
            thread = "forward" if torch._C._current_graph_task_id() == -1 else "backward"  # each has a handle
            writes.append(Memory(("workspace", self.card.current.number, thread)))
        self.card.records(short, [_memory(t) for t in here], writes)


def _is_mask(value: Any) -> bool:
    return isinstance(value, FakeTensor) and value.dtype in (torch.bool, torch.uint8)


def _memory(tensor: torch.Tensor) -> Memory:
    storage = tensor.untyped_storage()
    return Memory(storage._cdata, StorageWeakRef(storage))


def _fused_sgd(parameters: Any, gradients: Any, momenta: Any, *, lr: Any, **_: Any) -> None:
    """Shapes alone do not tell that CUDA's refuses unequal strides, kinds or devices."""
    for values in zip(*(part for part in (parameters, gradients, momenta) if part), strict=True):
        layouts = {tuple(s for s, n in zip(v.stride(), v.shape, strict=True) if n != 1) for v in values}
        kinds = {(v.dtype, v.device, tuple(v.shape)) for v in values}
        assert len(layouts) == len(kinds) == 1, f"fused SGD: {kinds}, strides {layouts}"
    assert not isinstance(lr, torch.Tensor) or lr.device == parameters[0].device, f"fused SGD: lr on {lr.device}"
