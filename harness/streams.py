"""Random streams: every draw derives from (study seed, seed index, purpose, …) and from nothing else.

So a searched network, its twin and the baseline of one seed see the same images in the same order, no result depends
on when or where a trial ran, and a checkpoint needs no generator's state: an epoch's streams start from its number.
"""

import hashlib


def stream(study_seed: int, seed: int, purpose: str, *more: int | str) -> int:
    """A 63-bit seed."""
    text = ":".join(map(str, (study_seed, seed, purpose, *more)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
