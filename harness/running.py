"""One run of a prepared study: claims the folder, writes `study.json`, hands the plan to an executor."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.checkpoint import write_atomically
from harness.display import Screen
from harness.driver import Driver
from harness.errors import BadInput
from harness.folder import claim, study_file
from harness.plan import Job
from harness.prepare import Prepared
from harness.records import Records
from harness.trial import Place

Execute = Callable[[Driver], None]


@dataclass(frozen=True)
class Shares:
    """What one trial of each kind may use; '' is every kind that is not named."""

    cpus: Mapping[str, float]
    gpus: Mapping[str, float]

    def of(self, kind: str, device: str) -> tuple[float, float]:
        """(cores, GPUs): one core unless said otherwise; on CUDA one whole GPU unless said otherwise."""
        gpus = self.gpus.get(kind, self.gpus.get("", 1.0)) if device.startswith("cuda") else 0.0
        return self.cpus.get(kind, self.cpus.get("", 1.0)), gpus


def parse_shares(option: str, texts: list[str]) -> dict[str, float]:
    """`0.5` for every kind, `search=2` for one. Raises BadInput."""
    found = {}
    for text in texts:
        kind, _, value = text.rpartition("=")
        try:
            found[kind] = float(value)
        except ValueError:
            raise BadInput(f"{option} {text}: write a number, or KIND=NUMBER as in search=2") from None
        if found[kind] <= 0 or (found[kind] > 1 and found[kind] % 1):
            raise BadInput(f"{option} {text}: a share lies in (0, 1) or is a whole number")
        if kind not in ("", "search", "train", "score", "tune"):
            raise BadInput(f"{option} {text}: kinds are search, train, score, tune")
    return found


def run(prepared: Prepared, execute: Execute, shares: Shares, device: str, root: Path | None, command: str) -> int:
    """Runs what is missing; returns how many jobs have no `done` or otherwise final row, or ended badly."""
    folder = prepared.folder

    def place(job: Job) -> Place:
        cpus, gpus = shares.of(job.kind, device)
        return Place(str(folder.resolve()), device, cpus, gpus, str(root) if root else None)

    with Records(folder) as book:
        claim(folder, prepared.study.name)
        content = json.dumps(prepared.as_json(command), indent=1, sort_keys=True)
        write_atomically(study_file(folder), content.encode())
        with Screen() as screen:
            driver = Driver(prepared.plan, prepared.space, folder, place, book, screen)
            if not driver.over:
                execute(driver)
    bad = ("failed", "diverged")
    return sum(key not in driver.rows or driver.rows[key]["status"] in bad for key in prepared.plan.jobs)
