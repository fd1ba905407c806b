"""Random search (Li & Talwalkar 2019): the baseline that searches must beat."""

from typing import Any

from harness.black_box.history import Ask


def propose(ask: Ask) -> Any:
    return ask.drawn()
