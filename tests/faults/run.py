"""A hundred kills at random moments over one study, and what they cost: nothing.

python tests/faults/run.py [--kills 100] [--seed 0]
"""

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import drive
import fault_task
from drive import Bench, Run

from harness.storage.rows import read_rows
from tests.heard import hear

EPOCH = 0.5  # seconds
Fault = Callable[[Bench, Run], bool]  # strikes; False where there was nothing to strike


def worker(bench: Bench, run: Run) -> bool:
    return any(drive.kill(pid) for pid in workers(bench, run)[:1])


def workers(bench: Bench, run: Run) -> list[int]:
    """The processes that began the last epochs, as far as they live."""
    pids = {pid for _, _, pid in bench.log()[-4:] if drive.command(pid)}
    return sorted(pids & set(drive.descendants(run.process.pid)))


def driver(bench: Bench, run: Run) -> bool:
    run.kill()
    return True


def interrupt(bench: Bench, run: Run) -> bool:
    run.signal(signal.SIGINT)
    assert run.finish() == 130, run.text()
    return True


def interrupt_twice(bench: Bench, run: Run) -> bool:
    run.signal(signal.SIGINT)
    time.sleep(0.2)
    if twice := run.process.poll() is None:
        run.signal(signal.SIGINT)
    assert run.finish() == 130, run.text()
    return twice


def node(bench: Bench, run: Run) -> bool:
    return ends(run, "raylet/raylet")


def head(bench: Bench, run: Run) -> bool:
    return ends(run, "gcs_server")


def ends(run: Run, service: str) -> bool:
    """Kills a service of Ray's, by which the driver must end."""
    struck = drive.kill(run.named(service))
    assert run.finish() == 1, run.text()
    return struck


def power(bench: Bench, run: Run) -> bool:
    """Everything at once, with a row, a checkpoint and the plan half-written."""
    drive.power_off(run)
    if rows := read_rows(bench.place):
        drive.tear_rows(bench.place)
    drive.tear_plan(bench.place)
    for paths in (started := bench.checkpoints()):
        drive.tear_checkpoint(paths[-1])
    return bool(rows and started)


def damage(bench: Bench, run: Run) -> bool:
    """Power-off, and the newest checkpoint of one trial is damaged; a finished epoch of it has to be done again."""
    bench.wait_for(lambda: bench.checkpoints(at_least=2), run)
    drive.power_off(run)
    for *_, newest in bench.checkpoints(at_least=2)[:1]:
        drive.corrupt(newest)
        bench.damaged.append((newest.parent.name, int(newest.stem), len(bench.log())))
        return True
    return False  # that trial ended before the power went off


@dataclass
class Line:
    """A line of the table."""

    name: str
    weight: int
    fault: Fault
    times: int = 0
    lost: int = 0
    doubled: int = 0
    repeated: int = 0


@dataclass
class Books:
    """What the folder held when it was last looked at."""

    bench: Bench
    keys: set[str] = field(default_factory=set)
    doubled: int = 0
    until: list[tuple[int, Line]] = field(default_factory=list)  # up to where in the log a fault is to blame

    def charge(self, line: Line) -> None:
        """Puts what has changed since on the account of `line`."""
        keys = set(drive.comparable(self.bench.place))
        doubled = drive.doubled(self.bench.place)
        line.lost += len(self.keys - keys)
        line.doubled += doubled - self.doubled
        self.keys, self.doubled = keys, doubled
        self.until.append((len(self.bench.log()), line))

    def close(self) -> None:
        """At the end, when every trial has its row: the epochs that were repeated, but for those that had to be."""
        self.charge(self.until[-1][1])
        for place in unexcused(self.bench):
            next(line for end, line in self.until if place < end).repeated += 1


def unexcused(bench: Bench) -> list[int]:
    """Where in the log a finished epoch begins again although its checkpoint had not been damaged."""
    keys = {fault_task.identity(row["settings"]): row["key"] for row in read_rows(bench.place)}
    log, damaged = bench.log(), list(bench.damaged)
    found = []
    for place in drive.repeats(log):
        trial, epoch, _ = log[place]
        excuses = [one for one in damaged if one[:2] == (keys.get(trial), epoch) and one[2] <= place]
        found += [] if excuses else [place]
        damaged = [one for one in damaged if one not in excuses[:1]]
    return found


LINES = [
    Line("SIGKILL of a trial's worker", 8, worker),
    Line("SIGKILL of the driver", 3, driver),
    Line("SIGKILL of the raylet", 2, node),
    Line("SIGKILL of the head", 2, head),
    Line("Ctrl-C", 1, interrupt),
    Line("Ctrl-C twice", 1, interrupt_twice),
    Line("power-off: torn row, plan and checkpoints", 2, power),
    Line("power-off: newest checkpoint damaged", 1, damage),
]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=100)
    options.add_argument("--seed", type=int, default=0)
    chosen = options.parse_args()
    hear()
    folder = Path(tempfile.mkdtemp(prefix="nas-harness-faults-"))
    started = time.monotonic()
    study = drive.study(folder, EPOCH, "diverges", seeds=20, epochs=8)
    bench = Bench(folder, study, ("--cpus", "2"))
    try:
        books = rage(bench, LINES, chosen.kills, random.Random(chosen.seed))
        status = finish(bench)
        books.close()
        expected = drive.undisturbed(folder / "undisturbed", study)
    finally:
        bench.end()
    rows = drive.comparable(bench.place)
    print(table(LINES), flush=True)
    clean = all(line.lost + line.doubled + line.repeated == 0 for line in LINES)
    faults, minutes = sum(line.times for line in LINES), (time.monotonic() - started) / 60
    how = "equal" if rows == expected else "DIFFER FROM"
    print(
        f"\n{faults} faults in {minutes:.0f} minutes, seed {chosen.seed}: {len(rows)} rows {how} an undisturbed run's"
    )
    shutil.rmtree(folder)
    sys.exit(0 if rows == expected and clean and status == 0 else 1)  # that some diverge is final


def rage(bench: Bench, lines: Sequence[Line], kills: int, rng: random.Random, longest: float = 2.5) -> Books:
    """Faults, drawn by weight, at random moments up to `longest` seconds after an epoch began; the same command after
    each that ended the driver."""
    run, books = bench.start(), Books(bench)
    while sum(line.times for line in lines) < kills:
        bench.wait_for_epochs(1, run)
        time.sleep(rng.uniform(0, longest))
        line = rng.choices(lines, [line.weight for line in lines])[0]
        line.times += (struck := line.fault(bench, run))
        if run.process.poll() is not None:
            run = bench.start()
        if not struck:
            continue
        bench.wait_for_epochs(1, run)
        books.charge(line)
        total = sum(line.times for line in lines)
        print(f"{total:4} {line.name}: {len(books.keys)} rows, {len(bench.log())} epochs begun", flush=True)
    run.kill()
    return books


def finish(bench: Bench) -> int:
    """What is left, in haste."""
    bench.hurry()
    return bench.start().finish()


def table(lines: Sequence[Line]) -> str:
    text = ["| fault | times | rows lost | rows doubled | epochs repeated |", "|---|---|---|---|---|"]
    text += [f"| {one.name} | {one.times} | {one.lost} | {one.doubled} | {one.repeated} |" for one in lines]
    total = [sum(getattr(one, name) for one in lines) for name in ("times", "lost", "doubled", "repeated")]
    return "\n".join([*text, "| **together** | " + " | ".join(map(str, total)) + " |"])


if __name__ == "__main__":
    main()
