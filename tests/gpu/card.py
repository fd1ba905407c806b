"""The state of a made-up GPU: streams, graphs, cuBLAS's workspaces, the random generator, and what went wrong."""

import weakref
from collections import Counter
from collections.abc import Iterable
from typing import Any

import torch

from tests.gpu.order import Memory, Order

PRODUCTS = ("mm", "addmm", "bmm", "baddbmm", "_addmm_activation")  # what cuBLAS computes
POOL = 32  # streams that torch gives out in turn
FREED = "a graph is replayed whose cuBLAS workspace was freed with another graph of its capture stream"
Operation = tuple[str, list[Memory], list[Memory]]


class Stream:
    """As torch's: equal by what it stands for."""

    def __init__(self, card: "Card", number: int) -> None:
        self.card, self.number = card, number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stream) and other.number == self.number

    def __hash__(self) -> int:
        return self.number

    def __repr__(self) -> str:
        return f"stream {self.number}" if self.number else "the default stream"

    def wait_stream(self, other: "Stream") -> None:
        self.card.order.waits(self, other)

    def synchronize(self) -> None:
        self.card.order.host_waits(self)

    def is_capturing(self) -> bool:
        return self.card.capturing is not None


class Within:
    """torch.cuda.stream."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream

    def __enter__(self) -> None:
        self.before, self.stream.card.current = self.stream.card.current, self.stream

    def __exit__(self, *_: object) -> None:
        self.stream.card.current = self.before


class Graph:
    """torch.cuda.CUDAGraph, as torch.cuda.graph drives it: a replay launches what was recorded."""

    def __init__(self, card: "Card") -> None:
        self.card, self.stream = card, card.current
        self.operations: list[Operation] = []
        self.offsets: list[int] = []
        self.invalid = self.bereft = False

    @property
    def multiplies(self) -> bool:
        return any(what in PRODUCTS for what, _, _ in self.operations)

    def capture_begin(self, *_: Any, **__: Any) -> None:
        assert self.card.current.number, "captured on the default stream"
        self.stream, self.card.capturing = self.card.current, self
        self.card.captures += 1

    def capture_end(self) -> None:
        self.card.capturing = None
        if self.invalid:
            raise torch.AcceleratorError("CUDA error: operation failed due to a previous error during capture")
        self.card.graphs.add(self)
        weakref.finalize(self, self.card.graph_ends, self.stream)

    def replay(self) -> None:
        self.card.replays += 1
        self.card.hazards[FREED] += self.bereft
        for operation in self.operations:
            self.card.launch(*operation)
        for count in self.offsets:
            self.card.draw(count)


class Card:
    """A GPU of which nothing is computed."""

    def __init__(self) -> None:
        self.order = Order()
        self.current, self.made = Stream(self, 0), 0
        self.capturing: Graph | None = None
        self.captures = self.replays = 0
        self.graphs: weakref.WeakSet[Graph] = weakref.WeakSet()
        self.workspaces: set[Stream] = set()
        self.kernels: Counter[str] = Counter()  # that the host launched or recorded one by one
        self.hazards: Counter[str] = Counter()
        self.syncs: list[tuple[str, str]] = []  # what the host waited for, and where
        self.faults: list[str] = []  # what must not be in a capture
        self.strangers: set[tuple[str, tuple[int, ...], str]] = set()  # CPU tensors that met the GPU's, and where
        self.random, self.draws = (0, 0), list[tuple[int, int]]()  # (seed, offset) of CUDA's generator

    def stream(self, *_: Any, **__: Any) -> Stream:
        self.made += 1
        return Stream(self, 1 + (self.made - 1) % POOL)

    def launch(self, what: str, reads: Iterable[Memory], writes: Iterable[Memory]) -> None:
        self.order.launch(what, self.current, reads, writes)

    def records(self, what: str, reads: list[Memory], writes: list[Memory]) -> None:
        """An operation of the host: launched now, or part of the graph that is captured."""
        self.kernels[what] += 1
        if self.capturing:
            self.capturing.operations.append((what, reads, writes))
        else:
            self.launch(what, reads, writes)

    def draw(self, count: int = 4) -> None:
        if self.capturing:
            self.capturing.offsets.append(count)
            return
        seed, offset = self.random
        self.draws.append((seed, offset))
        self.random = (seed, offset + count)

    def sync(self, what: str, where: str) -> None:
        """The host waits for the current stream. Raises AcceleratorError within a capture, as CUDA does."""
        self.syncs.append((what, where))
        if self.capturing:
            self.faults.append(f"{what} at {where}")
            self.capturing.invalid = True
            raise torch.AcceleratorError("CUDA error: operation not permitted when stream is capturing")
        self.order.host_waits(self.current)

    def graph_ends(self, stream: Stream) -> None:
        """CUDAGraph::reset frees cuBLAS's workspaces of the stream that it was captured on (pytorch issue 193402)."""
        for graph in self.graphs:
            graph.bereft |= graph.stream == stream and graph.multiplies
        self.workspaces.discard(stream)

    def check(self) -> None:
        """Raises AssertionError where anything went wrong but what `syncs` and `draws` tell."""
        assert not self.hazards.total(), dict(self.hazards)
        assert not self.order.races, f"{self.order.races.total()} races, as {self.order.races.most_common(3)}"
        assert not self.faults, f"within a capture: {sorted(set(self.faults))}"
        strange = {one for one in self.strangers if one[1]}  # numbers may be of any device
        assert not strange, f"CPU tensors met the GPU's: {strange}"
