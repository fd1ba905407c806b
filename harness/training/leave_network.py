"""A trained network as it is left for the study's user: its weights, and all that is needed to use them."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from harness.data.images import DataSet
from harness.plan.settings import Settings
from harness.storage import networks
from harness.storage.checkpoint import Checkpoints
from harness.training.place import Place
from harness.vocabulary.rows import Outcome


def leave_network(network: nn.Module, key: str, settings: Settings, data: DataSet, place: Place,
                  claim: Checkpoints) -> Outcome:  # fmt: skip
    """Nothing where the study keeps none. Raises OSError where the disk is full, Superseded."""
    if not place.keep_network:
        return Outcome()
    claim.check()
    return networks.keep(place.path, key, network.state_dict(), described(settings, data))


def described(settings: Settings, data: DataSet) -> Mapping[str, Any]:
    """Plain values, so that a file of weights says itself which network it is of, and what its images are like."""
    return {"space": settings["space"], "space_options": settings["space_options"],
            "architecture": settings["architecture"], "classes": data.classes, "channels": data.channels,
            "size": data.size, "labels": list(data.names), "mean": list(data.mean), "std": list(data.std)}  # fmt: skip
