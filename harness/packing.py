"""Several trainings side by side in one process: a step of each in turn, on a GPU each on a stream of its own.

A GPU that one small network leaves idle works on the next one's step meanwhile; the host only launches, most of all
where a step is one CUDA graph. Each training's result is that of the training alone. A CPU gains nothing by it: there,
processes of one thread each are the way (benchmarks/README.md).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import torch

from harness.train import Training


class Seat:
    """One training's turn: its stream and its random generators, which all trainings of a process share otherwise."""

    def __init__(self, training: Training) -> None:
        self.training = training
        self._device = training.engine.device
        self._stream = torch.cuda.Stream(self._device) if self._device.type == "cuda" else None
        self._generators = self._read()

    @contextmanager
    def turn(self) -> Iterator[None]:
        others = self._read()
        self._write(self._generators)
        try:
            with nullcontext() if self._stream is None else torch.cuda.stream(self._stream):
                yield
        finally:
            self._generators = self._read()
            self._write(others)

    def _read(self) -> list[torch.Tensor]:
        states = [torch.get_rng_state()]
        return states if self._stream is None else [*states, torch.cuda.get_rng_state(self._device)]

    def _write(self, states: Sequence[torch.Tensor]) -> None:
        torch.set_rng_state(states[0])
        if self._stream is not None:
            torch.cuda.set_rng_state(states[1], self._device)


def packed(trainings: Sequence[Training]) -> Iterator[list[dict[str, float]]]:
    """Trains all to their ends, an epoch of each per item: what their epochs said, in the trainings' order.

    All have equally many epochs; parts may differ in size. Raises train.Diverged as soon as one diverges.
    """
    seats = [Seat(training) for training in trainings]
    for number in range(1, trainings[0].epochs + 1):
        yield _epoch(seats, number)


def _epoch(seats: Sequence[Seat], number: int) -> list[dict[str, float]]:
    running: dict[int, Any] = {place: seat.training.steps(number) for place, seat in enumerate(seats)}
    said: dict[int, dict[str, float]] = {}
    while running:
        for place, steps in list(running.items()):
            with seats[place].turn():
                try:
                    next(steps)
                except StopIteration as end:
                    said[place] = end.value
                    del running[place]
    return [said[place] for place in range(len(seats))]
