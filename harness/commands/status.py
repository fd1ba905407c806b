"""How far a study is, from its folder alone: from any terminal, while it runs or after. Standard library only."""

import argparse
import fcntl
import json
import os
import time
import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import BadInput, visible
from harness.storage.folder import opened_study, running_file
from harness.storage.rows import complete_rows, counting
from harness.vocabulary.rows import FINAL, Status


def command(options: argparse.Namespace) -> int:
    folder = Path(options.study)
    if not folder.is_dir():
        folder = Path(options.results) / name_of(options.study)
    found = look(folder)
    print(json.dumps(found) if options.json else visible(text(found)))
    return 0


def name_of(study: str) -> str:
    """The name in a study file; of anything else it is the name itself. Raises BadInput where the file has none."""
    path = Path(study)
    if not os.path.isfile(study):
        if path.suffix == ".toml":
            raise BadInput(f"{study}: no such file; name a study, its file or its results folder")
        return path.name
    try:
        found = tomllib.loads(path.read_bytes().decode("utf-8-sig"))["name"]
    except (OSError, ValueError, KeyError, RecursionError) as error:
        raise BadInput(f"{study} is no study file with a name ({type(error).__name__})") from None
    return Path(str(found)).name


def look(folder: Path) -> dict[str, Any]:
    """Trials by state; which run; which ended badly, why and what waits for them; device-seconds spent, seconds left
    (None: not known yet). docs/commands.md lists the fields."""
    study = opened_study(folder)
    every = complete_rows(folder)
    rows, last = counting(every), {row["key"]: row for row in every}
    plan = {job["key"]: job for job in study["plan"]}
    mine = {key: row for key, row in rows.items() if key in plan}
    said = _said(folder)
    running = _running(folder, said)
    of = {key: _state(key, mine, running, plan) for key in plan}
    states = Counter(of.values())
    bad = [row for key, row in mine.items() if of[key] in TROUBLE]
    again = [row for key, row in last.items() if key in plan and row["status"] == Status.FAILED != mine[key]["status"]]
    return {
        "study": study["name"],
        "planned": len(plan),
        "states": {state: states[state] for state in STATES if states[state]},
        "running": [_runner(plan[key], entry) for key, entry in running.items() if key in plan],
        "trouble": [_trouble(row, mine, plan) for row in (*bad, *again)],  # those had ended well, and had to be remade
        "device_seconds": sum(row["device_seconds"] for row in rows.values()),
        "seconds_left": _left(plan, mine, running),
        "held": held(folder),
        "stopped": said.get("stopped"),
        "slurm_job": said.get("slurm_job"),
    }


def text(found: Mapping[str, Any]) -> str:
    states, left = found["states"], found["seconds_left"]
    counts = ", ".join(f"{number} {state}" for state, number in states.items())
    lines = [f"{found['study']}: {counts} of {found['planned']}"]
    lines += [f"  running: {one['method']} seed {one['seed']}{_progress(one)}" for one in found["running"]]
    lines += [f"  {one['status']}: {one['method']} seed {one['seed']} ({one['key']}): {one['error']}"
              + (f"; {one['waiting']} wait for it" if one["waiting"] else "") for one in found["trouble"]]  # fmt: skip
    lines.append(f"  {found['device_seconds']:,.0f} device-seconds spent"
                 + (f", about {left / 60:,.0f} minutes left" if left else ""))  # fmt: skip
    if Status.FAILED in states:
        lines.append("  a failed trial runs again with the next command, and what waits for it after it: "
                     "mend first what would fail again")  # fmt: skip
    return "\n".join([*lines, *_driver(found)])


def _driver(found: Mapping[str, Any]) -> list[str]:
    """Who runs the study, or who may go on with it."""
    job = found["slurm_job"] and f"Slurm job {found['slurm_job']}"
    if found["held"]:
        asked = f"asked to stop by {found['stopped']}: what runs ends after its epoch" if found["stopped"] else ""
        return [f"  {line}" for line in (job and f"{job} is running it", asked) if line]
    if not found["states"].keys() & {"waiting", "ready", Status.FAILED}:
        return []
    again = "the same command again runs what is missing"
    if not found["stopped"]:
        return [f"  nobody is running it: {again}"]
    if not job:
        return [f"  stopped by {found['stopped']}: {again}"]
    return [f"  stopped by {found['stopped']} in {job}; where Slurm starts that job again (squeue --job "
            f"{found['slurm_job']}) it goes on, else {again}"]  # fmt: skip


TROUBLE = (Status.FAILED, Status.DIVERGED, Status.DISCONNECTED)
STATES = (
    Status.DONE,
    Status.PRUNED,
    Status.DISCONNECTED,
    Status.UNMATCHED,
    Status.FAILED,
    Status.DIVERGED,
    "running",
    "ready",
    "waiting",
)


def _state(key: str, rows: Mapping[str, Any], running: Mapping[str, Any], plan: Mapping[str, Any]) -> str:
    if key in running:
        return "running"
    if key in rows:
        return str(rows[key]["status"])
    ended = (rows.get(need, {}).get("status") in FINAL for need in plan[key]["needs"])
    return "ready" if all(ended) else "waiting"


def _trouble(row: Mapping[str, Any], rows: Mapping[str, Any], plan: Mapping[str, Any]) -> dict[str, Any]:
    """Why, and how many trials wait for a failed one, directly or not. Plans list a job after what it needs."""
    held = {row["key"]} if row["status"] == Status.FAILED else set()
    for key, job in plan.items():
        if held.intersection(job["needs"]) and rows.get(key, {}).get("status") not in FINAL:
            held.add(key)
    error = " ".join(str(row["error"]).split())
    return {**{name: row[name] for name in ("key", "kind", "method", "seed", "status")}, "error": error,
            "waiting": max(0, len(held) - 1)}  # fmt: skip


def held(folder: Path) -> bool:
    """Whether a driver runs the study now."""
    try:
        with open(folder / ".lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _said(folder: Path) -> dict[str, Any]:
    """What the driver wrote last; {} where it is nothing that one could have written."""
    try:
        said = json.loads(running_file(folder).read_text())
        texts = all(isinstance(said.get(name), str | None) for name in ("stopped", "slurm_job"))
        return said if texts else {}
    except (OSError, ValueError, AttributeError, RecursionError):
        return {}


def _running(folder: Path, said: Mapping[str, Any]) -> dict[str, Any]:
    """The trials that run, where a driver holds the folder now."""
    try:
        return {entry["key"]: entry for entry in said["running"] if _is_running(entry)} if held(folder) else {}
    except (TypeError, KeyError):
        return {}


def _is_running(entry: Mapping[str, Any]) -> bool:
    """Whether a driver could have written it. Raises TypeError or KeyError where it lacks something."""
    progress = entry["progress"] or {"epoch": 1, "epochs": 1, "seconds": 0.0}
    numbers = (entry["since"], progress["epoch"], progress["epochs"], progress["seconds"])
    return all(isinstance(number, int | float) for number in numbers) and progress["epoch"] > 0


def _runner(job: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Any]:
    """A trial that runs; without an epoch yet, `epoch` is 0."""
    progress = entry["progress"] or {"epoch": 0, "epochs": None}
    left = progress["seconds"] * (progress["epochs"] / progress["epoch"] - 1) if progress["epoch"] else None
    return {**{name: job[name] for name in ("key", "kind", "method", "seed")}, "epoch": progress["epoch"],
            "epochs": progress["epochs"], "seconds_left": left}  # fmt: skip


def _progress(one: Mapping[str, Any]) -> str:
    if not one["epoch"]:
        return ", starting"
    return f", epoch {one['epoch']}/{one['epochs']}, {one['seconds_left']:.0f} s left"


def _left(plan: Mapping[str, Any], rows: Mapping[str, Any], running: Mapping[str, Any]) -> float | None:
    """Seconds: what each kind took on average, over as many trials as run at once."""
    means: dict[str, float] = {}
    for kind in {job["kind"] for job in plan.values()}:
        took = [row["seconds"] for row in rows.values() if row["kind"] == kind and row["seconds"]]
        took += [e["progress"]["seconds"] * e["progress"]["epochs"] / e["progress"]["epoch"]
                 for key, e in running.items() if e["progress"] and plan.get(key, {}).get("kind") == kind]  # fmt: skip
        if took:
            means[kind] = sum(took) / len(took)
    todo = [job for key, job in plan.items() if key not in rows]
    if not todo or any(job["kind"] not in means for job in todo):
        return None
    already = sum(max(0.0, time.time() - float(entry["since"])) for entry in running.values())
    return max(0.0, sum(means[job["kind"]] for job in todo) - already) / max(1, len(running))
