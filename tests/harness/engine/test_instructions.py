"""The instruction set that oneDNN may use, and the precision that follows from it."""

from random import Random

import pytest
import torch
from torch import nn

from harness.engine import device, instructions
from harness.engine.device import auto_precision
from harness.engine.instructions import LADDER, allowed
from spaces.registry import load

CPU = torch.device("cpu")
SAPPHIRE_RAPIDS = dict.fromkeys(LADDER.values(), True)
ZEN_4 = {**SAPPHIRE_RAPIDS, "amx_bf16": False}
SKYLAKE = {**ZEN_4, "avx512_bf16": False}
HASWELL = {**SKYLAKE, "avx512_bw": False}
GRAVITON = {"architecture": "aarch64"}


@pytest.mark.parametrize(
    ("processor", "limit", "expected"),
    [
        (SAPPHIRE_RAPIDS, None, "amx_bf16"),
        (SAPPHIRE_RAPIDS, "ALL", "amx_bf16"),
        (SAPPHIRE_RAPIDS, "DEFAULT", "amx_bf16"),
        (SAPPHIRE_RAPIDS, "AVX512_CORE_AMX", "amx_bf16"),
        (SAPPHIRE_RAPIDS, "AVX512_CORE_AMX_FP16", "amx_bf16"),
        (SAPPHIRE_RAPIDS, "AVX512_CORE_FP16", "avx512_bf16"),
        (SAPPHIRE_RAPIDS, "AVX10_1_512", "avx512_bf16"),
        (SAPPHIRE_RAPIDS, "AVX512_CORE_BF16", "avx512_bf16"),
        (SAPPHIRE_RAPIDS, "AVX512_CORE_VNNI", "avx512"),
        (SAPPHIRE_RAPIDS, "AVX2", "avx2"),
        (ZEN_4, None, "avx512_bf16"),
        (ZEN_4, "", "avx512_bf16"),
        (ZEN_4, "AVX512_CORE_AMX", "avx512_bf16"),
        (ZEN_4, "avx512_core", "avx512"),
        (ZEN_4, "AVX2_VNNI_2", "avx2"),
        (ZEN_4, "no such set", "avx512_bf16"),
        (SKYLAKE, None, "avx512"),
        (SKYLAKE, "AVX512_CORE_BF16", "avx512"),
        (HASWELL, None, "avx2"),
        (HASWELL, "AVX512_CORE", "avx2"),
        (HASWELL, "AVX", "sse41"),
        (GRAVITON, None, "aarch64"),
        (GRAVITON, "AVX2", "aarch64"),
        ({}, None, "unknown"),
    ],
)
def test_the_best_set_of_the_processor_that_the_limit_leaves(processor, limit, expected):
    assert allowed(processor, {} if limit is None else {"ONEDNN_MAX_CPU_ISA": limit}) == expected


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"DNNL_MAX_CPU_ISA": "AVX2"}, "avx2"),
        ({"ONEDNN_MAX_CPU_ISA": "AVX512_CORE", "DNNL_MAX_CPU_ISA": "AVX2"}, "avx512"),
        ({"ONEDNN_MAX_CPU_ISA": "", "DNNL_MAX_CPU_ISA": "AVX2"}, "avx2"),
        ({"ONEDNN_MAX_CPU_ISA": "no such set", "DNNL_MAX_CPU_ISA": "AVX2"}, "amx_bf16"),
        ({"ATEN_CPU_CAPABILITY": "avx2"}, "amx_bf16"),
    ],
)
def test_the_variable_that_oneDNN_reads_first_is_the_limit(environment, expected):
    assert allowed(SAPPHIRE_RAPIDS, environment) == expected


def test_here_and_now_processor_and_environment_are_asked(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: ZEN_4)
    for name in instructions.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert instructions.instruction_set() == "avx512_bf16"
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    assert instructions.instruction_set() == "avx2"


@pytest.mark.parametrize(
    ("has", "groups", "expected"),
    [("amx_bf16", 1, "bf16"), ("avx512_bf16", 1, "bf16"), ("avx512", 1, "fp32"), ("avx2", 1, "fp32"),
     ("aarch64", 1, "fp32"), ("amx_bf16", 4, "fp32"), ("avx512_bf16", 4, "fp32")],
)  # fmt: skip
def test_auto_precision_follows_from_instructions_and_network(has, groups, expected, monkeypatch):
    monkeypatch.setattr(device, "instruction_set", lambda: has)
    assert auto_precision(CPU, nn.Sequential(nn.Conv2d(4, 4, 3, groups=groups))) == expected


@pytest.mark.parametrize("has", ["amx_bf16", "avx512_bf16"])
def test_separable_convolutions_of_a_supernet_gain_by_bf16_those_of_a_network_do_not(has, monkeypatch):
    monkeypatch.setattr(device, "instruction_set", lambda: has)
    space = load("cell-darts", {"channels": 4, "cells": 3})
    assert auto_precision(CPU, space.supernet(10, 3, "softmax")) == "bf16"
    assert auto_precision(CPU, space.build(space.draw("darts-top2", Random(0)), 10, 3)) == "fp32"
