"""Which GPUs a machine has, asked of NVIDIA's driver: no CUDA context is made, and what Ray hides is seen."""

import subprocess
from dataclasses import dataclass

from harness.engine.device import BF16_CAPABILITY
from harness.errors import first_line

QUERY = ("nvidia-smi", "--query-gpu=name,compute_cap", "--format=csv,noheader")
SECONDS = 60.0  # a driver that is not kept loaded takes several


@dataclass(frozen=True)
class Card:
    name: str
    capability: tuple[int, ...]

    @property
    def multiplies_bf16(self) -> bool:
        return self.capability >= BF16_CAPABILITY


def cards() -> list[Card]:
    """Raises OSError where the driver cannot be asked."""
    try:
        said = subprocess.run(QUERY, capture_output=True, text=True, timeout=SECONDS, check=True).stdout
    except subprocess.SubprocessError as error:
        raise OSError(f"nvidia-smi does not say which GPUs there are: {first_line(error)}") from None
    return [_card(line) for line in said.splitlines() if line.strip()]


def _card(line: str) -> Card:
    name, _, capability = line.rpartition(",")
    return Card(name.strip(), tuple(int(part) for part in capability.strip().split(".")))
