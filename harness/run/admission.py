"""Which trials run together, and with what share: only what fits into a GPU's memory and under the disk cap.

Ray counts fractions of a GPU and enforces none. So what a kind of job takes is measured on its first trial, a trial
asks Ray for no smaller fraction than its kind was seen to need, and Ray's own sum over a GPU keeps out what would not
fit beside the others.
"""

import math
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import BadInput
from harness.plan.jobs import Job
from harness.storage.checkpoint import KEPT, Checkpoints
from harness.storage.files import size_below
from harness.storage.folder import checkpoint_folder
from harness.training.place import Progress
from harness.vocabulary.rows import Trouble

MARGIN = 1.1  # over the measured peak, for what the allocator loses to fragments
TRIES = 5  # of a trial whose process died or whose node is in trouble, without an epoch's progress in between
MOST = 1024  # cores or GPUs of a trial, or trials of a process
KINDS = ("search", "train", "score", "tune", "perturbation")  # in the order in which messages name them
FOOTPRINT = KEPT + 1  # checkpoints of one trial on the disk at once: those kept, and the one being written


@dataclass(frozen=True)
class Shares:
    """What one trial of each kind may use, and how many share a process; '' is every kind that is not named."""

    cpus: Mapping[str, float]
    gpus: Mapping[str, float]
    packs: Mapping[str, int] = field(default_factory=dict)

    def of(self, kind: str, device: str) -> tuple[float, float]:
        """(cores, GPUs): one core unless said otherwise; on CUDA a pack has one GPU unless said otherwise."""
        gpus = self.gpus.get(kind, self.gpus.get("", 1 / self.pack(kind) if device.startswith("cuda") else 0.0))
        return self.cpus.get(kind, self.cpus.get("", 1.0)), gpus

    def pack(self, kind: str) -> int:
        return self.packs.get(kind, self.packs.get("", 1))

    def processes(self, kind: str, device: str, gpus: int) -> float:
        """How many of a kind fit on so many GPUs, a fraction of one on a single GPU; infinity where they ask for none.
        A pack is one process."""
        part = self.pack(kind) * self.of(kind, device)[1]
        if not part:
            return math.inf
        return gpus * math.floor(1 / part + 1e-9) if part < 1 else math.floor(gpus / part + 1e-9)

    def checked(self, device: str) -> "Shares":
        """Raises BadInput where a pack's trials ask for more than the one GPU that their process has."""
        for kind in KINDS:
            pack, gpus = self.pack(kind), self.of(kind, device)[1]
            if pack > 1 and not fits(pack * gpus, 1.0):
                raise BadInput(f"--pack {kind}={pack} with --gpus-per-trial {kind}={gpus:g}: one process would take "
                               f"{pack * gpus:g} GPUs, and has one; write at most {1 / pack:.4g}, or leave it out"
                               )  # fmt: skip
        return self


def parse_shares(option: str, texts: list[str]) -> dict[str, float]:
    """`0.5` for every kind, `search=2` for one, also several with commas. Raises BadInput."""
    found: dict[str, float] = {}
    for text in ",".join(texts).split(",") if texts else ():
        kind, _, value = text.rpartition("=")
        if kind in found:
            raise BadInput(f"{option} {text}: {kind or 'the share of all kinds'} is given twice")
        try:
            found[kind] = float(value)
        except ValueError:
            raise BadInput(f"{option} {text}: write a number, or KIND=NUMBER as in search=2") from None
        if not found[kind] > 0 or (found[kind] > 1 and found[kind] % 1):
            raise BadInput(f"{option} {text}: a share lies in (0, 1) or is a whole number")
        if found[kind] > MOST:
            raise BadInput(f"{option} {text}: at most {MOST:,}")
        if kind not in ("", *KINDS):
            raise BadInput(f"{option} {text}: kinds are {', '.join(KINDS)}")
    return found


def fits(share: float, room: float) -> bool:
    """Whatever sums of fractions are rounded to."""
    return share <= room + 1e-9


def needed(requested: float, peak: float) -> float:
    """The fraction to ask for, given the one requested and the peak as a part of the GPU's memory."""
    if requested >= 1 or requested == 0:
        return requested
    return min(1.0, max(requested, math.ceil(peak * MARGIN * 100) / 100))


def larger(share: float) -> float | None:
    """After an out-of-memory error: twice the share, up to the whole GPU; None where it had that already."""
    return min(1.0, 2 * share) if 0 < share < 1 else None


class DiskCap:
    """Keeps a study's checkpoints below `limit` bytes; what a kind's checkpoint takes is measured on its first."""

    def __init__(self, folder: Path, limit: float | None = None) -> None:
        self.folder, self.limit = folder, limit
        self.sizes: dict[str, int] = {}
        self._taken: dict[str, int] = {}  # job's key → bytes
        self._looked = -math.inf

    def seen(self, job: Job) -> None:
        if self.limit is not None:
            size = Checkpoints(checkpoint_folder(self.folder, job.key)).bytes()
            self.sizes[job.kind] = max(size, self.sizes.get(job.kind, 0))

    def allows(self, kind: str, running: Collection[Job]) -> bool:
        """Whether one more of `kind` stays below the limit whatever `running` still write."""
        if self.limit is None:
            return True
        if any(job.kind not in self.sizes for job in running):
            return False  # how much is still to come is not known yet
        ended = sum(self.taken().values()) - sum(self.taken().get(job.key, 0) for job in running)
        growing = [self.sizes.get(one, 0) for one in (kind, *(job.kind for job in running))]
        return ended + FOOTPRINT * sum(growing) <= self.limit

    def exceeded(self) -> str | None:
        """What to tell the user where the limit is passed."""
        return self.refusal() if self.limit is not None and sum(self.taken().values()) > self.limit else None

    def refusal(self) -> str:
        now, one = sum(self.taken().values()), FOOTPRINT * max(self.sizes.values(), default=0)
        return (
            f"{self.folder}: its checkpoints take {now / 1e9:.3g} GB, and a trial needs up to {one / 1e9:.3g} GB: "
            f"--disk-limit {(self.limit or 0) / 1e9:g} is too little; with more, the same command carries on"
        )

    def taken(self) -> dict[str, int]:
        """Bytes below `checkpoints`, by job, at most a second old."""
        if time.monotonic() - self._looked > 1:
            folders = (self.folder / "checkpoints").glob("*")
            self._taken = {found.name: size_below(found) for found in folders}
            self._looked = time.monotonic()
        return self._taken


@dataclass
class Admission:
    """Decides whether a job may start; the driver reports every epoch and every end of a job to it."""

    shares: Shares
    device: str
    disk: DiskCap
    peaks: dict[str, float] = field(default_factory=dict)  # kind → part of a GPU's memory
    running: dict[str, Job] = field(default_factory=dict)
    _grown: dict[str, float] = field(default_factory=dict)
    _tries: dict[str, int] = field(default_factory=dict)  # of a trial that was lost since its last epoch

    def allows(self, kind: str, packed: bool = False) -> bool:
        """`packed`: in the process of one of its kind that was let in just now."""
        measured = kind in self.peaks or not 0 < self.shares.of(kind, self.device)[1] < 1
        alone = all(job.kind != kind for job in self.running.values())
        return (measured or alone or packed) and self.disk.allows(kind, self.running.values())

    def start(self, job: Job) -> tuple[float, float]:
        """The job's share: (cores, GPUs)."""
        self.running[job.key] = job
        return self.share(job)

    def share(self, job: Job) -> tuple[float, float]:
        cpus, gpus = self.shares.of(job.kind, self.device)
        return cpus, max(needed(gpus, self.peaks.get(job.kind, 0.0)), self._grown.get(job.key, 0.0))

    def seen(self, job: Job, progress: Progress) -> str | None:
        """After an epoch; a text where the study must stop."""
        self.peaks[job.kind] = max(progress.memory, self.peaks.get(job.kind, 0.0))
        self._tries.pop(job.key, None)
        self.disk.seen(job)
        return self.disk.exceeded()

    def alone(self, job: Job) -> bool:
        """Whether its process must have no other trial: it was lost in one, through whichever of them."""
        return job.key in self._tries

    def end(self, job: Job, status: str, gpus: float, pack: int = 1) -> bool:
        """Whether a trial that ended so gets another try: with a larger share, or somewhere else. A loss beside others
        of a pack is not held against it."""
        self.running.pop(job.key, None)
        if status == Trouble.NO_MEMORY and (share := larger(gpus)):
            self._grown[job.key] = share
            return True
        if status == Trouble.LOST:
            self._tries[job.key] = self._tries.get(job.key, 0) + (pack == 1)
            return self._tries[job.key] <= TRIES
        return status in (Trouble.UNFIT, Trouble.STOPPED)
