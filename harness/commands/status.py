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
    print(visible(report(folder)))
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


def report(folder: Path) -> str:
    """Done, running, waiting, failed and why and what waits for it, device-seconds spent, time left."""
    study = opened_study(folder)
    every = complete_rows(folder)
    rows, last = counting(every), {row["key"]: row for row in every}
    plan = {job["key"]: job for job in study["plan"]}
    mine = {key: row for key, row in rows.items() if key in plan}
    running = _running(folder)
    states = Counter(_state(key, mine, running, plan) for key in plan)
    spent = sum(row["device_seconds"] for row in rows.values())
    lines = [f"{study['name']}: " + ", ".join(f"{states[s]} {s}" for s in STATES if states[s]) + f" of {len(plan)}"]
    lines += [f"  running: {plan[key]['method']} seed {plan[key]['seed']}{_progress(entry)}"
              for key, entry in running.items() if key in plan]  # fmt: skip
    lines += [_trouble(row, mine, plan) for key, row in mine.items() if _state(key, mine, running, plan) in TROUBLE]
    again = [row for key, row in last.items() if key in plan and row["status"] == Status.FAILED != mine[key]["status"]]
    lines += [_trouble(row, mine, plan) for row in again]  # it had ended well, and had to be made again
    left = _left(plan, mine, running)
    lines.append(f"  {spent:,.0f} device-seconds spent" + (f", about {left / 60:,.0f} minutes left" if left else ""))
    if states[Status.FAILED]:
        lines.append("  a failed trial runs again with the next command, and what waits for it after it: "
                     "mend first what would fail again")  # fmt: skip
    if states["waiting"] + states["ready"] + states[Status.FAILED] and not held(folder):
        lines.append("  nobody is running it: the same command again runs what is missing")
    return "\n".join(lines)


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


def _trouble(row: Mapping[str, Any], rows: Mapping[str, Any], plan: Mapping[str, Any]) -> str:
    """Why, and how many trials wait for a failed one, directly or not. Plans list a job after what it needs."""
    held = {row["key"]} if row["status"] == Status.FAILED else set()
    for key, job in plan.items():
        if held.intersection(job["needs"]) and rows.get(key, {}).get("status") not in FINAL:
            held.add(key)
    waiting = f"; {len(held) - 1} wait for it" if len(held) > 1 else ""
    error = " ".join(str(row["error"]).split())
    return f"  {row['status']}: {row['method']} seed {row['seed']} ({row['key']}): {error}{waiting}"


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


def _running(folder: Path) -> dict[str, Any]:
    """What the driver last wrote, where one holds the folder now."""
    if not held(folder):
        return {}
    try:
        entries = json.loads(running_file(folder).read_text())["running"]
        return {entry["key"]: entry for entry in entries if _is_running(entry)}
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return {}


def _is_running(entry: Mapping[str, Any]) -> bool:
    """Whether a driver could have written it. Raises TypeError or KeyError where it lacks something."""
    progress = entry["progress"] or {"epoch": 1, "epochs": 1, "seconds": 0.0}
    numbers = (entry["since"], progress["epoch"], progress["epochs"], progress["seconds"])
    return all(isinstance(number, int | float) for number in numbers) and progress["epoch"] > 0


def _progress(entry: Mapping[str, Any]) -> str:
    progress = entry["progress"]
    if not progress:
        return ", starting"
    left = progress["seconds"] * (progress["epochs"] / progress["epoch"] - 1)
    return f", epoch {progress['epoch']}/{progress['epochs']}, {left:.0f} s left"


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
