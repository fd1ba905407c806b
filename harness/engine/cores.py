"""How many cores this process may use."""

import math
import os
from pathlib import Path

GROUPS = Path("/sys/fs/cgroup")


def cores() -> int:
    """Those of its affinity, as `taskset` and Slurm set it, and no more than a container's share of time."""
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(own, _quota())))


def _quota() -> float:
    """Of its control group (version 2) and those around it; infinity where there is none."""
    try:
        line = next(one for one in Path("/proc/self/cgroup").read_text().splitlines() if one.startswith("0::"))
    except (OSError, StopIteration):
        return math.inf
    group = GROUPS / line.removeprefix("0::").lstrip("/")
    return min((_limit(one) for one in (group, *group.parents) if one.is_relative_to(GROUPS)), default=math.inf)


def _limit(group: Path) -> float:
    try:
        time, period = (group / "cpu.max").read_text().split()
        return math.inf if time == "max" else int(time) / int(period)
    except (OSError, ValueError):
        return math.inf
