"""Drivers as processes that can be watched, killed and run again, and what their folders must hold afterwards."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fault_task import DIVERGES, GREEDY, HANGS, HASTE, HOLD, LOG, RAISES

from harness.storage.folder import rows_file
from harness.storage.rows import latest_rows, read_rows
from harness.vocabulary.rows import FINAL

REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE = 240.0  # seconds for anything at all
FREE = {
    "host",
    "started",
    "finished",
    "seconds",
    "device_seconds",
    "peak_memory_bytes",
    "versions",
    "commit",
    "dirty",
    "protocol",
}
ARCHITECTURES = {"raises": RAISES, "diverges": DIVERGES, "hangs": HANGS, "greedy": GREEDY}

STUDY = """
name = "faults"
space = "shortcut-vgg11"
task = "fault_task:logged"
data = {{ name = "digits", image_size = 32 }}
seeds = {{ search = {seeds} }}
search = {{ epochs = {epochs}, snapshots = [2, {epochs}] }}
recipe = {{ epochs = {epochs}, lr = {seconds} }}
space_options = {{ width = 0.125 }}
method = [{methods}]
"""


def study(folder: Path, seconds: float, *also: str, seeds: int = 2, epochs: int = 4) -> Path:
    """A study with searches, retraining, twins and a baseline, and methods that fail in the way they are called."""
    methods = ['{ name = "darts-A", rule = "A", twins = 1 }', '{ name = "darts-B", rule = "B" }']
    methods += ['{ name = "baseline" }']
    methods += [f'{{ name = "{name}", architecture = "{ARCHITECTURES[name]}" }}' for name in also]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "study.toml"
    path.write_text(STUDY.format(seconds=seconds, methods=", ".join(methods), seeds=seeds, epochs=epochs))
    return path


@dataclass
class Bench:
    """A place with one study's results and the log of every epoch that was executed for it."""

    folder: Path
    study: Path
    arguments: tuple[str, ...] = ()
    prefix: tuple[str, ...] = ()
    damaged: list[tuple[str, int, int]] = field(default_factory=list)  # (job's key, epoch, length of the log then)
    started: list["Run"] = field(default_factory=list)

    @property
    def results(self) -> Path:
        return self.folder / "results"

    @property
    def place(self) -> Path:
        return self.results / "faults"

    def start(self, *arguments: str) -> "Run":
        """The same command as ever, in a process group of its own."""
        self.folder.mkdir(parents=True, exist_ok=True)
        line = [*self.prefix, sys.executable, "-m", "harness", "run", str(self.study), "--results", str(self.results)]
        output = self.folder / f"output-{len(self.started)}"
        with open(output, "w") as file:
            process = subprocess.Popen([*line, *self.arguments, *arguments], stdout=file, stderr=file,
                                       stdin=subprocess.DEVNULL, env=environment(self.folder),
                                       cwd=self.folder, start_new_session=True,
                                       preexec_fn=_hears_ctrl_c)  # fmt: skip
        self.started.append(Run(process, output))
        return self.started[-1]

    def hurry(self) -> None:
        """From now on epochs take no time."""
        (self.folder / HASTE).touch()

    def hold(self, more: int, epoch: int = 1) -> None:
        """Once `more` epochs have begun since now, each whose number is `epoch` or above waits until `go_on`."""
        new = self.folder / f".{HOLD}"
        new.write_text(f"{len(self.log()) + more} {epoch}")
        new.replace(self.folder / HOLD)

    def go_on(self) -> None:
        (self.folder / HOLD).unlink()

    def log(self) -> list[tuple[str, int, int]]:
        """Every epoch begun: (trial, epoch, pid), in this order."""
        path = self.folder / "epochs.log"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(trial, int(epoch), int(pid)) for trial, epoch, _, pid, _ in map(str.split, lines)]

    def wait_for(self, what: Callable[[], Any], run: "Run | None" = None) -> Any:
        """What `what` gives once it is true; fails with the output where it takes too long or `run` ends before."""
        end = time.monotonic() + PATIENCE
        while not (found := what()):
            ended = run is not None and run.process.poll() is not None
            assert not ended, f"ended with {run and run.process.returncode}:\n{run and run.text()}"
            assert time.monotonic() < end, "\n".join(run.text() for run in self.started)
            time.sleep(0.05)
        return found

    def wait_for_epochs(self, more: int, run: "Run") -> None:
        """Until `more` epochs have begun since now."""
        goal = len(self.log()) + more
        self.wait_for(lambda: len(self.log()) >= goal, run)

    def checkpoints(self, at_least: int = 1) -> list[list[Path]]:
        """Of each unfinished job with so many, oldest first."""
        found = [sorted(folder.glob("??????.pt")) for folder in (self.place / "checkpoints").glob("*")]
        return [paths for paths in found if len(paths) >= at_least]

    def end(self) -> None:
        """Ends whatever still runs."""
        for run in self.started:
            run.kill()


def _hears_ctrl_c() -> None:
    """Even where whoever runs the tests ignores it, as a shell's background jobs do."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@dataclass
class Run:
    """One driver."""

    process: "subprocess.Popen[bytes]"
    output: Path

    def text(self) -> str:
        return self.output.read_text(errors="replace")

    def finish(self) -> int:
        """Its exit status, where it ends by itself."""
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running:\n{self.text()}") from None

    def signal(self, number: int) -> None:
        os.kill(self.process.pid, number)

    def kill(self) -> list[int]:
        """SIGKILL of the driver; returns what had been below it."""
        below = list(descendants(self.process.pid))
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        return below

    def named(self, name: str) -> int:
        """The process below it in whose command line `name` stands."""
        return next(pid for pid in descendants(self.process.pid) if name in command(pid))


def descendants(pid: int) -> Iterator[int]:
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            parents.setdefault(parent, []).append(int(entry.name))
        except (OSError, ValueError):
            continue
    below = parents.get(pid, [])
    while below:
        yield below[0]
        below = [*below[1:], *parents.get(below[0], [])]


def command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def listening(pids: Sequence[int]) -> list[str]:
    """The addresses at which these processes wait for TCP connections."""
    own = {opened for pid in pids for opened in _open_files(pid)}
    found = []
    for family, table in ((socket.AF_INET, "tcp"), (socket.AF_INET6, "tcp6")):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, *_, inode = line.split()[:10]
            if state == "0A" and f"socket:[{inode}]" in own:
                words = bytes.fromhex(local.partition(":")[0])  # 32-bit words in this machine's byte order
                ordered = b"".join(words[i : i + 4][::-1] for i in range(0, len(words), 4))
                found.append(socket.inet_ntop(family, ordered))
    return found


def _open_files(pid: int) -> Iterator[str]:
    """What its descriptors stand for; any may be closed meanwhile."""
    with suppress(OSError):
        for name in os.listdir(f"/proc/{pid}/fd"):
            with suppress(OSError):
                yield os.readlink(f"/proc/{pid}/fd/{name}")


def kill(pid: int) -> bool:
    """SIGKILL; False where it had ended by itself."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def power_off(run: Run) -> None:
    """SIGKILL of the driver and of everything below it, workers first."""
    below = list(descendants(run.process.pid))
    for pid in reversed(below):
        kill(pid)
    run.kill()


def comparable(folder: Path) -> dict[str, dict[str, Any]]:
    """The rows that count, key by key, without times and hosts."""
    return {key: _plain(row) for key, row in latest_rows(folder).items()}


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    curve = [{name: value for name, value in point.items() if name != "seconds"} for point in row["curve"]]
    return {**{name: value for name, value in row.items() if name not in FREE}, "curve": curve}


def unlike(rows: Mapping[str, Mapping[str, Any]], expected: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Where rows differ from those of an undisturbed run: key, field, both values."""
    said = [f"{key}: {'missing' if key in expected else 'not expected'}" for key in sorted({*rows} ^ {*expected})]
    for key in sorted({*rows} & {*expected}):
        names = sorted({*rows[key], *expected[key]})
        said += [f"{key}: {name}: {rows[key].get(name)} != {expected[key].get(name)}" for name in names
                 if rows[key].get(name) != expected[key].get(name)]  # fmt: skip
    return said


def doubled(folder: Path) -> int:
    """Final rows beyond the first of their key."""
    counts = Counter(row["key"] for row in read_rows(folder) if row["status"] in FINAL)
    return sum(count - 1 for count in counts.values())


def repeats(log: Sequence[tuple[str, int, int]]) -> list[int]:
    """Where an epoch begins again although a later one of the same trial had begun, so that it was finished."""
    latest: dict[str, int] = {}
    found = []
    for place, (trial, epoch, _) in enumerate(log):
        found += [place] if epoch < latest.get(trial, 0) else []
        latest[trial] = epoch
    return found


def repeated(log: Sequence[tuple[str, int, int]]) -> int:
    return len(repeats(log))


@contextmanager
def two_nodes(folder: Path) -> Iterator[dict[str, Any]]:
    """A Ray cluster of two nodes for the Bench in `folder`: its address, and processes to kill."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "cluster", "w") as output:
        process = subprocess.Popen([sys.executable, str(Path(__file__).with_name("small_cluster.py"))],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=output, text=True,
                                   env=environment(folder), start_new_session=True)  # fmt: skip
    assert process.stdin
    assert process.stdout
    below: list[int] = []
    try:
        line = process.stdout.readline()
        assert line, (folder / "cluster").read_text()
        below = list(descendants(process.pid))
        yield {**json.loads(line), "input": process.stdin}
    finally:
        process.stdin.close()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
        process.stdout.close()
        for pid in below:
            kill(pid)


def environment(folder: Path) -> dict[str, str]:
    """Loopback for everything, one thread, and the log in `folder`."""
    fixed = {LOG: str(folder), "PYTHONPATH": f"{REPOSITORY}:{Path(__file__).parent}", "OMP_NUM_THREADS": "1",
             "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}  # fmt: skip
    return {**os.environ, **fixed}


def undisturbed(folder: Path, study: Path) -> dict[str, dict[str, Any]]:
    """The rows of the same study, run in one process that nothing happens to."""
    folder.mkdir(parents=True, exist_ok=True)
    bench = Bench(folder, study, ("--executor", "in-process"))
    bench.hurry()
    run = bench.start()
    status = run.finish()
    rows = comparable(bench.place)
    assert status == any(row["status"] == "failed" for row in rows.values()), run.text()
    return rows


def tear_rows(folder: Path) -> None:
    """A power-off while a row was written."""
    whole = json.dumps(read_rows(folder)[0]).encode()
    with open(rows_file(folder), "ab") as file:
        file.write(whole[: len(whole) // 2])


def tear_plan(folder: Path) -> None:
    content = (folder / "study.json").read_bytes()
    (folder / "study.json").write_bytes(content[: len(content) // 2])


def tear_checkpoint(newest: Path) -> None:
    """A power-off while the next one was written: half a temporary file."""
    content = newest.read_bytes()
    newest.with_name(f".{int(newest.stem) + 1:06d}.pt.4711.tmp").write_bytes(content[: len(content) // 2])


def corrupt(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
