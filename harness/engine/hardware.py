"""What a trial runs on, as rows and benchmarks name it."""

import platform
from functools import lru_cache
from pathlib import Path

import torch

from harness.engine.instructions import instruction_set


def hardware(device: str) -> str:
    """`AMD EPYC (avx512_bf16)`, with the instruction set that oneDNN may use; a GPU's name for `cuda`."""
    if torch.device(device).type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{processor()} ({instruction_set()})"


@lru_cache
def processor() -> str:
    """The model's name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()
