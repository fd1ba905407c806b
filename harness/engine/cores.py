"""How many cores this process may use."""

import math
import os
from pathlib import Path

GROUPS = Path("/sys/fs/cgroup")


def cores() -> int:
    """Those of its affinity, as `taskset` and Slurm set it, and no more than a container's share of time."""
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    group = GROUPS / _group()
    around = [one for one in (group, *group.parents) if one.is_relative_to(GROUPS)]
    return max(1, math.ceil(min(own, *map(_quota, around))))


def _group() -> str:
    """This process's control group (version 2), below GROUPS."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return ""
    return next((one.removeprefix("0::").lstrip("/") for one in lines if one.startswith("0::")), "")


def _quota(group: Path) -> float:
    """Cores; infinity where it has none."""
    try:
        time, period = (group / "cpu.max").read_text().split()
        return math.inf if time == "max" else int(time) / int(period)
    except (OSError, ValueError):
        return math.inf
