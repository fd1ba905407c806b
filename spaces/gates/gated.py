"""What supernets whose α goes through a way have in common."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from spaces.gates.way import Draw
from spaces.gates.ways import named


class Gated(nn.Module):
    """A supernet computes what α says as it stands; within `drawn`, what that draw makes of α."""

    def __init__(self, gate: str) -> None:
        super().__init__()
        self.gate, self.way = gate, named(gate)
        self.draw: Draw | None = None

    @contextmanager
    def drawn(self, draw: Draw) -> Iterator[None]:
        """For one training step of a way that is sampled; every forward pass within it has the same weights."""
        self.draw = draw
        try:
            yield
        finally:
            self.draw = None
