"""For every test: one thread per process, since the tests' networks are tiny; a Ctrl-C that reaches the commands they
start, wherever the tests themselves were started; in hypothesis no clock, and the same cases every time; Ray and
training for those alone that are marked so; and in UNDRAWN pictures for those alone that are marked `drawn`."""

import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import hypothesis
import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_pre_hook

from tests import pictures
from tests.heard import hear

torch.set_num_threads(1)
hear()
SLOW = [hypothesis.HealthCheck.too_slow]  # on a busy machine
hypothesis.settings.register_profile("same", derandomize=True, deadline=None, suppress_health_check=SLOW)
hypothesis.settings.register_profile("new", deadline=None, suppress_health_check=SLOW)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

marks: set[str] = set()  # of the test that runs
rays: dict[str, object] = {}  # what was imported of Ray, while a test without the mark runs


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before fixtures, which may be what starts Ray or trains."""
    if time.time() > float(os.environ.get("TESTS_END", "inf")):
        pytest.skip("NOT RUN, too little time is left on this machine")
    marks.clear()
    marks.update(mark.name for mark in item.iter_markers())
    _allow_ray("ray" in marks)
    pictures.draw("drawn" in marks or _room(item) not in UNDRAWN)


def _allow_ray(allowed: bool) -> None:
    """In this process, and in those that it starts."""
    path = [str(Path(__file__).with_name("unmarked"))] * (not allowed) + INHERITED
    os.environ["PYTHONPATH"] = os.pathsep.join(path)
    if allowed and "ray" in sys.modules and sys.modules["ray"] is None:
        del sys.modules["ray"]
        sys.modules.update(rays)
        rays.clear()
    if not allowed:
        if sys.modules.get("ray"):
            rays["ray"] = sys.modules["ray"]
        sys.modules["ray"] = None  # type: ignore[assignment]


def pytest_sessionfinish() -> None:
    """What Ray does at the end of a process needs Ray."""
    _allow_ray(allowed=True)


UNDRAWN = ("end_to_end", "harness", "spaces")  # rooms whose tests make reports and look at their tables


def _room(item: pytest.Item) -> str:
    return item.path.relative_to(Path(__file__).parent).parts[0]


INHERITED = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with Ray come first."""
    rays = {item.path for item in items if item.get_closest_marker("ray")}
    items.sort(key=lambda item: item.path not in rays)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from tests.sharing import Sharing

    return Sharing(config, log)


@register_optimizer_step_pre_hook
def _marked(*_: object) -> None:
    assert "training" in marks, "a test that trains has the mark training"
