"""How much memory one trial takes at its peak, whatever its process did before."""

import contextlib
import gc
import re
import resource
from pathlib import Path

import torch

LONG = 10.0  # seconds
CONTEXT = 600 * 2**20  # what a process holds on a GPU beside its tensors: CUDA's context and its libraries' handles

FULL = re.compile(r"CUDA (driver )?(error: )?out of memory|"
                  r"CU[A-Z]+_STATUS_\w*(ALLOC_FAILED|ALLOCATION_FAILED|NOT_INITIALIZED)|"
                  r"unable to find an engine to execute|"  # cuDNN's, where none had room for its workspace
                  r"Unable to find a valid cuDNN algorithm")  # fmt: skip


def start(device: str, share: float = 1.0) -> None:
    """The peak counts from here; of a GPU this process gets no more than its `share`, CUDA's context included.

    Raises RuntimeError where the GPU has no room for one more process.
    """
    if device.startswith("cuda"):
        torch.cuda.init()
        torch.cuda.empty_cache()
        torch.cuda.set_per_process_memory_fraction(_allowed(device, share), torch.device(device))
        torch.cuda.reset_peak_memory_stats(torch.device(device))
        return
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # Linux: sets the high-water mark back


def peak(device: str) -> int:
    """Bytes since `start`: what the allocator reserved on the GPU, or this process's resident memory."""
    if device.startswith("cuda"):
        return torch.cuda.max_memory_reserved(torch.device(device)) if torch.cuda.is_initialized() else 0
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def part(device: str) -> float:
    """The peak as a part of the whole GPU, CUDA's context included; 0 elsewhere."""
    if not device.startswith("cuda"):
        return 0.0
    return (peak(device) + CONTEXT) / _whole(device)


def _allowed(device: str, share: float) -> float:
    """The part of the GPU that tensors may take. What runs alone takes what is there."""
    return max(0.0, share - CONTEXT / _whole(device)) if 0 < share < 1 - 1e-9 else 1.0


def _whole(device: str) -> int:
    return int(torch.cuda.get_device_properties(torch.device(device)).total_memory)


def release(device: str, seconds: float) -> None:
    """After a trial of so many seconds: frees its networks, and the GPU's memory for whoever else is on it.

    Short trials are left to Python: looking through everything for cycles would cost more than they do.
    """
    if seconds > LONG or device.startswith("cuda"):
        gc.collect()
    if device.startswith("cuda") and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def exhausted(error: BaseException) -> bool:
    """Whether the GPU had no memory left; CUDA's libraries say so in words of their own."""
    return isinstance(error, torch.OutOfMemoryError) or FULL.search(str(error)) is not None
