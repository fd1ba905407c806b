"""Whether an exported file computes what the network does: logits on a few images, accuracy on the test set."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from harness.data.images import Images
from harness.errors import Stopped

RELATIVE, ABSOLUTE = 1e-3, 1e-4  # of a logit
COUNTS = (1, 5)  # images at once
BATCH = 256
LOW_PRECISION = 0.1  # points that a network trained in bf16 or tf32 may differ in fp32


def logits(run: Callable[[Tensor], Tensor], module: torch.nn.Module, images: Callable[[int], Tensor]) -> float:
    """The largest difference of a logit. Raises Stopped where one is beyond rounding."""
    largest = 0.0
    for count in COUNTS:
        batch = images(count)
        with torch.no_grad():
            found, expected = run(batch), module(batch)
        if found.shape != expected.shape or not torch.allclose(found, expected, RELATIVE, ABSOLUTE):
            raise Stopped(f"the exported network's logits are not those of the network itself (of {count} images): "
                          "nothing was written")  # fmt: skip
        largest = max(largest, (found - expected).abs().max().item())
    return largest


@torch.no_grad()
def accuracy(run: Callable[[Tensor], Tensor], part: Images) -> float:
    """In percent, of uint8 images."""
    hits = 0
    for start in range(0, len(part), BATCH):
        chosen = part.images[start : start + BATCH].float() / 255
        hits += int((run(chosen).argmax(1) == part.labels[start : start + BATCH]).sum())
    return 100 * hits / len(part)


def tolerance(row: Mapping[str, Any], images: int) -> float:
    """Points by which the accuracy in fp32 on so many images may differ from the row's: of few, one image may."""
    exact = row.get("precision") == "fp32" and "tf32" not in str(row.get("path"))
    return 0.0 if exact else max(LOW_PRECISION, 100 / images)
