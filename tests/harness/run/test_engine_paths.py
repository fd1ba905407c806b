"""Before its first trial a run measures what its plan trains, in little time and memory, and nothing else."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from harness.commands import plan as plan_command
from harness.engine import memory
from harness.engine.engine import Engine
from harness.run import engine_paths, step_time
from harness.run.admission import Shares
from harness.run.engine_paths import settled, to_measure
from harness.run.prepare import Prepared, prepare
from harness.study.schema import Recipe
from spaces.cells.space import CellSpace
from tests.studies import TINY, tiny

GENOTYPE = ("Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 1), "
            "('skip_connect', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('dil_conv_3x3', 2)], normal_concat=[2, 3, "
            "4, 5], reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 0), "
            "('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('avg_pool_3x3', 0)], reduce_concat=[2, 3, "
            "4, 5])")  # fmt: skip
DARTS = {"space": "cell-darts", "space_options": {"train_cells": 3, "train_channels": 4},
         "data": {"name": "digits", "train_images": 192, "test_images": 16}, "seeds": {"search": 1},
         "search": {}}  # fmt: skip
CELL = "cells inputs=1 concat=3,4,5 normal=0>1:conv_3x3,1>2:skip_connect,2>3:conv_3x3,0>4:conv_3x3,0>5:conv_3x3"
RANGES = {"lr": {"low": 0.01, "high": 0.1}}
CASES: dict[str, tuple[dict[str, Any], set[str]]] = {  # study → what its plan trains
    "genotype": ({**DARTS, "method": [{"name": "v1", "architecture": GENOTYPE}]}, {"network"}),
    "random": ({**DARTS, "method": [{"name": "random", "strategy": "random"}]}, {"network"}),
    "cell": ({"space": "cell-study1", "space_options": {}, "search": {},
             "method": [{"name": "one", "architecture": CELL}]}, {"network"}),
    "baseline": ({"method": [{"name": "baseline"}]}, {"network"}),
    "tuning": ({"method": [], "tuning": [{"name": "t", "trials": 2, "ranges": RANGES}]}, {"network"}),
    "scored": ({"method": [{"name": "rs", "strategy": "random-search"}], "search": {"candidates": 2}}, {"network"}),
    "searched": ({"method": [{"name": "darts-A", "rule": "A"}]}, {"network", "supernet"}),
    "scored inside": ({"method": [{"name": "rs", "strategy": "random-search"}],
                       "search": {"candidates": 2, "score": "supernet"}}, {"network", "supernet"}),
}  # fmt: skip


def prepared(folder: Path, **changes: Any) -> Prepared:
    return prepare(tiny(**{**TINY, **changes}), folder, None, False, "cpu")


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is built while paths are measured; no time is."""
    found: list[str] = []

    def measured(build: Any, data: object, device: object, recipe: Recipe, what: str) -> str:
        found.append(type(build()).__name__)
        return f"path of {what}s"

    monkeypatch.setattr(engine_paths, "measured", measured)
    return found


@pytest.mark.parametrize("name", CASES)
def test_only_what_the_plan_trains_is_measured(tmp_path: Path, built: list[str], name: str) -> None:
    changes, wanted = CASES[name]
    ready = prepared(tmp_path, **changes)
    assert settled(ready, ready.plan, "cpu") == {what: f"path of {what}s" for what in wanted}
    assert len(built) == len(wanted)
    assert any("Supernet" in kind for kind in built) is ("supernet" in wanted)


@pytest.mark.parametrize("kinds", [("tune",), ("search",), ("train",), ("score",), ()])
def test_a_run_of_some_kinds_measures_those(tmp_path: Path, built: list[str], kinds: tuple[str, ...]) -> None:
    """Whatever a kind needs runs, too: trainings need the search."""
    ready = prepared(tmp_path, tuning=[{"name": "t", "trials": 2, "ranges": RANGES}])
    wanted = {"tune": {"network"}, "search": {"supernet"}, "score": set()}.get(kinds[0] if kinds else "",
                                                                             {"network", "supernet"})  # fmt: skip
    assert set(settled(ready, ready.plan.only(kinds), "cpu")) == wanted


def test_rows_that_are_taken_over_say_how_the_others_compute(tmp_path: Path, built: list[str]) -> None:
    """Else the two sides of a pair would mix two ways of rounding."""
    ready = prepared(tmp_path, method=[{"name": "darts-A", "rule": "A"}])
    (key,) = [job.key for job in ready.plan.jobs.values() if job.kind == "search" and job.seed == 0]
    other = tmp_path / "other"
    other.mkdir()
    rows = [{"key": key, "kind": "search", "status": "done", "path": "eager contiguous"},
            {"key": "of no job here", "kind": "train", "status": "done", "path": "eager contiguous"}]  # fmt: skip
    (other / "trials.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    found = settled(ready, ready.plan, "cpu", None, [other])
    assert found == {"supernet": "eager contiguous", "network": "path of networks"}


@pytest.mark.training
@pytest.mark.parametrize("name", ["genotype", "baseline", "searched"])
def test_the_plan_says_what_will_be_measured(tmp_path: Path, name: str) -> None:
    ready = prepared(tmp_path, **CASES[name][0])
    said = plan_command.text(plan_command.estimate(ready, "cpu", Shares({}, {}))).splitlines()[-1]
    assert said.startswith("before the first trial, 20 s at most each: which path is fastest for ")
    assert ("supernets" in said) is (name == "searched")
    assert to_measure(ready, ready.plan, "cpu").keys() == CASES[name][1]


class Sleepy(nn.Module):
    """A step takes a given time and keeps given bytes an image."""

    def __init__(self, seconds: float, kept: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(10))
        self.seconds, self.kept = seconds, kept

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        start = time.process_time()
        while time.process_time() - start < self.seconds * len(images):
            pass
        wide = images.flatten(1)[:, :1].expand(-1, max(10, self.kept // 4)).contiguous()
        return (wide * wide.detach().mul_(1)).mean(1, keepdim=True) * self.weight + 0 * (wide**2 * self.weight[0]).sum()


@pytest.mark.training
@pytest.mark.parametrize(
    ("seconds", "kept", "room", "least", "most"),
    [
        (0.0, 40, 2**30, 64, 64),
        (0.02, 40, 2**30, 2, 25),
        (0.1, 40, 2**30, 2, 5),
        (0.6, 40, 2**30, 2, 2),
        (0.0, 2**16, 2**18, 2, 4),
        (0.0, 2**12, 2**18, 2, 64),
    ],
)
def test_a_step_is_measured_on_as_many_images_as_time_and_memory_allow(
    monkeypatch: pytest.MonkeyPatch, seconds: float, kept: int, room: int, least: int, most: int
) -> None:
    monkeypatch.setattr(step_time, "ROOM", room)
    recipe = Recipe(batch_size=64, precision="fp32")
    data = prepare(tiny(), Path("none"), None, False, "cpu").data
    engine = Engine.choose(torch.device("cpu"), "fp32", data)
    found = step_time.affordable(Sleepy(seconds, kept), engine, data, recipe).batch_size
    assert least <= found <= most


@pytest.mark.training
@pytest.mark.parametrize(
    "error", [RuntimeError("no kernel"), torch.OutOfMemoryError("CUDA out of memory"), MemoryError(),
              NotImplementedError("not on this device"), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)  # fmt: skip
def test_where_measuring_fails_the_default_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def broken(*_: object) -> None:
        raise error

    ready = prepared(tmp_path, method=[{"name": "baseline"}])
    monkeypatch.setattr(engine_paths, "affordable", broken)
    assert settled(ready, ready.plan, "cpu") == {"network": "eager contiguous"}
    assert "cannot be measured" in capsys.readouterr().err


@pytest.mark.training
def test_where_measuring_takes_too_long_the_default_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str],
                                                          monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr(engine_paths, "LIMIT", 0.0)
    ready = prepared(tmp_path, method=[{"name": "baseline"}])
    assert settled(ready, ready.plan, "cpu") == {"network": "eager contiguous"}
    assert "took more than 0 s" in capsys.readouterr().err


@pytest.mark.training
@pytest.mark.long
def test_a_large_supernet_is_measured_within_little_memory() -> None:
    """At its own batch of 96 this one keeps some gigabytes."""
    space = CellSpace.named("cell-darts", cells=5)
    data = prepare(tiny(), Path("none"), None, False, "cpu").data
    recipe = Recipe(batch_size=96, precision="fp32")
    memory.start("cpu")
    before = memory.peak("cpu")
    with step_time.one_thread():
        engine_paths.measured(lambda: space.supernet(10, 1, "softmax"), data, torch.device("cpu"), recipe, "supernet")
    assert memory.peak("cpu") - before < 3 * 2**30
