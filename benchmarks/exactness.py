"""Whether kernels compute what they should: each one of a training step against float64 on the same operands.

Losses cannot say so: bf16 rounds so much that gradients of a deep network are half noise, and any two runs that round
differently drift apart (benchmarks/README.md). A kernel by itself has no such excuse: it adds in fp32 and rounds what
it puts out once, so that its relative error is at most half a unit of the last place, and that of fp32 sums.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

from harness.engine.instructions import WITH_BF16, instruction_set

aten = torch.ops.aten
CHECKED: Mapping[Any, tuple[str, ...]] = {  # with what they put out; a bias's gradient, 0 before a norm, is left out
    aten.convolution.default: ("output",),
    aten.convolution_backward.default: ("images' gradient", "weights' gradient"),
    aten.mm.default: ("product",),
    aten.addmm.default: ("product",),
    aten.bmm.default: ("product",),
    aten.native_batch_norm.default: ("output",),
    aten.native_batch_norm_backward.default: ("images' gradient",),
    aten.max_pool2d_with_indices.default: ("output",),
    aten.max_pool2d_with_indices_backward.default: ("images' gradient",),
    aten.avg_pool2d.default: ("output",),
    aten.avg_pool2d_backward.default: ("images' gradient",),
    aten.mean.dim: ("mean",),
    aten.threshold_backward.default: ("images' gradient",),
}
HALF_A_PLACE = {torch.bfloat16: 2.0**-8, torch.float32: 2.0**-24}  # relative


class Exactness(TorchDispatchMode):
    """Within it, `found` gathers {(operation, part, shapes of operands, precision): (error, what is allowed)}.

    `rounded`: relative error of products whose fp32 operands the device rounds first (TF32).
    """

    def __init__(self, rounded: float = 0.0) -> None:
        super().__init__()
        self.rounded = rounded
        self.found: dict[tuple[str, ...], tuple[float, float]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if func in CHECKED:
            self._compare(func, args, kwargs or {}, out)
        return out

    def wrong(self) -> dict[tuple[str, ...], tuple[float, float]]:
        """What is further from float64 than rounding explains."""
        return {place: values for place, values in self.found.items() if not values[0] <= values[1]}

    def largest(self) -> float:
        """The largest error, as a share of what is allowed."""
        return max(error / bound for error, bound in self.found.values())

    def _compare(self, func: Callable[..., Any], args: Any, kwargs: Any, out: Any) -> None:
        operands = [value for value in args if _floating(value)]
        exact = func(*tree_map(_doubled, args), **tree_map(_doubled, kwargs))
        outs, exacts = (value if isinstance(value, tuple) else (value,) for value in (out, exact))
        for part, ours, theirs in zip(CHECKED[func], outs, exacts, strict=False):
            if ours is None:
                continue
            shapes = " · ".join("×".join(map(str, tensor.shape)) for tensor in operands)
            place = (str(func).removesuffix(".default"), part, shapes, str(ours.dtype).removeprefix("torch."))
            bound = allowed(ours, operands, _roundings(func, ours, operands)) + self.rounded
            error = (relative(ours, theirs), bound)
            self.found[place] = max(self.found.get(place, (0.0, 1.0)), error)


def allowed(out: Tensor, operands: Iterable[Tensor], roundings: int = 1) -> float:
    """Relative error of `out` by rounding alone: to its precision, `roundings` times, and in every sum in fp32."""
    terms = max(tensor.numel() for tensor in operands)
    return HALF_A_PLACE[out.dtype] * math.sqrt(roundings) + HALF_A_PLACE[torch.float32] * math.sqrt(terms)


def relative(found: Tensor, exact: Tensor) -> float:
    """‖found − exact‖ / ‖exact‖; where the exact one is 0, ‖found‖."""
    size = exact.norm().item()
    return (found.double() - exact).norm().item() / (size or 1.0)


def _roundings(func: Callable[..., Any], out: Tensor, operands: list[Tensor]) -> int:
    """How often a sum is rounded to the precision of `out`.

    Where oneDNN has no convolution in bf16, torch's own one adds up a weight's gradient image by image, and an image's
    gradient tap by tap, in bf16.
    """
    own = func is aten.convolution_backward.default and out.dtype == torch.bfloat16
    if not own or instruction_set() in (*WITH_BF16, "avx512"):
        return 1
    gradient, _, weight = operands[:3]
    return max(len(gradient), math.prod(weight.shape[2:]))


def _floating(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point()


def _doubled(value: Any) -> Any:
    return value.detach().to(torch.float64, copy=True) if _floating(value) else value
