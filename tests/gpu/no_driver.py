"""Lets autograd run on tensors of a made-up GPU where PyTorch is built for CUDA and no driver is there."""

import contextlib
import ctypes
from collections.abc import Iterator
from pathlib import Path

import torch

SLOT = 4  # of hasPrimaryContext in the table of virtual functions of at::CUDAHooks (PyTorch 2.9 to 2.14)
SLOTS = 64  # that are copied
WORD = ctypes.sizeof(ctypes.c_void_p)


@contextlib.contextmanager
def no_context() -> Iterator[None]:
    """Backward passes ask whether each GPU has a context, and CUDA's answer is an error where there is no GPU.

    Within it the answer is no. Builds for CPUs answer that by themselves.
    """
    if not torch.backends.cuda.is_built():
        yield
        return
    library = ctypes.CDLL(str(Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"))
    hooks = library._ZN2at6detail12getCUDAHooksEv
    hooks.restype = ctypes.c_void_p
    pointer = ctypes.c_void_p.from_address(hooks())
    before = pointer.value
    assert before
    table = (ctypes.c_void_p * (SLOTS + 2)).from_buffer_copy(ctypes.string_at(before - 2 * WORD, (SLOTS + 2) * WORD))
    no = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p, ctypes.c_int8)(lambda hooks, device: False)
    table[2 + SLOT] = ctypes.cast(no, ctypes.c_void_p).value
    pointer.value = ctypes.addressof(table) + 2 * WORD
    try:
        yield
    finally:
        pointer.value = before
