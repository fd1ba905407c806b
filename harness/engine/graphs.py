"""A training step as one CUDA graph: the host launches it at once instead of kernel by kernel."""

import warnings
from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from harness.engine import memory, streams

Step = Callable[..., Tensor]  # batch → a loss on the device
WARM = 3  # steps before the capture: what they allocate and choose must not happen within it


class Graphs(Protocol):
    """What captures; a test may stand in for CUDA."""

    def warm(self, step: Step, batch: tuple[Tensor, ...]) -> Tensor:
        """Runs `step` as it must run before a capture."""
        ...

    def capture(self, step: Step, batch: tuple[Tensor, ...]) -> tuple[Callable[[], None], Tensor]:
        """(replay, where each replay leaves the loss): `step` on whatever the tensors of `batch` then hold.

        Nothing is computed during the capture.
        """
        ...


class CudaGraphs:
    """PyTorch's, for one step: warm steps run on a stream of its own, as its capture will."""

    def __init__(self, device: torch.device) -> None:
        self._device, self._aside = device, streams.own(self, device)

    def warm(self, step: Step, batch: tuple[Tensor, ...]) -> Tensor:
        here = torch.cuda.current_stream(self._device)
        self._aside.wait_stream(here)
        with torch.cuda.stream(self._aside):
            loss = step(*batch)
        here.wait_stream(self._aside)
        return loss

    def capture(self, step: Step, batch: tuple[Tensor, ...]) -> tuple[Callable[[], None], Tensor]:
        here, graph = torch.cuda.current_stream(self._device), torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph, stream=self._aside, capture_error_mode="thread_local"):
                loss = step(*batch)
        finally:
            torch.cuda.set_stream(here)  # torch.cuda.graph leaves its own current where the capture cannot be ended
        return graph.replay, loss


class Captured:
    """`step`, replayed on batches shaped like the first; others, as an epoch's smaller last one, run eagerly.

    A step that cannot be captured, as where it reads from the device, runs eagerly too, with a warning; where memory
    ran out, that error is raised. The loss that it returns holds until the next call. `version` gives what the host
    reads within a step, such as drop-path's probability: where it has changed, the step is captured anew.
    """

    def __init__(self, step: Step, version: Callable[[], object], graphs: Graphs) -> None:
        self._step, self._version, self._graphs = step, version, graphs
        self._warmed = 0
        self._shapes: tuple[torch.Size, ...] = ()
        self._captured_at: object = None
        self._replay: Callable[[], None] | None = None
        self._eager = False

    def __call__(self, *batch: Tensor) -> Tensor:
        shapes = tuple(part.shape for part in batch)
        self._shapes = self._shapes or shapes
        if self._eager or shapes != self._shapes:
            return self._step(*batch)
        if self._warmed < WARM:
            self._warmed += 1
            return self._graphs.warm(self._step, batch)
        if self._replay is None or self._captured_at != self._version():
            self._capture(batch)
        if self._replay is None:
            return self._step(*batch)
        for kept, part in zip(self._batch, batch, strict=True):
            kept.copy_(part)
        self._replay()
        return self._loss

    def _capture(self, batch: tuple[Tensor, ...]) -> None:
        self._replay = None  # gives the old graph's memory back
        self._batch = tuple(part.clone() for part in batch)
        self._captured_at = self._version()
        try:
            self._replay, self._loss = self._graphs.capture(self._step, self._batch)
        except RuntimeError as error:
            if memory.exhausted(error):
                raise
            self._eager = True
            warnings.warn(f"the step cannot be one CUDA graph: {error}", stacklevel=2)
