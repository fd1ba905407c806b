"""Several trials side by side in one process: a step of each in turn, on a GPU each on a stream of its own.

A GPU that one small network leaves idle works on the next one's step meanwhile; the host only launches, most of all
where a step is one CUDA graph. Each trial's result is that of the trial alone. A CPU gains nothing by it: there,
processes of one thread each are the way (benchmarks/README.md).
"""

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

import torch

from harness.engine import streams
from harness.engine.device import fp32_precision, set_fp32_precision

State = tuple[torch.Tensor, torch.Tensor | None, str]  # generators of host and device; how CUDA multiplies in fp32
Trial = Generator[Any, None, Any]  # stops after every step; what it yields then is None, or something to say


class Seat:
    """One trial's turn: its stream, and what all trials of a process share otherwise: generators and precision."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = streams.own(self, device) if device.type == "cuda" else None
        self._state = self._read()

    @contextmanager
    def turn(self) -> Iterator[None]:
        others = self._read()
        self._write(self._state)
        try:
            with nullcontext() if self._stream is None else torch.cuda.stream(self._stream):
                yield
        finally:
            self._state = self._read()
            self._write(others)

    def _read(self) -> State:
        here = torch.get_rng_state()
        if self._device.type == "cuda":
            return here, torch.cuda.get_rng_state(self._device), fp32_precision()
        return here, torch.mps.get_rng_state() if self._device.type == "mps" else None, fp32_precision()

    def _write(self, state: State) -> None:
        here, there, precision = state
        torch.set_rng_state(here)
        set_fp32_precision(precision)
        if there is not None and self._device.type == "cuda":
            torch.cuda.set_rng_state(there, self._device)
        elif there is not None:
            torch.mps.set_rng_state(there)


def in_turn(trials: Mapping[str, Trial], device: torch.device) -> Iterator[tuple[str, Any, bool]]:
    """Runs all to their ends: (which trial, what it yields but None or in the end returns, whether it has ended)."""
    seats = {name: Seat(device) for name in trials} if len(trials) > 1 else {}  # one alone shares nothing
    running = dict(trials)
    while running:
        for name, trial in list(running.items()):
            with seats[name].turn() if seats else nullcontext():
                try:
                    said, ended = next(trial), False
                except StopIteration as end:
                    said, ended = end.value, True
            if ended:
                del running[name]
            if ended or said is not None:
                yield name, said, ended
