"""Everything in the spaces that convolves, at one size after the other, against float64; a process of its own.

`python -m tests.convolution_cases THREADS FIRST [PART]` runs the cases from the FIRST on. It writes a case's name
before the case runs, so that one that ends the process is known (or the one before it, where memory was overwritten and
this came out later), and then its error where that is too large.
"""

import copy
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from random import Random
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.engine.small_convolutions import by_products
from spaces.cells.graph import Stage
from spaces.cells.mixed import together
from spaces.cells.network import AuxiliaryHead, Layout, preprocessing
from spaces.cells.operations import OPERATIONS
from spaces.shortcuts.merged import Merged
from spaces.shortcuts.vgg import Block, Shortcut, conv_block

CHANNELS = range(1, 33)
SIZES = (64, 9, 32, 17)
DRAWN = {"channels_last": (CHANNELS[:16], CHANNELS[16:]), "contiguous": (CHANNELS,)}  # one of each
LAYOUTS = {"channels_last": torch.channels_last, "contiguous": torch.contiguous_format}
HALF_A_PLACE = {"bf16": 2.0**-9, "fp32": 2.0**-24}  # relative
ROUNDINGS = 16  # one after the other, at most: six forward, as many backward, and products of kernels

Maker = Callable[[int], nn.Module]  # input channels → module


class Together(nn.Module):
    """Three copies of an operation as the supernet runs them."""

    def __init__(self, operation: str, channels: int, stride: int) -> None:
        super().__init__()
        self.copies = nn.ModuleList(OPERATIONS[operation](channels, stride, False) for _ in range(3))
        self.scale = nn.Parameter(torch.tensor([0.5, 1.0, 2.0]))

    def forward(self, images: Tensor) -> Tensor:
        return together(list(self.copies), F.relu(images), self.scale)


class OneBank(nn.Module):
    """All shortcuts from two blocks to two others, which get `channels` each."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        sources = [Block(number, 0, channels, number == 2) for number in (1, 2)]
        targets = [Block(number, 1, channels + 3, number == 5) for number in (4, 5)]
        self.merged = Merged(sources, list(product(sources, targets)))
        self.gates = nn.Parameter(torch.full((5, 5), 0.5))

    def forward(self, images: Tensor) -> Tensor:
        added = self.merged(torch.cat([images, images.flip(0)], 1), self.gates)
        return torch.cat(list(added.values()), 1)


def _first(inputs: int, nodes: int, shrunk: bool) -> nn.Module:
    """What preprocesses a cell's older input."""
    return preprocessing([inputs, inputs], [0], Stage(nodes, False, shrunk), True)["0"]


def _shortcut(channels: int, halvings: int) -> nn.Module:
    return Shortcut(Block(1, 0, channels, False), Block(3, halvings, channels + 3, False))


def _small(channels: int) -> nn.Module:
    """On images of 4×4 pixels, where `by_products` does something."""
    block = nn.Sequential(nn.AdaptiveAvgPool2d(4), conv_block(channels, channels + 3))
    by_products(block)
    return block


def _kinds() -> dict[str, Maker]:
    kinds: dict[str, Maker] = {}
    for operation, stride in product(OPERATIONS, (1, 2)):
        kinds[f"{operation} stride {stride}"] = lambda c, o=operation, s=stride: OPERATIONS[o](c, s, True)
        if any(True for _ in OPERATIONS[operation](2, stride, False).parameters()):
            kinds[f"three {operation} stride {stride}"] = lambda c, o=operation, s=stride: Together(o, c, s)
    return kinds | {
        "preprocessing": lambda c: _first(c, 5, False),
        "preprocessing after a reduction cell": lambda c: _first(c, 5, True),
        "stem of cells": lambda c: Layout(3, 4, 3).make_stem(c),
        "auxiliary head": lambda c: AuxiliaryHead(c, 10).features[:4],  # up to its last convolution
        "block of a VGG": lambda c: conv_block(c, c + 3),
        "block of a VGG, by products": _small,
        "shortcut": lambda c: _shortcut(c, 0),
        "shortcut with pooling": lambda c: _shortcut(c, 1),
        "merged shortcuts": OneBank,
    }


KINDS: Mapping[str, Maker] = _kinds()


@dataclass(frozen=True)
class Case:
    kind: str
    channels: int
    size: int
    layout: str
    precision: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.channels} channels of {self.size}×{self.size}, {self.layout}, {self.precision}"


def cases(part: int | None = None) -> Iterator[Case]:
    """For each kind, layout and precision: one or two random numbers of channels, or an eighth of all; random sizes."""
    rng = Random(0)
    for kind, layout, precision in product(KINDS, LAYOUTS, HALF_A_PLACE):
        for channels in map(rng.choice, DRAWN[layout]) if part is None else CHANNELS[part::8]:
            case = Case(kind, channels, rng.choice(SIZES), layout, precision)
            if channels > 1 or "skip_connect stride 2" not in kind:  # halving takes two channels (spaces' own bound)
                yield case


def error(case: Case) -> tuple[float, str]:
    """The largest relative error of output and gradients as a share of what rounding explains, and of which.

    All values are positive, so that nothing cancels out and no ReLU depends on rounding.
    """
    torch.manual_seed(case.channels)
    layout: Any = {"memory_format": LAYOUTS[case.layout]}
    module = KINDS[case.kind](case.channels).eval().to(**layout)  # in evaluation, BatchNorm is a scale
    for parameter in module.parameters():
        parameter.data = parameter.data.abs().bfloat16().float()  # the same in both precisions
    images = torch.rand(2, case.channels, case.size, case.size).bfloat16().float().to(**layout)
    with torch.no_grad():
        gradient = torch.rand_like(module(images)).bfloat16().float()
    found, exact = (
        _run(module, images, gradient, case.precision),
        _run(copy.deepcopy(module).double(), images, gradient),
    )
    terms = max(value.numel() for value in exact.values())
    allowed = ROUNDINGS * (HALF_A_PLACE[case.precision] + HALF_A_PLACE["fp32"] * math.sqrt(terms))
    errors = {
        name: float((found[name].double() - value).norm() / (value.norm() or 1.0)) for name, value in exact.items()
    }
    worst = max(errors, key=lambda name: errors[name])
    return errors[worst] / allowed, worst


def _run(module: nn.Module, images: Tensor, gradient: Tensor, precision: str = "") -> dict[str, Tensor]:
    """Output and gradients, with fp64 images for an fp64 module."""
    parameters = dict(module.named_parameters())
    first = next(iter(parameters.values()), gradient.double() if not precision else gradient)
    images = images.to(first.dtype).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        out = module(images)
    names = ["images' gradient", *(f"gradient of {name}" for name in parameters)]
    gradients = torch.autograd.grad(out, [images, *parameters.values()], gradient.to(out.dtype))
    return {"output": out.detach(), **dict(zip(names, gradients, strict=True))}


if __name__ == "__main__":
    threads, first, *part = map(int, sys.argv[1:])
    torch.set_num_threads(threads)
    for case in list(cases(*part))[first:]:
        print(case, flush=True)
        share, part = error(case)
        if not share <= 1:
            print(f"  {part}: {share:.3g} times the error that rounding explains", flush=True)
