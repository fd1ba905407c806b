"""A Ray of two nodes on this machine, each with a core and a made-up GPU, until its input closes.

Prints the address and the processes that can be killed, as JSON. Each line that it reads is the PYTHONPATH of one more
node, larger than the others, that joins.
"""

import json
import sys

from ray.cluster_utils import Cluster


def main() -> None:
    fast = {"health_check_initial_delay_ms": 500, "health_check_period_ms": 500, "health_check_failure_threshold": 3}
    cluster = Cluster(initialize_head=True, head_node_args={
        "num_cpus": 1, "num_gpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False,
        "_system_config": fast})  # fmt: skip
    other = cluster.add_node(num_cpus=1, num_gpus=1, object_store_memory=80 * 2**20)
    pids = {"head": cluster.head_node.all_processes["gcs_server"][0].process.pid,
            "raylet": other.all_processes["raylet"][0].process.pid}  # fmt: skip
    print(json.dumps({"address": cluster.address, **pids}), flush=True)
    for line in sys.stdin:
        cluster.add_node(num_cpus=2, num_gpus=2, object_store_memory=80 * 2**20,
                         env_vars={"PYTHONPATH": line.strip()})  # fmt: skip
    cluster.shutdown()


main()
