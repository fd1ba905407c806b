"""Output and gradients of all that convolves, in every space, against float64: on this processor's kernels and AVX2's.

In processes of their own, since a faulty kernel may write past its buffers and end the process, or never return.
"""

import os
import subprocess
import sys
from itertools import pairwise, product

import pytest
import torch
import torch.nn.functional as F

from spaces.convolution import convolve
from tests.convolution_cases import cases

AVX2 = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}
KERNELS = {"its own": {}, **({"AVX2": AVX2} if torch.backends.cpu.get_cpu_capability() != "AVX2" else {})}


def faults(kernels: str, threads: int, *part: int) -> list[str]:
    """Each faulty case and what is wrong with it; after one that ends its process, another starts with the next."""
    said: list[str] = []
    left = len(list(cases(*part)))
    while left:
        lines, ended = _child(kernels, threads, -left, *part)
        left -= sum(not line.startswith(" ") for line in lines)
        said += [*lines, ended]
    return [case + fault for case, fault in pairwise(said) if fault.startswith(" ")]


def _child(kernels: str, threads: int, first: int, *part: int) -> tuple[list[str], str]:
    """What it says, and how it ended, if not well. It says something, or else cannot be started: an error."""
    command = [sys.executable, "-m", "tests.convolution_cases", *map(str, (threads, first, *part))]
    chosen = {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "passive", **KERNELS[kernels]}
    try:
        done = subprocess.run(command, env={**os.environ, **chosen}, capture_output=True, text=True, timeout=550)
    except subprocess.TimeoutExpired as expired:
        pytest.fail(f"does not return: {(expired.stdout or b'').decode()[-500:]}")
    lines = done.stdout.splitlines()
    assert lines, done.stderr
    return lines, f"  ends the process: {done.returncode}, {done.stderr}" if done.returncode else ""


@pytest.mark.parametrize("size", [(8, 8), (9, 9), (7, 10)])
@pytest.mark.parametrize(("kernel", "stride", "dilation"), list(product((1, 3, 5), (1, 2), (1, 2))))
def test_convolve_is_conv2d(kernel: int, stride: int, dilation: int, size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    images = torch.randn(2, 3, *size, dtype=torch.double, requires_grad=True)
    kernels = torch.randn(5, 3, kernel, kernel, dtype=torch.double, requires_grad=True)
    padding = dilation * (kernel // 2)
    ours = convolve(images, kernels, stride, padding, dilation)
    plain = F.conv2d(images, kernels, None, stride, padding, dilation)
    torch.testing.assert_close(ours, plain)
    gradient = torch.randn_like(plain)
    gradients = (torch.autograd.grad(out, [images, kernels], gradient) for out in (ours, plain))
    torch.testing.assert_close(*gradients)


@pytest.mark.long
@pytest.mark.parametrize("threads", [pytest.param(1, marks=pytest.mark.slow), 2])
@pytest.mark.parametrize("kernels", KERNELS)
def test_all_that_convolves_agrees_with_float64(kernels: str, threads: int) -> None:
    assert faults(kernels, threads) == []


@pytest.mark.slow
@pytest.mark.channels
@pytest.mark.parametrize("part", range(8))
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("kernels", KERNELS)
def test_with_every_number_of_channels(kernels: str, threads: int, part: int) -> None:
    assert faults(kernels, threads, part) == []
