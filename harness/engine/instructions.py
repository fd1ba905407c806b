"""The best instruction set that oneDNN, which runs convolutions on a CPU, may use: the processor's, or a lower limit.

torch gives no name for it: its question whether bf16 is supported is answered yes with AVX-512 alone too, where oneDNN
emulates bf16 and takes several times as long as in fp32.
"""

import os
from collections.abc import Mapping

import torch

LADDER = {"sse41": "sse4_1", "avx2": "avx2", "avx512": "avx512_bw", "avx512_bf16": "avx512_bf16",
          "amx_bf16": "amx_bf16"}  # from the least to the best, each with torch's name for what it needs  # fmt: skip
WITH_BF16 = ("avx512_bf16", "amx_bf16")  # those that multiply bf16
# oneDNN's values; every other one limits nothing
LIMITS = {"SSE41": "sse41", "AVX": "sse41", "AVX2": "avx2", "AVX2_VNNI": "avx2", "AVX2_VNNI_2": "avx2",
          "AVX512_CORE": "avx512", "AVX512_CORE_VNNI": "avx512", "AVX512_CORE_BF16": "avx512_bf16",
          "AVX512_CORE_FP16": "avx512_bf16", "AVX10_1_512": "avx512_bf16",
          "AVX10_2": "avx512_bf16", "AVX10_2_512": "avx512_bf16"}  # fmt: skip
VARIABLES = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")  # the first that is set counts


def instruction_set() -> str:
    """One of LADDER here and now, or the processor's architecture where it has none of them (ARM)."""
    return allowed(torch.cpu.get_capabilities(), os.environ)


def allowed(capabilities: Mapping[str, object], environment: Mapping[str, str]) -> str:
    """The best that the processor has (`torch.cpu.get_capabilities()`) and the environment's limit does not exclude."""
    value = next((environment[name] for name in VARIABLES if environment.get(name)), "")
    limit = LIMITS.get(value.upper(), "amx_bf16")
    found = [name for name in LADDER if capabilities.get(LADDER[name]) and _rank(name) <= _rank(limit)]
    return found[-1] if found else str(capabilities.get("architecture", "unknown"))


def _rank(name: str) -> int:
    return list(LADDER).index(name)
