"""A driver makes no CUDA context of its own: what must be measured on the GPU is, in a process that ends."""

import os
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.engine.device import paths
from harness.plan.jobs import Job
from harness.run import engine_paths
from harness.run.prepare import Prepared, prepare
from tests.studies import tiny


def own(what: str, job: Job, prepared: Prepared, device: torch.device) -> str:
    """Which process it is, and how many images and jobs it was given."""
    return f"{os.getpid()} {len(prepared.data.train)} {len(prepared.plan.jobs)} {device}"


@pytest.mark.long
def test_paths_of_a_gpu_are_measured_in_another_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared: Any = prepare(tiny(), tmp_path, None, False, "cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(engine_paths, "_fastest", own)
    found = engine_paths.settled(prepared, prepared.plan, "cuda")
    assert found.keys() == {"network", "supernet"}
    for said in found.values():
        process, what = said.split(" ", 1)
        assert int(process) != os.getpid()
        assert what == "32 0 cuda"


def ending(*_: Any) -> str:
    """As where the machine has no memory for it, or a script without a guard runs the harness once more."""
    os._exit(1)


@pytest.mark.long
def test_where_that_process_dies_the_default_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prepared: Any = prepare(tiny(), tmp_path, None, False, "cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(engine_paths, "_fastest", ending)
    found = engine_paths.settled(prepared, prepared.plan, "cuda")
    assert set(found.values()) == {paths(torch.device("cuda"), "fp32")[0]}
    assert capsys.readouterr().err.count("the process for it died") == 2
