"""What supernets whose α goes through a way have in common."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from spaces.gates.way import Draw
from spaces.gates.ways import named


class Gated(nn.Module):
    """A supernet computes what α says as it stands; within `drawn`, what that draw makes of α."""

    def __init__(self, gate: str) -> None:
        super().__init__()
        self.gate, self.way = gate, named(gate)
        self.draw: Draw | None = None
        self.given: Mapping[str, Tensor] = {}

    @contextmanager
    def drawn(self, draw: Draw) -> Iterator[None]:
        """For one training step of a way that is sampled; every forward pass within it has the same weights."""
        self.draw = draw
        try:
            yield
        finally:
            self.draw = None

    @contextmanager
    def fixed(self, given: Mapping[str, Tensor]) -> Iterator[None]:
        """Within it, options have the weights `given`, shaped as α, and where these are NaN what α says.

        What α says stays as it is: the weights of what is left are not spread anew. An option of weight 0 counts
        nothing. Every array of α that is not among `given` says all of its weights.
        """
        before, self.given = self.given, given
        try:
            yield
        finally:
            self.given = before

    def counting(self, name: str, weights: Tensor) -> Tensor:
        """`weights` of the array `name` of α, with those that are given in their places."""
        given = self.given.get(name)
        return weights if given is None else torch.where(given.isnan(), weights, given.to(weights.dtype))
