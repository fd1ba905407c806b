"""What the GPUs of a cluster can do, asked of the nodes that have them: its head may have none."""

import harness.ray_tune.environment  # noqa: F401 (before ray)

# isort: split
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ray

from harness.errors import BadInput
from harness.ray_tune import cluster
from harness.ray_tune.nodes import Seen
from harness.run.same_hardware import look_at_cards

Alive = Sequence[dict[str, Any]]
Everywhere = Callable[[Alive, Callable[[], Seen]], Mapping[str, Seen | None]]


def precision(address: str) -> str:
    """bf16 where every GPU of the cluster multiplies it, else fp32. Raises BadInput where none can be asked."""
    with cluster.own_signals():
        cluster.join(address)
    try:
        return common_precision(address, [node for node in ray.nodes() if node["Alive"]], cluster.everywhere)
    finally:
        ray.shutdown()


def common_precision(address: str, alive: Alive, ask: Everywhere) -> str:
    """As `precision`, of these nodes. Raises BadInput."""
    found = ask([node for node in alive if node["Resources"].get("GPU")], look_at_cards)
    if not found:
        raise BadInput(f"--device cuda: no node of {address} has a GPU now, so nobody can say what recipe.precision = "
                       "'auto' is; start one, or name the precision in the study")  # fmt: skip
    for name, seen in found.items():
        if seen is None or "error" in seen:
            why = seen["error"] if seen else "it does not answer"
            raise BadInput(f"node {name}: {why}; mend that, or name recipe.precision in the study")
    return "bf16" if all(seen and all(seen["kinds"].values()) for seen in found.values()) else "fp32"
