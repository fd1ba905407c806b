"""Nodes of Ray's fake provider that count as up to date once they are made, so that the autoscaler replaces dead ones.

Ray loads it in the process that starts nodes.
"""

from typing import Any

from ray.autoscaler._private.fake_multi_node.node_provider import FakeMultiNodeProvider
from ray.autoscaler.tags import STATUS_UP_TO_DATE, TAG_RAY_NODE_STATUS


class Nodes(FakeMultiNodeProvider):
    def create_node_with_resources_and_labels(self, node_config: Any, tags: dict[str, str], *more: Any) -> None:
        """The fake provider's own takes the status from the tags, and nothing ever changes it."""
        super().create_node_with_resources_and_labels(node_config, {**tags, TAG_RAY_NODE_STATUS: STATUS_UP_TO_DATE},
                                                      *more)  # fmt: skip
