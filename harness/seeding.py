"""Random streams: every draw derives from (study seed, seed index, purpose, …) and from nothing else.

So a searched network, its twin and the baseline of one seed see the same images in the same order, no result depends
on when or where a trial ran, and a checkpoint needs no generator's state: an epoch's streams start from its number.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


def stream(study_seed: int, seed: int, purpose: str, *more: int | str) -> int:
    """A 63-bit seed."""
    text = ":".join(map(str, (study_seed, seed, purpose, *more)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


@dataclass(frozen=True)
class Seeds:
    """The seeds of one job: of its study, of its repetition, of the training of one architecture."""

    study: int = 0
    search: int = 0
    training: int = 0

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Seeds":
        """Of a job's settings."""
        return cls(settings["study_seed"], settings["seed"], settings.get("train_seed", 0))

    def stream(self, purpose: str, *more: int | str) -> int:
        """As `stream`, of this study and repetition."""
        return stream(self.study, self.search, purpose, *more)
