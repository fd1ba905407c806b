"""What the networks that a study keeps will take on the disk."""

from collections.abc import Callable, Iterable
from typing import Any

from torch import nn

from harness.plan.jobs import Job
from harness.run.kept_networks import is_final
from harness.run.prepare import Prepared


def size(network: nn.Module) -> int:
    """Bytes of its weights and buffers."""
    return sum(value.numel() * value.element_size() for value in network.state_dict().values())


def kept(prepared: Prepared, sizes: Callable[[Job], float]) -> dict[str, Any]:
    """`sizes`: bytes of the network that a job trains, about."""
    setting, jobs = prepared.study.keep_weights, prepared.plan.jobs
    final = [job for job in jobs.values() if is_final(job)]
    if setting == "best":
        first = {method: job for job in reversed(final) for method in job.methods}
        final = list({job.key: job for job in first.values()}.values())
    final = final if setting != "none" else []
    return {"setting": setting, "networks": len(final), "bytes": round(sum(map(sizes, final)))}


def text(found: dict[str, Any]) -> Iterable[str]:
    if found["networks"]:
        which = "of each row the best network" if found["setting"] == "best" else "all trained networks"
        yield (f"keeps {which} (keep_weights): {found['networks']} files in weights/, about "
               f"{found['bytes'] / 1e6:.1f} MB")  # fmt: skip
