"""Marks are true: without `ray` a test finds no Ray, without `training` it cannot train; so quick tests stay quick."""

import importlib.util
import subprocess
import sys

import pytest
import torch


def test_without_the_mark_there_is_no_ray() -> None:
    with pytest.raises(ImportError):
        importlib.import_module("ray")
    done = subprocess.run([sys.executable, "-c", "import ray"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "a test that starts Ray has the mark ray" in done.stderr


@pytest.mark.ray
def test_with_the_mark_there_is() -> None:
    code = "import importlib.util; print(importlib.util.find_spec('ray').origin)"
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    here = importlib.util.find_spec("ray")
    assert here
    assert here.origin == there
    assert "unmarked" not in there


def step() -> float:
    weight = torch.nn.Parameter(torch.ones(1))
    weight.grad = torch.ones(1)
    torch.optim.SGD([weight], 0.5).step()
    return weight.item()


def test_without_the_mark_nothing_trains() -> None:
    with pytest.raises(AssertionError, match="a test that trains has the mark training"):
        step()


@pytest.mark.training
def test_with_the_mark_something_does() -> None:
    assert step() == 0.5
