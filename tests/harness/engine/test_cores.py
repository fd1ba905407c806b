"""A process takes no more cores than it may use."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.engine import cores


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity")
def test_cores_are_those_of_the_affinity() -> None:
    one = next(iter(os.sched_getaffinity(0)))
    program = f"import os; os.sched_setaffinity(0, {{{one}}}); from harness.engine.cores import cores; print(cores())"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout == b"1\n"


@pytest.mark.parametrize(("own", "around", "most"), [
    ("max 100000", "max 100000", 8), ("250000 100000", "max 100000", 3), ("max 100000", "50000 100000", 1),
    ("400000 100000", "150000 100000", 2), (None, "torn", 8),
])  # fmt: skip
def test_a_containers_share_of_time_is_the_most(
    own: str | None, around: str, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cores, "GROUPS", tmp_path)
    monkeypatch.setattr(cores, "_group", lambda: "outer/inner")
    monkeypatch.setattr(cores.os, "sched_getaffinity", lambda _: range(8), raising=False)
    (tmp_path / "outer" / "inner").mkdir(parents=True)
    (tmp_path / "outer" / "cpu.max").write_text(around)
    if own:
        (tmp_path / "outer" / "inner" / "cpu.max").write_text(own)
    assert cores.cores() == most
