"""Only one process at a time sends a folder to a tracker; a run made twice would be there twice."""

import fcntl
import os
from pathlib import Path

from harness.errors import BadInput
from harness.storage.files import opened
from harness.trackers.targets import Target

_held: list[int] = []  # until this process ends


def turn(folder: Path, target: Target) -> None:
    """Raises BadInput where another process has it."""
    if _held:
        return
    lock = opened(folder / f".track-{target.kind}-{target.digest}", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise BadInput("another process sends this folder's trials there now") from None
    _held.append(lock)
