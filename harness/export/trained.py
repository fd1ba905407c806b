"""A kept network as it is handed out: eager, in fp32 on the CPU, with its normalisation inside."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from harness.errors import BadInput, first_line
from harness.storage import networks
from spaces.registry import load

INPUT = "float32 [N, channels, size, size], pixels from 0 to 1; normalised inside"
RAW_INPUT = "float32 [N, channels, size, size], (pixels from 0 to 1 - mean) / std: a state dict normalises nothing"
OUTPUT = "logits [N, classes]"


class Normalised(nn.Module):
    """Images [N, C, H, W] with pixels from 0 to 1 → logits [N, classes]."""

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, mean: list[float], std: list[float]) -> None:
        super().__init__()
        self.network = network
        for name, values in (("mean", mean), ("std", std)):
            self.register_buffer(name, torch.tensor(values)[:, None, None])

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.network((images - self.mean) / self.std)
        return logits


@dataclass(frozen=True)
class Trained:
    """`kept`: what lies in the network's file; `about`: what every exported file says of it, as plain values."""

    kept: Mapping[str, Any]
    about: Mapping[str, Any]

    @cached_property
    def module(self) -> Normalised:
        return self.built(self.kept)

    def built(self, kept: Mapping[str, Any]) -> Normalised:
        """With the weights and the normalisation of `kept`. Raises BadInput where they are another network's."""
        space = load(self.kept["space"], self.kept["space_options"])
        network = space.build(space.parse(self.kept["architecture"]), self.kept["classes"], self.kept["channels"])
        try:
            network.load_state_dict(kept["state_dict"])
        except RuntimeError as error:
            raise BadInput(f"{self.about['key']}: its weights do not fit its architecture ({first_line(error)}); "
                           "the space may have changed since it was trained") from None  # fmt: skip
        return Normalised(network, kept["mean"], kept["std"]).eval()

    def images(self, count: int, seed: int = 0) -> Tensor:
        """Random ones, for comparisons."""
        generator = torch.Generator().manual_seed(seed)
        shape = (count, self.kept["channels"], self.kept["size"], self.kept["size"])
        return torch.randint(0, 256, shape, generator=generator).float() / 255


def trained(folder: Path, row: Mapping[str, Any], study: str) -> Trained:
    """The network of a row, from its kept weights. Raises BadInput where it cannot be had."""
    kept = networks.read(folder, row)
    if not _sound(kept) or kept["architecture"] != row.get("architecture"):
        raise BadInput(f"{networks.file(folder, row['key'])} is not the network of its row")
    facts = ("space", "space_options", "architecture", "channels", "size", "labels", "mean", "std")
    mine = {name: row.get(name) for name in ("key", "seed", "train_seed", "test_accuracy", "precision")}
    about = {"study": study, "methods": row.get("methods"), **mine, **{name: kept[name] for name in facts},
             "input": INPUT, "output": OUTPUT, "weights_sha256": row["weights"]}  # fmt: skip
    return Trained(kept, about)


def _sound(kept: Mapping[str, Any]) -> bool:
    """Whether it says all that it should, as what it should: somebody else may have written it."""
    kinds = {"space": str, "space_options": dict, "architecture": str, "classes": int, "channels": int, "size": int,
             "labels": list, "mean": list, "std": list}  # fmt: skip
    if not all(type(kept.get(name)) is kind for name, kind in kinds.items()):
        return False
    numbers = all(isinstance(one, float) for one in (*kept["mean"], *kept["std"]))
    lengths = {len(kept["mean"]), len(kept["std"]), kept["channels"]}, {len(kept["labels"]), kept["classes"]}
    return numbers and all(isinstance(one, str) for one in kept["labels"]) and all(len(one) == 1 for one in lengths)
