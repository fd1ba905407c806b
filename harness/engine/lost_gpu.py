"""Whether this process has lost its GPU: after an illegal access or a fault of the card every later call fails too."""

import re

import torch

from harness.errors import Stopped, first_line

# Errors after which CUDA's documentation says that the process must be ended to use the GPU again.
DEAD = re.compile(
    r"illegal memory access|illegal instruction|misaligned address|invalid (address space|program counter)|"
    r"unspecified launch failure|launch timed out|device-side assert|hardware stack error|context is destroyed|"
    r"uncorrectable (ECC|NVLink) error|CUDA error: unknown error"
)  # fmt: skip


class ContextLost(Stopped):
    """No other trial may run in this process."""

    def __init__(self, said: str) -> None:
        super().__init__(said)


def lost(error: BaseException, device: str, host: str) -> ContextLost | None:
    """What to raise in place of `error`, where it came with the end of this process's CUDA context."""
    if not (DEAD.search(str(error)) or _unusable(device)):
        return None
    return ContextLost(f"the GPU of {host} cannot be used by this process any more ({first_line(error)}); "
                       "nothing is lost, the same command carries on")  # fmt: skip


def _unusable(device: str) -> bool:
    if not (device.startswith("cuda") and torch.cuda.is_initialized()):
        return False
    try:
        torch.cuda.synchronize(torch.device(device))
    except RuntimeError:
        return True
    return False
