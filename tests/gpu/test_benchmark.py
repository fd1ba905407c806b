"""The benchmark of a first hour on a GPU, at toy size on a CPU: it reports every part, and those that failed."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import gpu, gpu_report
from benchmarks.measure import Comparison

PARTS = ["What a step launches", "A step by each path, A B A B", "The same bits",
         "Trials that take turns in one process", "A whole run"]  # fmt: skip
HEAD: dict[str, Any] = {
    "machine": {"gpus": ["H100"], "processor": "EPYC", "at": "now", "load": [0.0]}, "versions": {"torch": "2"},
    "size": {"vgg": "vgg19", "width": 1.0, "steps": 1, "rounds": 1}, "precision": "bf16", "commit": None,
    "images": "made up", "fastest": "eager",
}  # fmt: skip
FAILED = {"error": "no such kernel"}


def test_parts_that_failed_are_in_the_report_with_why() -> None:
    page = gpu_report.markdown({**HEAD, "kernels": {"eager": FAILED}, "switches": [{"path": "lean", **FAILED}],
                                "equality": [{"path": "lean", **FAILED}], "packs": FAILED,
                                "whole run": FAILED})  # fmt: skip
    assert all(part in page for part in PARTS)
    assert page.count("failed: no such kernel") == 5
    assert "VGG19 × 1 on H100" in page


def test_the_fastest_path_is_by_median_against_the_default() -> None:
    quick, slow = (Comparison("c", "ms", {"eager": [2.0, 2.0, 2.0], path: values})
                   for path, values in (("graphs", [1.0, 1.0, 9.0]), ("lean", [1.9, 2.1, 2.2])))  # fmt: skip
    assert gpu.fastest("eager", [slow, {"path": "shadow", **FAILED}]) == "eager"
    assert gpu.fastest("eager", [slow, quick]) == "graphs"


@pytest.mark.training
@pytest.mark.slow
def test_it_runs_dry(tmp_path: Path) -> None:
    gpu.main(["--dry", "--out", str(tmp_path)])
    page, found = (tmp_path / "gpu-dry.md").read_text(), json.loads((tmp_path / "gpu-dry.json").read_text())
    assert all(f"## {part}" in page for part in PARTS)
    assert "failed" not in page
    assert all(one["twice the same"] for one in found["equality"])
    assert len(found["switches"]) == len(found["equality"]) - 1
    assert found["whole run"]["epochs"] == 1


def test_what_cannot_run_is_left_out_with_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu.Case, "paths", lambda case: ["eager channels_last", "eager channels_last lean"])

    def fails(*_: Any, **__: Any) -> Any:
        raise RuntimeError("no such kernel")

    monkeypatch.setattr(gpu.Case, "training", fails)
    gpu.main(["--dry", "--out", str(tmp_path)])
    assert (tmp_path / "gpu-dry.md").read_text().count("failed: no such kernel") == 7
