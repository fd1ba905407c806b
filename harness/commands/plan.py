"""The estimated cost of a plan: counts, MACs and time, from measured steps of each kind of network."""

import argparse
import json
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache
from statistics import mean
from typing import Any

import torch

from harness.commands import context, plan_networks, sessions
from harness.commands.plan_seconds import StandIn, job_seconds, networks, stand_in
from harness.engine.cores import cores
from harness.plan.jobs import Job
from harness.run import same_hardware
from harness.run.admission import Shares
from harness.run.checks.study import example
from harness.run.display import duration
from harness.run.engine_paths import LIMIT, to_measure
from harness.run.prepare import Prepared
from harness.storage.rows import final_rows
from harness.vocabulary.kinds import Kind
from spaces.cost import cost


def command(options: argparse.Namespace) -> int:
    session = sessions.here(options)
    prepared = context.as_there(options, context.study(options), session)
    context.differ(prepared)
    seen = [same_hardware.look(session.device)]
    same_hardware.warn(seen, session.device, prepared.plan.jobs, final_rows(prepared.folder))
    found = estimate(prepared, session.device, session.shares)
    print(json.dumps(found) if options.json else text(found))
    return 0


def estimate(prepared: Prepared, device: str, shares: Shares) -> dict[str, Any]:
    """The plan as values; seconds are of what is left, from steps measured one at a time, as if nothing ended early.
    docs/commands.md lists the fields."""
    jobs = prepared.plan.jobs
    rows = final_rows(prepared.folder)
    left = {key: job for key, job in jobs.items() if key not in rows}
    seconds = job_seconds(prepared, device, left)
    at_once = trials_at_once(device, shares)
    total, longest = sum(seconds.values()), _longest(prepared, seconds)
    trained = {row.method: [job for job in jobs.values() if row.method in job.methods and job.kind == Kind.TRAIN]
               for row in prepared.plan.rows.values()}  # fmt: skip
    return {
        "study": prepared.study.name,
        "folder": str(prepared.folder),
        "jobs": len(jobs),
        "left": len(left),
        "network": _size(prepared),
        "kinds": [
            _kind(kind, number, left, seconds) for kind, number in Counter(j.kind for j in jobs.values()).items()
        ],
        "rows": [
            {"method": name, "trainings": len(own), "after": _after(own[0], jobs)} for name, own in trained.items()
        ],
        "trials_at_once": at_once,
        "seconds": max(longest, total / at_once),
        "work_seconds": total,
        "longest_chain_seconds": longest,
        "paths_to_measure": list(to_measure(prepared, prepared.plan, device)) if left else [],
        "weights": plan_networks.kept(prepared, _network_bytes(prepared)),
    }


def text(found: Mapping[str, Any]) -> str:
    jobs, left, network = found["jobs"], found["left"], found["network"]
    lines = [
        f"study {found['study']}: {jobs} jobs into {found['folder']}, {left} of {jobs} left",
        f"{network['what']}: {network['parameters']:,} parameters, {network['macs'] / 1e6:.1f} M MACs an image",
    ]
    for kind in found["kinds"]:
        each = "all there" if kind["seconds_each"] is None else f"about {duration(kind['seconds_each'])} each"
        lines.append(f"  {kind['jobs']:5} × {kind['kind']:6} {each}")
    lines += [f"  {row['method']:24} {row['trainings']} trainings, after {row['after']}" for row in found["rows"]]
    lines.append(f"about {duration(found['seconds'])}, {found['trials_at_once']:g} trials at once")
    lines.append(f"(work {duration(found['work_seconds'])}, longest chain {duration(found['longest_chain_seconds'])}; "
                 "of what is left, from steps measured one at a time, as if nothing ended early)")  # fmt: skip
    if first := found["paths_to_measure"]:
        lines.append(f"before the first trial, {LIMIT:g} s at most each: which path is fastest for "
                     f"{' and '.join(f'{what}s' for what in first)}")  # fmt: skip
    return "\n".join([*lines, *plan_networks.text(found["weights"])])


def trials_at_once(device: str, shares: Shares) -> float:
    cpus, _ = shares.of("train", device)
    at_once = cores() // max(1, int(cpus))
    processes = min(at_once, shares.processes("train", device, torch.cuda.device_count()))
    return max(1, processes * shares.pack("train"))


def _network_bytes(prepared: Prepared) -> Callable[[Job], float]:
    @cache
    def of(stand: StandIn) -> float:
        with torch.device("meta"):
            return mean([plan_networks.size(network) for network in networks(stand, prepared)] or [0])

    return lambda job: of(stand_in(job, prepared))


def _size(prepared: Prepared) -> dict[str, Any]:
    data, space = prepared.data, prepared.space
    parameters, macs = cost(space.build(example(space), data.classes, data.channels), data.channels, data.size)
    name = "network without anything found" if space.baseline() else f"a network drawn by rule {space.rules[0]}"
    return {"what": name, "parameters": parameters, "macs": macs}


def _longest(prepared: Prepared, seconds: dict[str, float]) -> float:
    ends: dict[str, float] = {}
    for key, job in prepared.plan.jobs.items():
        ends[key] = seconds.get(key, 0.0) + max((ends[need] for need in job.needs), default=0.0)
    return max(ends.values(), default=0.0)


def _kind(kind: str, number: int, left: Mapping[str, Job], seconds: Mapping[str, float]) -> dict[str, Any]:
    took = [seconds[key] for key, job in left.items() if job.kind == kind]
    return {"kind": kind, "jobs": number, "left": len(took), "seconds_each": mean(took) if took else None}


def _after(job: Job, jobs: dict[str, Job]) -> str:
    needs = Counter(f"{jobs[key].kind} {jobs[key].method}" for key in job.needs)
    return ", ".join(f"{number} × {what}" if number > 1 else what for what, number in needs.items()) or "nothing"
