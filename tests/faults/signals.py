"""Signals that ask processes to end, at random moments, to drivers and to workers, in both executors; nothing is lost.

python tests/faults/signals.py [--signals 50] [--seed 0]
"""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Container, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import drive
import fault_task
from drive import Bench, Run
from run import Line, finish, rage, table, workers

from harness.storage.rows import read_rows
from tests.heard import hear

EPOCH = 0.25  # seconds
LONGEST = 1.0  # seconds after an epoch began
SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)
HIT: set[int] = set()  # processes of trials that got a signal, from which they end


def to_driver(number: signal.Signals, bench: Bench, run: Run) -> bool:
    """It says that the same command goes on. After SIGUSR1 every epoch that ran is there."""
    before = running(bench)
    run.signal(number)
    assert run.finish() == 75, run.text()
    assert f"ended by {number.name}" in run.text(), run.text()
    if number == signal.SIGUSR1:
        left = unfinished(bench, before)
        assert not left, (left, run.text())
    return True


def to_worker(number: signal.Signals, bench: Bench, run: Run) -> bool:
    """The driver goes on."""
    for pid in workers(bench, run)[:1]:
        HIT.add(pid)
        os.kill(pid, number)
        bench.wait_for_epochs(1, run)
        return True
    return False


def running(bench: Bench) -> set[str]:
    """Trials whose process lives and was not hit; those that an earlier signal cut short may still wait."""
    last = {trial: pid for trial, _, pid in bench.log()}
    return {trial for trial, pid in last.items() if pid not in HIT and lives(pid)}


def lives(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def unfinished(bench: Bench, before: Container[str]) -> list[str]:
    """Of the trials `before`, those that have neither a row nor a checkpoint of the epoch that began last."""
    ended = {fault_task.identity(row["settings"]) for row in read_rows(bench.place)}
    begun = {trial: epoch for trial, epoch, _ in bench.log() if trial in before and trial not in ended}
    kept = Counter(int(paths[-1].stem) for paths in bench.checkpoints())
    return [f"{count} at epoch {epoch}" for epoch, count in (Counter(begun.values()) - kept).items()]


def lines(name: str, fault: Callable[[signal.Signals, Bench, Run], bool], weight: int) -> list[Line]:
    return [Line(f"{number.name} to {name}", weight, partial(fault, number)) for number in SIGNALS]


def struck(folder: Path, study: Path, arguments: tuple[str, ...], kinds: Sequence[Line], signals: int,
           rng: random.Random) -> Bench:  # fmt: skip
    """A study under that many signals, run to its end. Raises AssertionError where something was lost or failed."""
    bench = Bench(folder, study, arguments)
    try:
        books = rage(bench, kinds, signals, rng, LONGEST)
        assert finish(bench) == 0, bench.started[-1].text()
        books.close()
    finally:
        bench.end()
    assert not [row for row in read_rows(bench.place) if row["status"] == "failed"]
    return bench


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--signals", type=int, default=52)
    options.add_argument("--seed", type=int, default=0)
    chosen = options.parse_args()
    hear()
    folder, rng, started = (
        Path(tempfile.mkdtemp(prefix="nas-harness-signals-")),
        random.Random(chosen.seed),
        time.time(),
    )
    study = drive.study(folder, EPOCH, "diverges", seeds=12, epochs=8)
    alone = lines("the driver, which runs the trials itself", to_driver, 1)
    with_ray = [*lines("the driver of a Ray", to_driver, 1), *lines("a worker of a Ray", to_worker, 3)]
    few = chosen.signals // 4
    benches = [struck(folder / "alone", study, ("--executor", "in-process"), alone, few, rng),
               struck(folder / "ray", study, ("--cpus", "2"), with_ray, chosen.signals - few, rng)]  # fmt: skip
    expected = drive.undisturbed(folder / "undisturbed", study)
    equal = all(drive.comparable(bench.place) == expected for bench in benches)
    print(table([*alone, *with_ray]), flush=True)
    clean = all(line.lost + line.doubled + line.repeated == 0 for line in (*alone, *with_ray))
    print(f"\n{chosen.signals} signals in {(time.time() - started) / 60:.1f} minutes, seed {chosen.seed}: "
          f"{len(expected)} rows {'equal' if equal else 'DIFFER FROM'} an undisturbed run's")  # fmt: skip
    shutil.rmtree(folder)
    sys.exit(not (equal and clean))


if __name__ == "__main__":
    main()
