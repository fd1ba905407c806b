"""Made-up studies and rows in the exact form of docs/rows.md, for tests of the analysis."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

PAIRS = [(i, k) for i, k in combinations(range(1, 17), 2) if k - i >= 2]
VERSIONS = {"python": "3.11.9", "torch": "2.14.1", "ray": "2.60.0", "nas-harness": "0.1.0"}
RECIPE = {"epochs": 4, "batch_size": 64, "lr": 0.0090131, "momentum": 0.9, "precision": "fp32",
          "scheduler": {"kind": "step", "gamma": 0.2344, "step": 0.667}}  # fmt: skip


def key(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:16]


def study(name: str = "made-up", *, seeds: int = 3, train: int = 1, snapshots: Sequence[int] = (5, 10, 20),
          rules: Sequence[str] = ("A", "B"), twins: int = 1, **changes: Any) -> dict[str, Any]:  # fmt: skip
    """A resolved study: searches shared by the rules, retrained at each snapshot, twins, baseline."""
    rows: list[dict[str, Any]] = []
    for rule in rules:
        for epochs in snapshots:
            twin = f"random-{rule}@{epochs}" if twins else None
            rows.append({"method": f"darts-{rule}@{epochs}", "twin": twin, "role": "method", "rule": rule,
                         "search_epochs": epochs})  # fmt: skip
    rows.append({"method": "baseline", "twin": None, "role": "baseline", "rule": None, "search_epochs": None})
    out = {
        "name": name, "space": "shortcut-vgg19", "space_options": {"width": 0.125},
        "data": {"name": "cifar10", "train_images": 8000}, "seeds": {"search": seeds, "train": train},
        "search": {"strategy": "darts", "epochs": max(snapshots), "snapshots": list(snapshots), "gate": "sigmoid"},
        "recipe": RECIPE, "smallest_effect": 0.2, "alpha": 0.05, "looks": [],
        "methods": [{"name": f"darts-{rule}", "rule": rule, "strategy": "darts", "twins": twins} for rule in rules]
        + [{"name": "baseline", "rule": None, "strategy": "none", "twins": 0}],
        "rows": rows, "command": f"nas-harness run {name} --data-root DATA",
    }  # fmt: skip
    out["plan"] = _plan(out, twins)
    return {**out, **changes}


def _plan(study: Mapping[str, Any], twins: int) -> list[dict[str, Any]]:
    jobs: list[dict[str, Any]] = []

    def add(kind: str, method: str, role: str, seed: int, needs: Sequence[str], *parts: object) -> str:
        own = key(study["name"], kind, method, seed, *parts)
        jobs.append({"key": own, "kind": kind, "method": method, "role": role, "seed": seed, "needs": list(needs)})
        return own

    for seed in range(study["seeds"]["search"]):
        search = add("search", "darts", "search", seed, [])
        for row in study["rows"]:
            for train in range(study["seeds"]["train"]):
                needs = [] if row["role"] == "baseline" else [search]
                add("train", row["method"], row["role"], seed, needs, train)
                for twin in range(twins if row["twin"] else 0):
                    add("train", row["twin"], "twin", seed, needs, train, twin)
    return jobs


def rows(study: Mapping[str, Any], effect: float = 0.4, noise: float = 0.2,
         random_seed: int = 0) -> list[dict[str, Any]]:  # fmt: skip
    """A finished row for every job of the plan; methods beat their twins by `effect` points."""
    rng = np.random.default_rng(random_seed)
    table = {row["method"]: row for row in study["rows"]} | {row["twin"]: row for row in study["rows"] if row["twin"]}
    luck = rng.normal(0, noise, size=study["seeds"]["search"])
    counts: dict[tuple[str, int], int] = {}
    seen: dict[tuple[str, int], int] = {}
    out = []
    for job in study["plan"]:
        if job["kind"] == "search":
            out.append(row(job, study, **_search(study, rng)))
            continue
        line, nth = table[job["method"]], seen.setdefault((job["method"], job["seed"]), 0)
        seen[job["method"], job["seed"]] += 1
        twins = next((m["twins"] for m in study["methods"] if m["rule"] == line["rule"] and m["twins"]), 1)
        train, twin = (nth // twins, nth % twins) if job["role"] == "twin" else (nth, 0)
        chosen = _architecture(line, job["seed"], counts, rng)
        better = 0 if job["role"] == "baseline" else effect * (job["role"] == "method") + 0.02 * len(chosen)
        accuracy = 70 + luck[job["seed"]] + better + rng.normal(0, noise)
        pair = key(study["name"], "train", line["method"], job["seed"], train)
        out.append(row(
            job, study, train_seed=train, twin=twin, pair=pair if line["role"] != "baseline" else None,
            twin_of=line["method"] if job["role"] == "twin" else None, test_accuracy=round(float(accuracy), 4),
            architecture=" ".join(["vgg19", *(f"{i}-{k}" for i, k in chosen)]), shortcuts=len(chosen),
            long_shortcuts=sum(k - i >= 4 for i, k in chosen), recipe=study["recipe"],
            parameters=316_000 + sum(1300 * (k - i) for i, k in chosen), macs=6_400_000 + 90_000 * len(chosen),
            curve=_curve(study["recipe"]["epochs"], rng), test_loss=round(float(rng.uniform(0.8, 1)), 4)))  # fmt: skip
    return out


def _architecture(line: Mapping[str, Any], seed: int, counts: dict[tuple[str, int], int],
                  rng: np.random.Generator) -> list[tuple[int, int]]:  # fmt: skip
    """Exactly as many shortcuts for a twin as for its method."""
    if line["role"] == "baseline":
        return []
    low = {"A": 10, "B": 4}[line["rule"]] + line["search_epochs"] // 4
    number = counts.setdefault((line["method"], seed), int(rng.integers(low, low + 4)))
    return sorted(PAIRS[n] for n in rng.choice(len(PAIRS), size=number, replace=False))


def _curve(epochs: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    return [{"epoch": n + 1, "train_loss": round(2.3 / (n + 1) + float(rng.uniform(0, 0.1)), 4), "seconds": 2.5,
             "lr": 0.0090131} for n in range(epochs)]  # fmt: skip


def _search(study: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    epochs = study["search"]["epochs"]
    points = [
        {
            "epoch": n + 1, "train_loss": round(2.3 / (n + 1) ** 0.3, 4), "seconds": 5.0, "lr": 0.009,
            "val_accuracy": round(60 - 40 / (n + 1) + float(rng.uniform(0, 1)), 3), "entropy": 0.69 - n / 500,
            "counts": {"A": 10 + n, "B": min(14, 3 + n)}, "discretised_accuracy": {"A": 40.0 + n, "B": 38.0 + n},
        }
        for n in range(epochs)
    ]  # fmt: skip
    alpha = np.triu(rng.normal(0, 0.3, size=(16, 16)), 2).round(4)
    read = study["search"]["snapshots"]
    snapshots = {str(epoch): {"pairs": (alpha * epoch / epochs).round(4).tolist()} for epoch in read}
    served = [row["method"] for row in study["rows"] if row["role"] == "method"]
    return {"curve": points, "snapshots": snapshots, "val_accuracy": points[-1]["val_accuracy"], "epochs": epochs,
            "methods": served, "device_seconds": 100.0}  # fmt: skip


def row(job: Mapping[str, Any], study: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """One row with every field of docs/rows.md."""
    return {
        "schema": 1, "key": job["key"], "kind": job["kind"], "method": job["method"], "methods": [job["method"]],
        "role": job["role"], "twin_of": None, "pair": None, "needs": job["needs"], "seed": job["seed"], "train_seed": 0,
        "twin": 0, "settings": {"seed": job["seed"], "data": study["data"]}, "architecture": None, "recipe": None,
        "split": "5f1c0ffee", "status": "done", "error": None, "val_accuracy": None, "test_accuracy": None,
        "train_loss": 0.61, "test_loss": None, "parameters": None, "macs": None, "shortcuts": None,
        "long_shortcuts": None, "epochs": study["recipe"]["epochs"], "seconds": 10.0, "device_seconds": 10.0,
        "device": "cpu", "hardware": "EPYC (avx2)", "threads": 1,
        "path": "channels_last", "precision": "fp32", "host": "lab1",
        "started": "2025-11-01T10:00:00Z", "finished": "2025-11-01T10:00:10Z", "versions": VERSIONS,
        "commit": "0123456789abcdef0123456789abcdef01234567", "dirty": False, "curve": [], "snapshots": None,
        "warnings": [], "peak_memory_bytes": 300_000_000, **fields,
    }  # fmt: skip


def write(folder: Path, study: Mapping[str, Any], trials: Sequence[Mapping[str, Any]]) -> Path:
    """A results folder as a run leaves it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "study.json").write_text(json.dumps(study))
    (folder / "trials.jsonl").write_text("".join(json.dumps(trial) + "\n" for trial in trials))
    return folder


def failed(trial: Mapping[str, Any], status: str = "failed", error: str = "out of memory") -> dict[str, Any]:
    """The same row as it looks where the trial did not come to a number."""
    return {**trial, "status": status, "error": error, "test_accuracy": None, "test_loss": None, "curve": []}


CELL = "cells inputs=1 concat=3,4,5 normal=0>1:conv_5x5,1>2:max_pool_3x3,1>3:conv_5x5,2>4:skip_connect,0>5:conv_3x3"


def as_cells(trials: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The same rows as a cell space leaves them: other architectures and α, no long shortcuts."""
    alpha = np.linspace(-0.2, 0.3, 90).reshape(15, 6).round(4).tolist()
    out = []
    for trial in trials:
        changed = {**trial, "long_shortcuts": None}
        if trial["architecture"]:
            changed |= {"architecture": CELL, "shortcuts": 1}
        if trial["snapshots"]:
            changed["snapshots"] = {epoch: {"normal": alpha} for epoch in trial["snapshots"]}
        out.append(changed)
    return out
