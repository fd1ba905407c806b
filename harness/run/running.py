"""What `status` reads from other terminals: which trials run, what stopped the run, in which job of Slurm it is."""

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.plan.jobs import Job
from harness.storage.files import write_atomically
from harness.storage.folder import running_file
from harness.training.place import Progress


@dataclass
class Running:
    """What a display shows of a trial."""

    job: Job
    since: float
    progress: Progress | None = None


def save(folder: Path, running: Mapping[str, Running], stopped: str | None) -> None:
    """A full disk is left to what loses something by it."""
    trials = [{"key": key, "since": one.since, "progress": asdict(one.progress) if one.progress else None}
              for key, one in running.items()]  # fmt: skip
    content = {"at": time.time(), "running": trials, "stopped": stopped, "slurm_job": os.environ.get("SLURM_JOB_ID")}
    with suppress(OSError):
        write_atomically(running_file(folder), json.dumps(content).encode(), durable=False)
