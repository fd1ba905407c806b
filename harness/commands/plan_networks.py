"""What the networks that a study keeps will take on the disk."""

from collections.abc import Iterable
from typing import Any

from harness.run.kept_networks import is_final
from harness.run.prepare import Prepared


def kept(prepared: Prepared, sizes: dict[str, float]) -> dict[str, Any]:
    """`sizes`: bytes of the network that each job trains, about, by key."""
    setting, jobs = prepared.study.keep_weights, prepared.plan.jobs
    final = [job for job in jobs.values() if is_final(job)]
    if setting == "best":
        first = {method: job for job in reversed(final) for method in job.methods}
        final = list({job.key: job for job in first.values()}.values())
    final = final if setting != "none" else []
    return {"setting": setting, "networks": len(final), "bytes": round(sum(sizes[job.key] for job in final))}


def text(found: dict[str, Any]) -> Iterable[str]:
    if found["networks"]:
        which = "of each row the best network" if found["setting"] == "best" else "all trained networks"
        yield (f"keeps {which} (keep_weights): {found['networks']} files in weights/, about "
               f"{found['bytes'] / 1e6:.1f} MB")  # fmt: skip
