"""What a published θ table, or an architecture written as text, stands for: its operations, depth and costs."""

import argparse
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from harness.commands.open_space import opened
from harness.errors import BadInput
from harness.storage.files import small_file, write_over
from harness.study.load import looks_like_a_file
from spaces import custom_rules, tables
from spaces.architecture import Cells, short
from spaces.cells import theta
from spaces.cells.graph import live
from spaces.cells.space import CellSpace
from spaces.cost import cost
from spaces.registry import SPACES
from spaces.space import Space


def command(options: argparse.Namespace) -> int:
    space = opened(options.space, options.space_options)
    try:
        found = decode(options.given, space, options.rule)
    except BadInput:
        raise
    except Exception as error:  # of a space that is not done yet
        if options.space in SPACES:
            raise
        raise BadInput(f"{options.space} cannot say what that is: {type(error).__name__}: {error}") from None
    if options.svg:
        from analysis.figures.drawings import draw
        from analysis.figures.style import rendered

        write_over(Path(options.svg), rendered(draw(found.architecture))["svg"], (b"<?xml", b"<svg"))
    print(found)
    if options.svg:
        print(f"{'drawing':14} {options.svg}")
    return 0


CLASSES, CHANNELS, SIZE = 10, 3, 32  # of CIFAR-10, which both studies use


@dataclass(frozen=True)
class Decoded:
    """`facts`: name → value, for people; `architecture`: to be drawn."""

    architecture: Any
    facts: dict[str, str]

    def __str__(self) -> str:
        return "\n".join(f"{name:14} {value}" for name, value in self.facts.items())


def decode(given: str, space: Space, rule: str | None) -> Decoded:
    """`given`: the path of a θ table or of an architecture's text, or that text itself. Raises BadInput."""
    text, name = _content(given)
    try:
        if theta.is_table(text):
            architecture = _from_table(text, space, rule or space.rules[0])
        elif rule:
            raise ValueError(f"--rule {short(rule)} reads a table of θ, and this is none; leave it out")
        else:
            architecture = space.parse(text, name) if name and isinstance(space, CellSpace) else space.parse(text)
    except ValueError as error:
        raise BadInput(f"{short(given)}: {error}") from None
    facts = {"architecture": str(architecture), **_operations(architecture)}
    facts["shortcuts"] = str(architecture.shortcuts)
    if reason := space.broken(architecture):
        return Decoded(architecture, {**facts, "disconnected": reason})
    with torch.device("meta"):
        parameters, macs = cost(space.build(architecture, CLASSES, CHANNELS), CHANNELS, SIZE)
    if layers := getattr(space, "layers", None):
        facts["depth"] = f"{layers(architecture)} layers: convolutions and linear layers on the longest way"
    facts["parameters"] = f"{parameters:,}"
    facts["MACs"] = f"{macs / 1e6:,.1f} M an image ({SIZE}×{SIZE}, {CLASSES} classes)"
    return Decoded(architecture, facts)


def _content(given: str) -> tuple[str, str]:
    """The text of a file or the text itself, and the name behind `FILE:NAME`. Raises BadInput."""
    path, _, name = given.rpartition(":")
    found = (given, "") if os.path.isfile(given) else (path, name) if os.path.isfile(path) else None
    if found is None:
        if os.path.exists(given):
            raise BadInput(f"{short(given)} is no regular file; name a file, or write an architecture's text")
        if looks_like_a_file(given) or looks_like_a_file(path):
            raise BadInput(f"{short(given)}: no such file")
        return given, ""
    try:
        return tables.decoded(small_file(Path(found[0]))), found[1]
    except OSError as error:
        raise BadInput(f"{found[0]} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise BadInput(f"{found[0]} cannot be read: {error}") from None


def _from_table(text: str, space: Space, rule: str) -> Any:
    grid = getattr(space, "grid", None)
    parts: tuple[str, ...] = getattr(space, "parts", ())
    if grid is None or len(parts) != 1:
        raise ValueError("a table holds the θ of one cell; this space has no cells, or two kinds of them")
    return custom_rules.read(space, {parts[0]: theta.parse(text, grid)}, rule)


def _operations(architecture: Any) -> dict[str, str]:
    """How often each operation stands on a way from an input to the output, and what is cut off."""
    if not isinstance(architecture, Cells):
        return {}
    facts = {}
    for name, edges in (("normal", architecture.normal), ("reduction", architecture.reduction or ())):
        alive = live(edges, architecture.inputs, architecture.concat)
        label = "operations" if name == "normal" else "in reduction"
        if edges:
            counts = Counter(edge.operation for edge in alive)
            facts[label] = ", ".join(f"{count} × {operation}" for operation, count in counts.items()) or "none"
        if dead := sorted(set(edges) - set(alive)):
            facts["cut off" if name == "normal" else "cut off there"] = ", ".join(map(str, dead))
    return facts
