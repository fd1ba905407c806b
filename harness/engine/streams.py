"""CUDA streams of one's own, which are used again once their user is gone.

cuBLAS keeps a workspace for every stream that it has run on, to the end of the process, and frees that of a stream on
which a graph was captured when the graph goes. So whoever captures, or takes turns, has a stream that nobody else has;
and a process that runs trial after trial does not take new ones, each with a workspace more.
"""

import weakref
from collections import defaultdict

import torch

FREE: dict[torch.device, list[torch.cuda.Stream]] = defaultdict(list)


def own(user: object, device: torch.device) -> torch.cuda.Stream:
    """A stream that nobody else gets while `user` lives."""
    free = FREE[device]
    stream = free.pop() if free else torch.cuda.Stream(device)
    weakref.finalize(user, free.append, stream)
    return stream
